"""Alpaca's news wire: JSON or msgpack, one array of messages a frame.

Source: docs.alpaca.markets, "Real-time News" and "News articles", and the alpaca-py client.
"""

from __future__ import annotations

from typing import Final

import msgspec

from streams.errors import RecordError
from streams.events import Headline, Reject
from streams.json_values import (
    Object,
    decode_json,
    object_of,
    starts_json,
    text_at,
    texts_at,
)
from streams.news.dialects.vendor_symbols import listed
from streams.news.feed import FeedInfo, ParsedFeed, parsed_of
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
    seconds_ns,
    set_keys,
    status_fault,
)

DIALECT: Final = "alpaca_news"
ALL: Final = "*"
PAGE_ITEMS: Final = "50"  # the most that a page may hold

# Code -> (reason, whether it can be better soon). Any other code is the server's trouble.
ERRORS: Final[dict[int, tuple[Reason, bool]]] = {
    400: ("bad_request", False),
    401: ("auth_failed", False),
    402: ("auth_failed", False),
    404: ("timeout", True),  # we were too slow to authenticate
    405: ("symbol_limit", False),
    406: ("connection_limit", False),
    407: ("slow_client", True),
    409: ("not_entitled", False),
    410: ("bad_request", False),
    500: ("server_error", True),
}
ALREADY_AUTHENTICATED: Final = 403  # no fault: what we wanted
MENDS: Final[dict[Reason, str]] = {
    "symbol_limit": "subscribe to fewer symbols, or to all of them",
    "connection_limit": "end the other program that uses this key, or give each its own",
    "not_entitled": "the plan of this key does not include the news wire",
}


class AlpacaNews(msgspec.Struct, frozen=True, kw_only=True):
    """The news wire of one Alpaca account; `symbols` "*" = all news, those of no symbol too."""

    feed: FeedInfo
    key: Secret
    secret: Secret
    symbols: tuple[str, ...] = (ALL,)
    stream_url: str = "wss://stream.data.alpaca.markets/v1beta1/news"
    rest_url: str = "https://data.alpaca.markets/v1beta1/news"
    pace: WirePace = WirePace()
    keep_alive: str = ""

    @property
    def name(self) -> str:
        """Return the feed's name."""
        return self.feed.name

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Return the key and its secret."""
        return self.key, self.secret

    def address(self) -> Address:
        """Return the stream's address; the key is sent in a message."""
        return Address(url=self.stream_url)

    def talk(self) -> AlpacaTalk:
        """Return a new conversation."""
        return AlpacaTalk(self)

    def refused(self, status: int) -> Fault:
        """Return what an HTTP status means."""
        return status_fault(status, self.secrets)

    def asks(self, since_ns: int, until_ns: int) -> tuple[Address, ...]:
        """Return the request for the news of a gap; its end is ahead, should our clock be behind."""
        query = [
            ("start", frames.rfc3339(since_ns)),
            ("end", frames.rfc3339(until_ns + seconds_ns(self.pace.overlap_s))),
            ("sort", "asc"),
            ("limit", PAGE_ITEMS),
        ]
        if ALL not in self.symbols:
            query.append(("symbols", ",".join(self.symbols)))
        headers = (("APCA-API-KEY-ID", self.key), ("APCA-API-SECRET-KEY", self.secret))
        return (Address(url=self.rest_url, query=tuple(query), headers=headers),)

    def answer(self, ask: Address, body: bytes, received_ns: int) -> BackfillPage[ParsedFeed]:
        """Return one page, oldest first, and the request for the next."""
        try:
            page = object_of(decode_json(body))
            articles = frames.array_of(page.get("news"), "its news")
        except RecordError as error:
            return BackfillPage(fault=Fault(reason="undecodable", detail=error.detail))
        parsed = read_items(articles, _article, self.feed, received_ns, DIALECT)
        stamps = [h.updated_ns for h in parsed.headlines if h.updated_ns is not None]
        token = text_at(page, "next_page_token")
        kept = (pair for pair in ask.query if pair[0] != "page_token")
        more = msgspec.structs.replace(ask, query=(*kept, ("page_token", token)))
        return BackfillPage(
            parsed=parsed, more=more if token else None, reached_ns=max(stamps, default=None)
        )


