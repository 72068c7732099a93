"""Benzinga's news wire: one JSON envelope a frame, plain texts `ping`, `pong` and `replay`.

Source: docs.benzinga.com, "News stream" (websocket/v1) and its older page, whose spellings
(`News/v1`, `Created`, `Removed`, `securities`) are still met.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from streams.backoff import Backoff
from streams.errors import RecordError
from streams.events import SECOND_NS, Action
from streams.json_values import Object, decode_json, object_of, objects_at, text_at
from streams.news.dialects.vendor_symbols import listed
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.item import Item
from streams.news.wires.items import read_items, refused_frame
from streams.wires import frames
from streams.wires.contract import (
    Address,
    BackfillPage,
    Fault,
    Secret,
    Step,
    WirePace,
    status_fault,
)

DIALECT: Final = "benzinga_news"
PAGE_ITEMS: Final = 100  # the most that a page may hold
LAST_PAGE: Final = 1_000  # offsets end at 100,000 items
REPLAY: Final = "replay"  # asks for up to the last 100 messages
PONG: Final = b"pong"
# Documented: a second connection is refused with 429, and waits go from 2 s to 15 s. The server
# pings every 10 s, our text every 30-60 s; a back-fill begins at least 5 s before the last item.
PACE: Final = WirePace(soon_s=Backoff(2.0, 15.0), keep_alive_s=30.0, frame_within_s=90.0)

ACTIONS: Final[dict[str, Action]] = {
    "created": "created",
    "updated": "updated",
    "deleted": "deleted",
    "removed": "deleted",
}


class BenzingaNews(msgspec.Struct, frozen=True, kw_only=True):
    """The news stream of one Benzinga token; without tickers and channels, all news."""

    feed: FeedInfo
    token: Secret
    tickers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    stream_url: str = "wss://api.benzinga.com/api/v1/news/stream"
    rest_url: str = "https://api.benzinga.com/api/v2/news"
    pace: WirePace = PACE
    keep_alive: str = "ping"

    @property
    def name(self) -> str:
        """Return the feed's name."""
        return self.feed.name

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Return the token."""
        return (self.token,)

    def address(self) -> Address:
        """Return the stream's address; the token can only stand in its query."""
        return Address(url=self.stream_url, query=self._query())

    def talk(self) -> BenzingaTalk:
        """Return a new conversation."""
        return BenzingaTalk(self)

    def refused(self, status: int) -> Fault:
        """Return what an HTTP status means; 429 = our last connection is not yet forgotten."""
        if status == 429:
            mend = "end the other program that uses this token"
            return Fault(reason="connection_limit", detail="HTTP 429", mend=mend)
        return status_fault(status, self.secrets)

    def asks(self, since_ns: int, until_ns: int) -> tuple[Address, ...]:  # noqa: ARG002 -- to the newest
        """Return the request for all that was updated since."""
        query = (
            *self._query(),
            ("updatedSince", str(since_ns // SECOND_NS)),
            ("pageSize", str(PAGE_ITEMS)),
            ("page", "0"),
            ("displayOutput", "full"),
        )
        headers = (("Accept", "application/json"),)  # XML is the default
        return (Address(url=self.rest_url, query=query, headers=headers),)

    def answer(self, ask: Address, body: bytes, received_ns: int) -> BackfillPage[ParsedFeed]:
        """Return one page and, if it is full, the request for the next."""
        try:
            page = frames.array_of(decode_json(body), "a page")
        except RecordError as error:
            return BackfillPage(fault=Fault(reason="undecodable", detail=error.detail))
        number = next((int(str(value)) for name, value in ask.query if name == "page"), 0)
        more = None
        if len(page) >= PAGE_ITEMS and number < LAST_PAGE:
            query = [(n, str(number + 1) if n == "page" else value) for n, value in ask.query]
            more = replace(ask, query=tuple(query))
        return BackfillPage(
            parsed=read_items(page, _article, self.feed, received_ns, DIALECT), more=more
        )

    def _query(self) -> tuple[tuple[str, str | Secret], ...]:
        lists = (("tickers", self.tickers), ("channels", self.channels))
        narrowed = ((name, ",".join(values)) for name, values in lists if values)
        return ("token", self.token), *narrowed


class BenzingaTalk:
    """One conversation; news flows from its beginning."""

    def __init__(self, wire: BenzingaNews) -> None:
        self._wire = wire

    def opened(self, *, resumed: bool) -> Step[ParsedFeed]:
        """Ask for the last messages again if some may have been missed."""
        return Step(send=(REPLAY,) if resumed else (), ready=True)

    def receive(self, frame: bytes, received_ns: int) -> Step[ParsedFeed]:
        """Return the news of an envelope; its id is that of the delivery."""
        if frame.strip().lower() == PONG:
            return Step()
        feed = self._wire.feed
        try:
            envelope = object_of(decode_json(frame))
            data = object_of(envelope.get("data"))
        except RecordError as error:
            return Step(parsed=refused_frame(frame, error, feed, received_ns, DIALECT))
        return Step(
            parsed=read_items([data], _news, feed, received_ns, DIALECT),
            frame_id=text_at(envelope, "id"),
        )


def _news(data: Object) -> Item:
    """Return what an envelope's data says. RecordError `undecodable`: an unknown action."""
    said = text_at(data, "action")
    action = ACTIONS.get(said.lower() or "created")
    if action is None:
        raise RecordError("undecodable", f"an unknown action {said[:60]!r}")
    content = data.get("content")
    item = _article(content if isinstance(content, dict) else {})
    item = replace(item, action=action, key=item.key or text_at(data, "id"))
    if action != "deleted":
        return item
    # The article's own date is that of its last edit.
    stamps = (item.updated_ns, frames.instant_at(data, "timestamp"))
    return replace(item, updated_ns=max((each for each in stamps if each), default=None))


def _article(raw: Object) -> Item:
    """Return what an article says; the stream and the REST API write it alike."""
    return Item(
        key=text_at(raw, "id"),
        title=text_at(raw, "title", "Title"),
        summary=text_at(raw, "teaser", "Teaser"),
        url=text_at(raw, "url", "Url"),
        symbols=tuple(_symbols(raw)),
        published_ns=frames.instant_at(raw, "created", "Created"),
        updated_ns=frames.instant_at(raw, "updated", "Updated"),
    )


def _symbols(raw: Object) -> Iterator[str]:
    """Yield `EXCHANGE:TICKER`, the ticker alone where no exchange is named, and ISINs."""
    for stock in objects_at(raw, "stocks", "securities"):
        yield listed(text_at(stock, "name", "symbol"), text_at(stock, "exchange"))
        yield listed(text_at(stock, "isin"))
