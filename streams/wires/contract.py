"""The one contract of all push wires: pure records and protocols, no socket, no clock.

    Wire       one vendor, with its keys: addresses, what a status means, how a gap is asked for
    Talk       one conversation, from the opening of a socket to its end: frame -> Step
    Receiver   what is done with what the wire brings: sift, hand over
    P          what it brings: `ParsedFeed` for news; another record for prices

`streams.wires.listener.WireListener` has all the effects: it connects, passes every frame to the
Talk, sends what the Step says, and decides by the Fault when to try again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Generic, Literal, NamedTuple, Protocol, TypeVar
from urllib.parse import quote, quote_plus

import msgspec

from streams.backoff import Backoff
from streams.events import SECOND_NS
from streams.times import DAY_S

HIDDEN: Final = "***"
P = TypeVar("P")


class Secret:
    """A key, a token, or a message that holds one: no repr and no format shows it."""

    __slots__ = ("_text", "env")

    def __init__(self, text: str, env: str = "") -> None:
        """`env` is the environment variable it was read from, for messages."""
        self._text, self.env = text, env

    def __repr__(self) -> str:
        return f"Secret({self.env or HIDDEN})"

    def reveal(self) -> str:
        """Return the text, for the socket alone."""
        return self._text


def revealed(text: str | Secret) -> str:
    """Return what goes over the wire for a text that may be secret."""
    return text.reveal() if isinstance(text, Secret) else text


def scrubbed(text: str, secrets: Iterable[Secret]) -> str:
    """Return `text` without the secrets, plain or as in a URL: servers and errors repeat them."""
    for secret in secrets:
        plain = secret.reveal()
        for form in {plain, quote(plain, safe=""), quote(plain), quote_plus(plain)} - {""}:
            text = text.replace(form, HIDDEN)
    return text


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect or what to ask for; its secrets stay hidden in its repr."""

    url: str
    query: tuple[tuple[str, str | Secret], ...] = ()
    headers: tuple[tuple[str, str | Secret], ...] = ()


class WirePace(msgspec.Struct, frozen=True, kw_only=True):
    """The waits of a wire, in seconds; None = never."""

    soon_s: Backoff = Backoff(1.0, 60.0)  # before a reconnect that may succeed at once
    slow_s: Backoff = Backoff(60.0, 900.0)  # before one that somebody must make possible first
    connect_s: float = 20.0  # for TCP, TLS and the upgrade
    ready_s: float = 20.0  # from there until the subscription stands; Alpaca cuts after 10 s
    healthy_s: float = 60.0  # a connection that stood this long makes the waits begin anew
    heartbeat_s: float = 20.0  # between WebSocket pings; half of it for the pong
    keep_alive_s: float | None = None  # between texts of the wire's own that keep it open
    frame_within_s: float | None = None  # the server says something at least this often
    quiet_s: Backoff = Backoff(60.0, 21_600.0)  # no silence shorter than this ends a connection
    watch_s: float = 1.0  # between looks at all these, and between savings of the cursor
    ask_gap_s: float = 0.5  # between the requests of a back-fill
    overlap_s: float = 60.0  # that a back-fill begins before the newest item that is safe
    longest_gap_s: float = 7.0 * DAY_S  # older news is history: a job for a replay
    max_frame_bytes: int = 4 * 1024 * 1024


