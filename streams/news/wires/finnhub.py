"""Finnhub's news and press releases: one JSON message a frame, one subscription a symbol.

Source: finnhub.io/docs/api, "Websocket news", "Websocket press releases" and "Company news".
"""

from __future__ import annotations

from typing import Final

import msgspec

from streams.errors import RecordError
from streams.json_values import Object, decode_json, object_of, text_at
from streams.news.dialects.vendor_symbols import listed
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.item import Item
from streams.news.wires.items import read_items, refused_frame
from streams.wires import frames
from streams.wires.contract import (
    Address,
    BackfillPage,
    Fault,
    Reason,
    Secret,
    Step,
    WirePace,
    set_keys,
    status_fault,
)

DIALECT: Final = "finnhub_news"
SYMBOLS_CHARS: Final = 2_000  # of a list of symbols that are read
NEWS: Final = "subscribe-news"  # of a premium plan
RELEASES: Final = "subscribe-pr"  # of an enterprise plan
# The server pings when idle, by a message of its own; where that stops the socket is dead
# (Finnhub-API issue 517). REST: 60 requests a minute.
PACE: Final = WirePace(frame_within_s=180.0, ask_gap_s=1.1)

# A word in an error's text -> (reason, whether it can be better soon): they have no codes.
ERRORS: Final[tuple[tuple[str, Reason, bool], ...]] = (
    ("api key", "auth_failed", False),
    ("token", "auth_failed", False),
    ("access", "not_entitled", False),
    ("premium", "not_entitled", False),
    ("too many symbols", "symbol_limit", False),
    ("symbol", "symbol_limit", False),
    ("connection", "connection_limit", False),
    ("limit", "rate_limited", False),
    ("invalid", "bad_request", False),
)
MENDS: Final[dict[Reason, str]] = {
    "not_entitled": "the plan of this token does not include news over the socket",
    "symbol_limit": "subscribe to fewer symbols",
    "connection_limit": "end the other program that uses this token",
}


class FinnhubNews(msgspec.Struct, frozen=True, kw_only=True):
    """The news of some symbols by one Finnhub token; `subscriptions` of NEWS, RELEASES."""

    feed: FeedInfo
    token: Secret
    symbols: tuple[str, ...]
    subscriptions: tuple[str, ...] = (NEWS,)
    stream_url: str = "wss://ws.finnhub.io"
    rest_url: str = "https://finnhub.io/api/v1/company-news"
    pace: WirePace = PACE
    keep_alive: str = ""

    @property
    def name(self) -> str:
        """Return the feed's name."""
        return self.feed.name

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Return the token."""
        return (self.token,)

    def address(self) -> Address:
        """Return the socket's address; the token can only stand in its query."""
        return Address(url=self.stream_url, query=(("token", self.token),))

    def talk(self) -> FinnhubTalk:
        """Return a new conversation."""
        return FinnhubTalk(self)

    def refused(self, status: int) -> Fault:
        """Return what an HTTP status means."""
        return status_fault(status, self.secrets)

    def asks(self, since_ns: int, until_ns: int) -> tuple[Address, ...]:
        """Return one request a symbol for the days of the gap; press releases have none.

        Those of the REST API have neither the id nor the link by which the socket's are known.
        """
        if NEWS not in self.subscriptions:
            return ()
        days = (("from", frames.rfc3339(since_ns)[:10]), ("to", frames.rfc3339(until_ns)[:10]))
        headers = (("X-Finnhub-Token", self.token),)
        return tuple(
            Address(url=self.rest_url, query=(("symbol", symbol), *days), headers=headers)
            for symbol in self.symbols
        )

    def answer(self, ask: Address, body: bytes, received_ns: int) -> BackfillPage[ParsedFeed]:  # noqa: ARG002 -- one page
        """Return the news of one symbol."""
        try:
            items = frames.array_of(decode_json(body), "a page")
        except RecordError as error:
            return BackfillPage(fault=Fault(reason="undecodable", detail=error.detail))
        # Newest first: turned round, so that they are told in the order in which they came out.
        return BackfillPage(parsed=read_items(items[::-1], _news, self.feed, received_ns, DIALECT))


class FinnhubTalk:
    """One conversation; nothing confirms a subscription, only an error denies it."""

    def __init__(self, wire: FinnhubNews) -> None:
        self._wire = wire

    def opened(self, *, resumed: bool) -> Step[ParsedFeed]:  # noqa: ARG002 -- a gap is filled over REST here
        """Subscribe to each symbol."""
        wire = self._wire
        messages = ({"type": t, "symbol": s} for t in wire.subscriptions for s in wire.symbols)
        return Step(send=tuple(msgspec.json.encode(m).decode() for m in messages), ready=True)

    def receive(self, frame: bytes, received_ns: int) -> Step[ParsedFeed]:
        """Return the news of a message, or the end if it is an error."""
        feed = self._wire.feed
        try:
            message = object_of(decode_json(frame))
            match kind := text_at(message, "type"):
                case "ping":
                    return Step()
                case "error":
                    return Step(fault=self._error(text_at(message, "msg")))
            items = frames.array_of(message.get("data"), f"the data of type {kind[:60]!r}")
        except RecordError as error:
            return Step(parsed=refused_frame(frame, error, feed, received_ns, DIALECT))
        item_of = ITEMS_OF.get(kind, _unknown)
        return Step(parsed=read_items(items, item_of, feed, received_ns, DIALECT))

    def _error(self, said: str) -> Fault:
        low = said.lower()
        known = ((reason, soon) for word, reason, soon in ERRORS if word in low)
        reason, soon = next(known, ("server_error", True))
        mend = set_keys(self._wire.secrets) if reason == "auth_failed" else MENDS.get(reason, "")
        return Fault(
            reason=reason, detail=said[:200], retry="soon" if soon else "slowly", mend=mend
        )


def _news(raw: Object) -> Item:
    """Return what a news item says, on the socket or over REST."""
    return _item(raw, text_at(raw, "id", "url"), text_at(raw, "related"))


def _release(raw: Object) -> Item:
    """Return what a press release says; it has no id, its link names it."""
    return _item(raw, text_at(raw, "url", "fullText"), text_at(raw, "symbol"))


def _unknown(_raw: Object) -> Item:
    raise RecordError("undecodable", "a message of unknown type")


ITEMS_OF: Final = {"news": _news, "pr": _release}


def _item(raw: Object, key: str, symbols: str) -> Item:
    return Item(
        key=key,
        title=text_at(raw, "headline"),
        summary=text_at(raw, "summary"),
        url=text_at(raw, "url", "fullText"),
        symbols=tuple(listed(symbol) for symbol in symbols[:SYMBOLS_CHARS].split(",")),
        published_ns=frames.instant_at(raw, "datetime"),
    )
