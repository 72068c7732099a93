"""One POST to a target, and what its answer means. No redirect is followed: a body is for its target."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import aiohttp

from agents.machine.clock import now_ns
from streams.http.faults import KNOWN, named_fault
from streams.http.rules import refusal_of, retry_after_s
from streams.text import clean_text

ANSWER_S: Final = 10.0  # in all: connecting, sending and the answer
DETAIL_CHARS: Final = 200
DETAIL_BYTES: Final = 2_000
REDIRECTS: Final = range(300, 400)
# The target has read it and will not have it, ever; all else may be mended by whoever operates it.
FINAL: Final = frozenset({400, 410, 413, 422})
RETRY_AFTER_MAX_S: Final = 3_600.0


class DeliveryAnswer(NamedTuple):
    """What became of one try."""

    kind: Literal["delivered", "failed", "refused"]
    reason: str = ""
    detail: str = ""
    wait_s: float = 0.0  # that the target asks for before the next


class RetryPolicy(NamedTuple):
    """How a target that fails is treated, in seconds."""

    shortest_s: float  # the pause after the first failure; doubled with each
    longest_s: float
    gives_up_s: float  # what it does not take for so long is a dead letter


class Endpoint:
    """Where a target is reached."""

    def __init__(
        self,
        label: str,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        authorization: str | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        """`tls` None: the system's authorities. `authorization` is the value of that header."""
        self.label, self._url = label, url
        self._tls: ssl.SSLContext | bool = tls or True
        self._headers = {"Content-Type": "application/json"}
        if authorization:
            self._headers["Authorization"] = authorization
        self._timeout = aiohttp.ClientTimeout(total=answer_s)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> DeliveryAnswer:
        """Send a body of JSON once."""
        sent = {**self._headers, **headers}
        try:
            # One connection a request: alerts are rare, and one kept open may be dead by the next.
            async with (
                aiohttp.ClientSession(
                    timeout=self._timeout,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(force_close=True, ssl=self._tls),
                ) as session,
                session.post(self._url, data=body, headers=sent, allow_redirects=False) as response,
            ):
                return await _answer(response)
        except KNOWN as error:
            fault = named_fault(error)
            return DeliveryAnswer("failed", fault.reason, clean_text(fault.detail, DETAIL_CHARS))


async def _answer(response: aiohttp.ClientResponse) -> DeliveryAnswer:
    status = response.status
    if 200 <= status < 300:
        return DeliveryAnswer("delivered")
    said = (await response.content.read(DETAIL_BYTES)).decode("utf-8", "replace")
    detail = clean_text(f"HTTP {status}: {said}", DETAIL_CHARS)
    if status in FINAL:
        return DeliveryAnswer("refused", refusal_of(status), detail)
    reason = "redirect" if status in REDIRECTS else refusal_of(status)
    wait_s = min(retry_after_s(response.headers, now_ns()), RETRY_AFTER_MAX_S)
    return DeliveryAnswer("failed", reason, detail, wait_s)
