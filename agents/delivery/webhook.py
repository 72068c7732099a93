"""Alerts to anybody's program: one signed POST for each state of an alert.

The headers and the signature are those of Standard Webhooks 1.0.0 (standardwebhooks.com), for
which there are libraries in most languages; docs/delivery.md shows how to verify without one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from agents.config.delivery import LinksFile, WebhookSpec
from agents.delivery.endpoint import DeliveryAnswer, Endpoint, RetryPolicy
from agents.delivery.message import annotations_of, inert, labels_of
from agents.delivery.outbox import QueuedDelivery
from agents.machine.clock import now_ns
from streams.events import SECOND_NS, Alert
from streams.text import linked

RETRY_POLICY: Final = RetryPolicy(1.0, 900.0, 86_400.0)  # some hundred and thirty tries in a day
PREFIX: Final = "whsec_"  # before a secret in base64, as Standard Webhooks writes them
VERSION: Final = "v1"


class WebhookSink:
    """One receiver."""

    newest_only = False
    at_once = 4

    def __init__(
        self,
        endpoint: Endpoint,
        spec: WebhookSpec,
        secrets: Sequence[bytes],
        links: LinksFile,
        *,
        replay: bool = False,
        retry_policy: RetryPolicy = RETRY_POLICY,
    ) -> None:
        self.label, self.retry_policy = endpoint.label, retry_policy
        self._endpoint, self._spec, self._secrets = endpoint, spec, tuple(secrets)
        self._links, self._replay = links, replay

    def wants(self, alert: Alert) -> bool:
        """Tell whether it is to have this state."""
        spec = self._spec
        named = not spec.severities or alert.severity in spec.severities
        return (
            named
            and alert.transition in spec.transitions
            and (not spec.rules or alert.rule in spec.rules)
        )

    def again_s(self, _item: QueuedDelivery) -> float | None:
        """Return when a state that was delivered is sent again: never."""
        return None

    async def post(self, items: Sequence[QueuedDelivery]) -> list[DeliveryAnswer]:
        """Send each state in a request of its own."""
        return await asyncio.gather(*(self._send(item) for item in items))

    async def _send(self, item: QueuedDelivery) -> DeliveryAnswer:
        body = body_of(item, self._links, replay=self._replay)
        stamp = str(now_ns() // SECOND_NS)
        signatures = (signature(secret, item.id, stamp, body) for secret in self._secrets)
        headers = {
            "webhook-id": item.id,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(signatures),
        }
        return await self._endpoint.post(body, headers)


def body_of(item: QueuedDelivery, links: LinksFile, *, replay: bool) -> bytes:
    """Return the body: the same bytes at each try. No `<` and no `&` of a feed stands in it as such."""
    alert = item.alert
    said: dict[str, Any] = {
        "type": f"alert.{alert.transition}",
        "id": item.id,
        "labels": labels_of(alert, replay=replay),
        "annotations": annotations_of(alert, links),
        "alert": _plain(alert),
    }
    body = msgspec.json.encode(said)
    return body.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def signature(secret: bytes, id_: str, stamp: str, body: bytes) -> str:
    """Return `v1,` and the HMAC-SHA256 of `ID.TIMESTAMP.BODY` in base64."""
    mac = hmac.digest(secret, f"{id_}.{stamp}.".encode() + body, hashlib.sha256)
    return f"{VERSION},{base64.b64encode(mac).decode()}"


def secrets_of(text: str) -> list[bytes]:
    """Return the secrets in a variable, one or more by blanks. ValueError: one is no base64."""
    return [_secret(word) for word in text.split()]


def _secret(word: str) -> bytes:
    if not word.startswith(PREFIX):
        return word.encode()
    try:
        return base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except binascii.Error as fault:
        raise ValueError(f"what follows {PREFIX} is no base64") from fault


def _plain(alert: Alert) -> dict[str, Any]:
    """Return the alert with its evidence; what feeds wrote is plain text, links are web links."""
    plain: dict[str, Any] = msgspec.to_builtins(alert)
    plain["sentence"] = inert(alert.sentence)
    shares = plain["attribution"]
    for candidate in (*shares["candidates"], *shares["market_candidates"]):
        candidate["title"], candidate["source"] = map(
            inert, (candidate["title"], candidate["source"])
        )
        candidate["url"] = linked(candidate["url"])
    return plain