Reason = Literal[
    "auth_failed",  # the key is wrong
    "not_entitled",  # the key is good, the plan does not include it
    "symbol_limit",  # the subscription is not what was asked for: healthy to look at, no news
    "connection_limit",  # another connection has the plan's only place
    "rate_limited",
    "slow_client",  # the server gave up waiting for us to read
    "bad_request",  # the server does not know what we ask for
    "server_error",
    "refused",  # the upgrade, with a status of no known meaning
    "unreachable",  # no address, no route, no TLS
    "timeout",  # no connection or no subscription in time
    "closed",  # by the server, in form
    "cut",  # without a word
    "no_pong",  # half-open
    "no_frames",  # not even the server's own pings
    "too_large",  # a frame beyond the limit; the socket cannot go on behind it
    "undecodable",  # an answer to a back-fill that is no JSON
    "silent",  # connected, and nothing comes that should
    "gap_too_long",  # longer than a back-fill reaches
    "bad_state",  # what was kept of the wire cannot be read
]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What ended a conversation or failed a back-fill; `mend` is what the operator can do."""

    reason: Reason
    detail: str = ""
    retry: Literal["soon", "slowly"] = "soon"
    mend: str = ""
    after_s: float = 0.0  # the server asks us to wait this long


class Step(msgspec.Struct, Generic[P], frozen=True, kw_only=True):
    """What follows from a frame: texts to send, its payload, whether the subscription is confirmed, a fault."""

    send: tuple[str | Secret, ...] = ()
    parsed: P | None = None  # None: the frame brought nothing
    frame_id: str = ""  # the vendor's own id of this delivery; its repeats are left out
    ready: bool = False  # authenticated and subscribed: from here on records flow
    fault: Fault | None = None


class BackfillPage(msgspec.Struct, Generic[P], frozen=True, kw_only=True):
    """One page of a back-fill; `reached_ns`: everything up to there is in it or was before it."""

    parsed: P | None = None
    more: Address | None = None  # the next page
    reached_ns: int | None = None
    fault: Fault | None = None


class Talk(Protocol[P]):
    """One conversation; its state is that of one socket. Nothing here ever raises."""

    def opened(self, *, resumed: bool) -> Step[P]:
        """Return what to say first; `resumed`: something may have been missed since the last one."""

    def receive(self, frame: bytes, received_ns: int) -> Step[P]:
        """Return what follows from a text or binary frame."""


class Wire(Protocol[P]):
    """One vendor's wire, with its keys. Nothing here ever raises."""

    @property
    def name(self) -> str:
        """Return what it is called in newsquake.toml, in outcomes and among the states."""

    @property
    def pace(self) -> WirePace:
        """Return its waits."""

    @property
    def keep_alive(self) -> str:
        """Return the text to send every `pace.keep_alive_s`."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Return all that must be hidden."""

    def address(self) -> Address:
        """Return where the socket connects."""

    def talk(self) -> Talk[P]:
        """Return a new conversation."""

    def refused(self, status: int) -> Fault:
        """Return what an HTTP status means, on the upgrade or to a back-fill."""

    def asks(self, since_ns: int, until_ns: int) -> tuple[Address, ...]:
        """Return the requests that fill a gap; none where the vendor has no such thing."""

    def answer(self, ask: Address, body: bytes, received_ns: int) -> BackfillPage[P]:
        """Return what the body of a good answer holds."""


class Sifted(NamedTuple, Generic[P]):
    """What of a payload goes on: old versions are left out, updates marked, secrets hidden."""

    payload: P
    stamps: tuple[tuple[str, int], ...]  # (id, when it was written in ns, 0 = unknown) of each item
    new: int  # items that were not known, or in an older version
    empty: bool  # neither an item nor a reject is left


class Receiver(Protocol[P]):
    """What the listener must know of what a wire brings."""

    def sift(self, payload: P, known: Mapping[str, int]) -> Sifted[P]:
        """Return what goes on; `known` has the newest stamp of each item that was handed over."""

    async def take(self, payload: P) -> int:
        """Hand it over; return how many items were new, once no crash of ours takes them."""

    def too_large(self, fault: Fault, at_ns: int) -> P:
        """Return what stands for a frame that was too large to be read: a reject."""


def status_fault(status: int, secrets: tuple[Secret, ...]) -> Fault:
    """Return what an HTTP status means wherever the vendor gives it no meaning of its own."""
    detail = f"HTTP {status}"
    if status in {401, 403}:
        return Fault(reason="auth_failed", detail=detail, retry="slowly", mend=set_keys(secrets))
    if status == 429:
        return Fault(reason="rate_limited", detail=detail, retry="slowly")
    if 400 <= status < 500:
        return Fault(reason="bad_request", detail=detail, retry="slowly")
    return Fault(reason="server_error" if status >= 500 else "refused", detail=detail)


def network_fault(error: Exception) -> Fault:
    """Return what an error of the network means; its text may repeat an address and its key."""
    if isinstance(error, TimeoutError):
        return Fault(reason="timeout", detail="no answer in time")
    return Fault(reason="unreachable", detail=f"{type(error).__name__}: {error}"[:300])


def set_keys(secrets: tuple[Secret, ...]) -> str:
    """Return the advice to set the environment variables of a wire's keys."""
    names = [secret.env for secret in secrets if secret.env]
    return f"set {' and '.join(names)} to a valid key" if names else "give it a valid key"


def seconds_ns(seconds: float) -> int:
    """Return a wait in ns."""
    return round(seconds * SECOND_NS)
