"""JSON Lines as anybody can write them: a headline or a tick a line.

    {"title": "Alibaba lifts its AI budget", "id": "42", "source": "reuters.com", "url": "https://..."}
    {"listing": "BABA.XNYS", "price": 178.25, "ts_ns": 1758720600000000000, "size": 100}

A line with a title is a headline, with the keys of `streams.news.recorded.files.FIELDS`; one with a price is
a tick, `streams.messages.SingleTick`.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from streams.codec import decode_json
from streams.errors import RecordError
from streams.events import PRICE_SCALE, RECORD_CHARS, Headline, Reject
from streams.logs import logger
from streams.messages import SingleTick, checked
from streams.news.recorded.files import FIELDS, HeadlineSpec, Row, headline_of
from streams.prices.live import Tick

LineItem = Headline | Tick | Reject

log = logger(__name__)

MOST_LINE_BYTES: Final = 2**20


class _Kind(msgspec.Struct):
    title: msgspec.Raw | UnsetType = UNSET
    price: msgspec.Raw | UnsetType = UNSET


_kind_of = msgspec.json.Decoder(_Kind).decode


class LineReader:
    """Turn the bytes of one stream, as they come, into what its lines say."""

    def __init__(self, name: str) -> None:
        self._name, self._line = name, 0
        self._spec = HeadlineSpec(
            path=f"{name}.jsonl", columns={field: field for field in FIELDS}, source=name, feed=name
        )
        self._rest = b""
        self._skipping = False  # the line that is too long has been rejected already

    def feed(self, data: bytes, received_ns: int) -> Iterator[LineItem]:
        """Yield what the lines that `data` completes say; `received_ns` is when it came."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line += 1
            if self._line == 1:  # what Windows puts before UTF-8
                line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 - the same line
            if self._skipping:
                self._skipping = False
            elif line.strip():
                yield self._item(line, received_ns)
        if len(self._rest) > MOST_LINE_BYTES:
            if not self._skipping:
                detail = f"over {MOST_LINE_BYTES:,} bytes"
                yield self._reject("too_long", detail, self._rest, self._line + 1, received_ns)
            self._rest, self._skipping = b"", True

    def end(self, received_ns: int) -> Iterator[LineItem]:
        """Yield what the last line says, should it have no end."""
        if self._rest:
            yield from self.feed(b"\n", received_ns)

    def _item(self, line: bytes, received_ns: int) -> LineItem:
        try:
            return self._read(line, received_ns)
        except RecordError as fault:
            return self._reject(fault.reason, fault.detail, line, self._line, received_ns)

    def _read(self, line: bytes, received_ns: int) -> Headline | Tick:
        try:
            kind = _kind_of(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            raise RecordError("undecodable", f"no JSON object: {fault}") from fault
        if kind.title is not UNSET:
            row: Row = decode_json(line, dict)
            return headline_of({**row, "received": received_ns}, self._spec)
        if kind.price is not UNSET:
            return _tick(line)
        raise RecordError("unknown_line", "neither title (a headline) nor price (a tick)")

    def _reject(self, reason: str, detail: str, line: bytes, number: int, ts_ns: int) -> Reject:
        text = line[: 4 * RECORD_CHARS].decode("utf-8", "replace")[:RECORD_CHARS]
        where = f"{self._name}:{number}: {detail}"
        log.debug("line rejected", source=self._name, line=number, reason=reason, why=detail)
        return Reject(stage="read", reason=reason, detail=where, ts_ns=ts_ns, record=text)


def _tick(line: bytes) -> Tick:
    tick = checked(decode_json(line, SingleTick))
    price = round(tick.price * PRICE_SCALE)
    return Tick(tick.listing, tick.ts_ns, price, tick.size, tick.flags, tick.exchange)