class AlpacaTalk:
    """One conversation: greeting, key, subscription, then news."""

    def __init__(self, wire: AlpacaNews) -> None:
        self._wire = wire

    def opened(self, *, resumed: bool) -> Step[ParsedFeed]:  # noqa: ARG002 -- a gap is filled over REST here
        """Wait for the server's greeting."""
        return Step()

    def receive(self, frame: bytes, received_ns: int) -> Step[ParsedFeed]:
        """Return what follows from the messages of a frame."""
        try:
            messages = _messages(frame)
        except RecordError as error:
            feed = self._wire.feed
            return Step(parsed=refused_frame(frame, error, feed, received_ns, DIALECT))
        steps = [self._message(message, received_ns) for message in messages]
        made: list[Headline | Reject] = []
        for parsed in filter(None, (step.parsed for step in steps)):
            made += [*parsed.headlines, *parsed.rejects]
        fault = next((step.fault for step in steps if step.fault), None)
        return Step(
            send=tuple(text for step in steps for text in step.send),
            parsed=parsed_of(made, dialect=DIALECT) if made else None,
            ready=fault is None and any(step.ready for step in steps),
            fault=fault,
        )

    def _message(self, message: object, received_ns: int) -> Step[ParsedFeed]:
        fields = message if isinstance(message, dict) else {}
        match text_at(fields, "T"), text_at(fields, "msg"):
            case "success", "connected":
                return Step(send=(self._key_message(),))
            case "success", "authenticated":
                return Step(send=(self._subscription(),))
            case "subscription", _:
                return self._subscribed(fields)
            case "error", said:
                return self._error(fields.get("code"), said)
        feed = self._wire.feed
        return Step(parsed=read_items([message], _news, feed, received_ns, DIALECT))

    def _key_message(self) -> Secret:
        key, secret = self._wire.key.reveal(), self._wire.secret.reveal()
        message = {"action": "auth", "key": key, "secret": secret}
        return Secret(msgspec.json.encode(message).decode())

    def _subscription(self) -> str:
        message = {"action": "subscribe", "news": list(self._wire.symbols)}
        return msgspec.json.encode(message).decode()

    def _subscribed(self, fields: Object) -> Step[ParsedFeed]:
        """Go on if all that we asked for is subscribed: else it looks healthy and says nothing."""
        granted = {symbol.upper() for symbol in texts_at(fields, "news")}
        missing = [each for each in self._wire.symbols if each.upper() not in granted]
        if not missing:
            return Step(ready=True)
        detail = f"{len(missing)} of our symbols are not subscribed: {', '.join(missing[:5])}"
        return Step(fault=self._fault("symbol_limit", detail, soon=False))

    def _error(self, code: object, said: str) -> Step[ParsedFeed]:
        if code == ALREADY_AUTHENTICATED:
            return Step(send=(self._subscription(),))
        known = ERRORS.get(code) if isinstance(code, int) else None
        reason, soon = known or ("server_error", True)
        number = code if isinstance(code, int) else "of no code"
        return Step(fault=self._fault(reason, f"error {number}: {said[:200]}", soon=soon))

    def _fault(self, reason: Reason, detail: str, *, soon: bool) -> Fault:
        mend = MENDS.get(reason, "")
        if reason == "auth_failed":
            mend = set_keys(self._wire.secrets)
        return Fault(reason=reason, detail=detail, retry="soon" if soon else "slowly", mend=mend)


def _messages(frame: bytes) -> list[object]:
    """Return the messages of a frame, JSON or msgpack; a lone object is an array of one."""
    value = decode_json(frame) if starts_json(frame) else _unpacked(frame)
    return [value] if isinstance(value, dict) else frames.array_of(value, "a frame")


def _unpacked(frame: bytes) -> object:
    try:
        return msgspec.msgpack.decode(frame)
    except (msgspec.MsgspecError, RecursionError, ValueError, TypeError) as error:
        raise RecordError("undecodable", f"neither JSON nor msgpack: {error}"[:200]) from None


def _news(raw: Object) -> Item:
    """Return what a message of type n says. RecordError `undecodable`: it is of another type."""
    kind = text_at(raw, "T")
    if kind != "n":
        raise RecordError("undecodable", f"a message of unknown type {kind[:60]!r}")
    return _article(raw)


def _article(raw: Object) -> Item:
    """Return what an article says; the stream and the REST API write it alike."""
    return Item(
        key=text_at(raw, "id"),
        title=text_at(raw, "headline"),
        summary=text_at(raw, "summary"),
        url=text_at(raw, "url"),
        symbols=tuple(listed(symbol) for symbol in texts_at(raw, "symbols")),
        published_ns=frames.instant_at(raw, "created_at"),
        updated_ns=frames.instant_at(raw, "updated_at"),
    )
