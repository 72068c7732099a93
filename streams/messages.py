"""Records <-> Kafka messages: the record's body as the value, its type and schema in the headers.

A message without headers is somebody else's: JSON, read as what its topic holds (DESIGN 5). On
`market` that is a single tick, `{"listing": "BABA.XNYS", "price": 178.25, "ts_ns": ...}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeVar

import msgspec
import numpy as np

from streams.bounds import price_fault, size_fault
from streams.codec import (
    PREFIX_SIZE,
    SCHEMA_VERSION,
    TYPE_CODES,
    Record,
    decode,
    decode_json,
    encode,
)
from streams.errors import CodecError, RecordError
from streams.events import PRICE_SCALE, Flag, TickFrame

TYPE: Final = "type"  # header: a name of streams.events
SCHEMA: Final = "schema"  # header: streams.codec.SCHEMA_VERSION
# What a row is by its own form and not by what somebody says of it: only our own frames have them.
OUR_FLAGS: Final = Flag.bar | Flag.point

Header = tuple[str, bytes]
T = TypeVar("T")

_CODES: Final = {type_.__name__: code for type_, code in TYPE_CODES.items()}
_HEADERS: Final = {
    type_: ((TYPE, type_.__name__.encode()), (SCHEMA, str(SCHEMA_VERSION).encode()))
    for type_ in TYPE_CODES
}


class Message(NamedTuple):
    """What a record is on a topic."""

    value: bytes
    headers: tuple[Header, ...]


class SingleTick(msgspec.Struct, frozen=True, kw_only=True):
    """One trade as anybody may send it: price in currency units, size in shares, time in ns UTC."""

    listing: str
    price: float
    ts_ns: int
    size: int = 0
    exchange: str = ""
    flags: int = 0  # streams.events.Flag

    def frame(self) -> TickFrame:
        """Return it as a frame of one row without a number: a repeat of it is not recognised."""
        return TickFrame(
            run="",
            first_seq=0,
            listings=(self.listing,),
            listing=np.zeros(1, np.int32),
            ts_ns=np.array([self.ts_ns], np.int64),
            price=np.array([round(self.price * PRICE_SCALE)], np.int64),
            size=np.array([self.size], np.int64),
            flags=np.array([self.flags], np.int32),
            exchanges=("", self.exchange),
            exchange=np.array([1 if self.exchange else 0], np.int32),
        )


def to_message(record: Record) -> Message:
    """Return the record as a message; CodecError: a number in it does not fit."""
    return Message(encode(record)[PREFIX_SIZE:], _HEADERS[type(record)])


def from_message(
    value: bytes | None, headers: Iterable[tuple[str, bytes]] | None, foreign: type[T]
) -> Record | T:
    """Return the record in a message; one without our headers is JSON of the type `foreign`.

    CodecError: neither the one nor the other.
    """
    if value is None:
        raise CodecError("a message without a value")
    named = dict(headers or ())
    if TYPE not in named:
        return decode_json(value, foreign)
    name = named[TYPE].decode("utf-8", "replace")
    code = _CODES.get(name)
    if code is None:
        raise CodecError(f"unknown record type {name!r}")
    return decode(bytes((code, _schema(named.get(SCHEMA, b"")))) + value)


def market_record(value: bytes | None, headers: Iterable[Header] | None) -> Record:
    """Return a record of the topic `market`: our own, or somebody's single tick as a frame.

    CodecError: it is neither. RecordError: a tick whose numbers nobody may send.
    """
    record = from_message(value, headers, SingleTick)
    return checked(record).frame() if isinstance(record, SingleTick) else record


def checked(tick: SingleTick) -> SingleTick:
    """Return the tick. RecordError: its price, size or flags are none that anybody may send."""
    if fault := price_fault(tick.price):
        raise RecordError("bad_price", fault)
    if fault := size_fault(tick.size):
        raise RecordError("bad_size", fault)
    if not -(2**31) <= tick.flags < 2**31:
        raise RecordError("bad_flags", f"flags {tick.flags} do not fit")
    if tick.flags & OUR_FLAGS:
        raise RecordError("bad_flags", f"flags {tick.flags}: `bar` and `point` are not for a tick")
    return tick


def _schema(text: bytes) -> int:
    """Return the version, 255 (which nothing reads) for what is not one."""
    return int(text) if text.isdigit() and len(text) <= 2 else 255
