"""What the poller remembers of a feed over restarts, and how the answer to each request changes it.

Pure: old state, what was fetched, the time -> new state. Times are ns UTC, waits seconds.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from streams.events import SECOND_NS
from streams.http.fetch import Fetched
from streams.http.rules import RETRY_AFTER_MAX_S, Validators, shown_url
from streams.times import DAY_S

VERSION: Final = 1
# A server that says 304 for ever would hide all news: once a day the document is asked for anew.
WHOLE_EVERY_S: Final = DAY_S
# So many failures in a row at the place a feed has moved to, and its own URL is asked again.
MOVE_DOUBTED: Final = 3


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of one feed.

    `body_hash` and the validators are those of a document that was parsed and taken;
    `refused_hash` is that of the last one that held nothing.
    """

    version: int = VERSION
    url: str  # that the configuration names; with another all this is void
    interval_s: float
    validated_url: str = ""  # where the validators come from
    validators: Validators = Validators()
    body_hash: str = ""
    refused_hash: str = ""
    held_until_ns: int | None = None  # an embargo in that document ends: it says more then
    moved_to: str = ""  # for good
    whole_ns: int = 0  # when a whole good document came last
    fetched_ns: int = 0
    due_ns: int = 0
    failures: int = 0  # in a row

    @property
    def start_url(self) -> str:
        """Return the URL to ask."""
        return self.moved_to or self.url

    def conditions(self, now_ns: int) -> Validators:
        """Return the validators to send, none when it is time for the whole document."""
        age_ns = now_ns - self.whole_ns  # negative where our clock was set back
        young = 0 <= age_ns < WHOLE_EVERY_S * SECOND_NS
        return self.validators if young and not self._lifted(now_ns) else Validators()

    def knows(self, digest: str, now_ns: int) -> bool:
        """Tell whether a document of this digest was read and handed over before."""
        return digest == self.body_hash and not self._lifted(now_ns)

    def good(
        self, fetched: Fetched, digest: str, held_until_ns: int | None, *, proved: bool
    ) -> FeedState:
        """Return the state after a good document was taken, or had been before.

        A document that is not `proved`, because its parser had to mend it, may have been cut on
        its way: its validators are kept only when it comes the same way twice.
        """
        known = proved or digest == self.body_hash
        return self._over(
            fetched,
            validated_url=fetched.final_url if known else "",
            validators=fetched.validators if known else Validators(),
            body_hash=digest,
            refused_hash="",
            held_until_ns=held_until_ns,
            moved_to=fetched.final_url if fetched.moved else self.moved_to,
            whole_ns=fetched.received_ns,
            failures=0,
        )

    def unmodified(self, fetched: Fetched) -> FeedState:
        """Return the state after a 304."""
        return self._over(fetched, failures=0)

    def empty(self, fetched: Fetched, digest: str) -> FeedState:
        """Return the state after a feed without items: nothing is kept that would let it stick."""
        return self._over(
            fetched,
            validated_url="",
            validators=Validators(),
            body_hash="",
            refused_hash=digest,
            held_until_ns=None,
            failures=0,
        )

    def failed(self, fetched: Fetched, digest: str = "") -> FeedState:
        """Return the state after a failure; `digest` is that of a document that was no feed."""
        failures = self.failures + 1
        doubted = failures >= MOVE_DOUBTED
        return self._over(
            fetched,
            refused_hash=digest or self.refused_hash,
            moved_to="" if doubted else self.moved_to,
            failures=failures,
        )

    def due(self, wait_s: float, now_ns: int) -> FeedState:
        """Return the state with the instant of the next request."""
        return msgspec.structs.replace(self, due_ns=now_ns + round(wait_s * SECOND_NS))

    def remaining_s(self, now_ns: int) -> float:
        """Return how long a restarted poller still has to wait, at most a day whatever the clock."""
        return min(max((self.due_ns - now_ns) / SECOND_NS, 0.0), RETRY_AFTER_MAX_S)

    def _lifted(self, now_ns: int) -> bool:
        return self.held_until_ns is not None and self.held_until_ns <= now_ns

    def _over(self, fetched: Fetched, **changes: object) -> FeedState:
        return msgspec.structs.replace(self, fetched_ns=fetched.received_ns, **changes)


def saved(state: FeedState) -> bytes:
    """Return a state to keep: what keys may stand in is kept as its digest, or not at all.

    A place that a feed has moved to is forgotten then: its own URL leads there again.
    """
    moved_to = state.moved_to if shown_url(state.moved_to) == state.moved_to else ""
    kept = msgspec.structs.replace(
        state,
        url=_unsecret(state.url),
        validated_url=_unsecret(state.validated_url),
        moved_to=moved_to,
    )
    return msgspec.msgpack.encode(kept)


def _unsecret(url: str) -> str:
    return url if not url or shown_url(url) == url else f"#{digest_of(url.encode())}"


def remembered(saved: bytes | None, url: str, interval_s: float) -> FeedState:
    """Return the state that was saved, a fresh one where it is of another URL or layout.

    A feed that worked and has another interval now is due by that.
    """
    fresh = FeedState(url=url, interval_s=interval_s)
    try:
        state = msgspec.msgpack.decode(saved, type=FeedState) if saved else fresh
    except msgspec.DecodeError:
        return fresh
    if state.version != VERSION or state.url not in {url, _unsecret(url)}:
        return fresh
    validated_url = url if state.validated_url == _unsecret(url) else state.validated_url
    state = msgspec.structs.replace(state, url=url, validated_url=validated_url)
    if state.interval_s != interval_s:
        due_ns = state.fetched_ns + round(interval_s * SECOND_NS)
        due_ns = state.due_ns if state.failures else due_ns
        return msgspec.structs.replace(state, interval_s=interval_s, due_ns=due_ns)
    return state


def digest_of(body: bytes) -> str:
    """Return what tells two documents apart (BLAKE2b, RFC 7693, 128 bits)."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()
