"""Bytes <-> records: one type byte, one version byte, then the body.

The body of a TickFrame is one msgpack array of its columns as raw little-endian integers; the
body of every other record is JSON, as on the topics. `canonical_json` is a third, slower form
whose bytes anybody can recompute with Python's `json`, for hashes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
import numpy as np
import numpy.typing as npt

from streams.errors import CodecError
from streams.events import (
    Alert,
    Clock,
    Correction,
    Headline,
    MarketRecord,
    Mention,
    Move,
    Output,
    Reaction,
    Reject,
    Status,
    TickFrame,
)
from streams.set_aside import SetAside

Record = MarketRecord | Headline | Output | SetAside
Plain = dict[str, Any]  # a record as JSON has it
T = TypeVar("T")

SCHEMA_VERSION: Final = 1
TYPE_CODES: Final[dict[type, int]] = {
    TickFrame: 1,
    Mention: 2,
    Clock: 3,
    Status: 4,
    Correction: 5,
    Headline: 6,
    Reaction: 7,
    Move: 8,
    Alert: 9,
    Reject: 10,
    SetAside: 11,
}
_TYPES: Final = {code: type_ for type_, code in TYPE_CODES.items()}
_PREFIX: Final = {type_: bytes((code, SCHEMA_VERSION)) for type_, code in TYPE_CODES.items()}
PREFIX_SIZE: Final = 2

_I64_MIN: Final = -(2**63)
_I64_MAX: Final = 2**63 - 1
_BYTE_POSITION = re.compile(r" \(byte (\d+)\)$")
# What msgspec raises on foreign bytes: its own errors, bad UTF-8, nesting past the C stack.
_DECODE_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_Ordinal = Annotated[int, msgspec.Meta(ge=0, le=_I64_MAX)]


class _Columns(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """What travels of a TickFrame, in this order; the columns are int32 or int64 bytes."""

    run: str
    first_seq: _Ordinal
    listings: tuple[str, ...]
    exchanges: tuple[str, ...]
    listing: bytes
    ts_ns: bytes
    price: bytes
    size: bytes
    flags: bytes
    exchange: bytes | None
    open: bytes | None
    high: bytes | None
    low: bytes | None
    start_ns: bytes | None


_NARROW: Final = np.dtype("<i4")
_WIDE: Final = np.dtype("<i8")
_NARROW_COLUMNS: Final = frozenset(("listing", "flags", "exchange"))
_COLUMN_TYPES: Final = {
    name: _NARROW if name in _NARROW_COLUMNS else _WIDE
    for name in _Columns.__struct_fields__
    if name not in {"run", "first_seq", "listings", "exchanges"}
}
_OPTIONAL: Final = frozenset(("exchange", "open", "high", "low", "start_ns"))

_frame_encoder = msgspec.msgpack.Encoder()
_frame_decoder = msgspec.msgpack.Decoder(_Columns)
_json_encoder = msgspec.json.Encoder()
_json_decoders: dict[type, msgspec.json.Decoder[Any]] = {}  # one a type, as they are asked for
_canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def encode(record: Record) -> bytes:
    """Return the record's bytes for the journal and the market topic.

    Lone surrogates become U+FFFD. CodecError: a number that does not fit (NaN, infinity, beyond
    64 bits), a frame whose columns disagree.
    """
    prefix = _PREFIX.get(type(record))
    if prefix is None:
        raise CodecError(f"{type(record).__name__} is not a record that travels")
    body = _frame_body(record) if isinstance(record, TickFrame) else encode_json(record)
    return prefix + body


def decode(data: bytes | memoryview) -> Record:
    """Return the record that `encode` wrote; a frame's columns are read-only.

    CodecError: anything else, with the byte position of the fault where it is known.
    """
    view = memoryview(data)
    if len(view) < PREFIX_SIZE:
        raise CodecError("a record has a type and a version byte", len(view))
    type_ = _TYPES.get(view[0])
    if type_ is None:
        raise CodecError(f"unknown record type {view[0]}", 0)
    if view[1] != SCHEMA_VERSION:
        raise CodecError(f"schema version {view[1]}, this program reads {SCHEMA_VERSION}", 1)
    body = view[PREFIX_SIZE:]
    if type_ is TickFrame:
        return _frame(body)
    return cast("Record", _from_json(body, type_, PREFIX_SIZE))


def encode_json(record: msgspec.Struct) -> bytes:
    """Return the record as JSON for a topic; fields in the order of the vocabulary."""
    _check_numbers(record)
    try:
        return _json_encoder.encode(record)
    except UnicodeEncodeError:
        return _json_encoder.encode(_mended(msgspec.to_builtins(record)))
    except TypeError as fault:
        raise CodecError(f"{type(record).__name__} is not JSON: {fault}") from fault


def decode_json(data: bytes | memoryview, type_: type[T]) -> T:
    """Return the `type_` that the JSON `data` holds; CodecError where it does not."""
    return _from_json(data, type_, 0)


def canonical_json(value: Mapping[str, Any] | msgspec.Struct) -> bytes:
    """Return the one spelling of `value` that hashes are taken of.

    It equals `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)` in
    UTF-8. CodecError: NaN, infinity, or a value that JSON has no form for.
    """
    plain = msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value
    try:
        return _canonical.encode(plain).encode()
    except UnicodeEncodeError:
        return _canonical.encode(_mended(plain)).encode()
    except (TypeError, ValueError, RecursionError) as fault:
        raise CodecError(f"no canonical JSON: {fault}") from fault


def _from_json(data: bytes | memoryview, type_: type[T], start: int) -> T:
    try:
        record = _json_decoder(type_).decode(data)
    except _DECODE_FAULTS as fault:
        raise _located(type_.__name__, fault, start, len(data)) from fault
    _check_numbers(record)
    return record


def _json_decoder(type_: type[T]) -> msgspec.json.Decoder[T]:
    decoder = _json_decoders.get(type_)
    if decoder is None:
        decoder = _json_decoders[type_] = msgspec.json.Decoder(type_)
    return decoder


def _frame_body(frame: TickFrame) -> bytes:
    rows = len(frame.ts_ns)
    columns = [_column_bytes(frame, name, rows) for name in _COLUMN_TYPES]
    _check_frame(frame)
    head = (frame.run, frame.first_seq, frame.listings, frame.exchanges)
    try:
        return _frame_encoder.encode((*head, *columns))
    except UnicodeEncodeError:
        return _frame_encoder.encode((*_mended(head), *columns))


def _column_bytes(frame: TickFrame, name: str, rows: int) -> bytes | None:
    column: npt.NDArray[np.signedinteger[Any]] | None = getattr(frame, name)
    if column is None:
        if name in _OPTIONAL:
            return None
        raise CodecError(f"frame without column {name!r}")
    wanted = _COLUMN_TYPES[name]
    if column.dtype != wanted or column.shape != (rows,):
        raise CodecError(
            f"column {name!r} is {column.dtype} {column.shape}, wanted {wanted} ({rows},)"
        )
    return column.tobytes()


def _frame(body: memoryview) -> TickFrame:
    try:
        wire = _frame_decoder.decode(body)
    except _DECODE_FAULTS as fault:
        raise _located("TickFrame", fault, PREFIX_SIZE, len(body)) from fault
    rows = len(wire.ts_ns) // _WIDE.itemsize
    columns = {name: _column(wire, name, rows) for name in _COLUMN_TYPES}
    frame = TickFrame(
        run=wire.run,
        first_seq=wire.first_seq,
        listings=wire.listings,
        exchanges=wire.exchanges,
        **cast("dict[str, Any]", columns),
    )
    _check_frame(frame)
    return frame


def _column(wire: _Columns, name: str, rows: int) -> npt.NDArray[Any] | None:
    # msgspec has copied the bytes once, to an aligned place: a view on the message itself would
    # begin at any odd address, where numpy is slow, and pin the whole message in memory.
    raw: bytes | None = getattr(wire, name)
    if raw is None:
        return None
    wanted = _COLUMN_TYPES[name]
    if len(raw) != rows * wanted.itemsize:
        raise CodecError(f"column {name!r} has {len(raw)} bytes, wanted {rows} rows of {wanted}")
    return np.frombuffer(raw, wanted)


def _check_frame(frame: TickFrame) -> None:
    if not 0 <= frame.first_seq <= _I64_MAX:
        raise CodecError(f"first_seq {frame.first_seq} is not a row number")
    if len({frame.open is None, frame.high is None, frame.low is None}) > 1:
        raise CodecError("a frame has all of open, high and low, or none of them")
    _check_indices("listing", frame.listing, len(frame.listings))
    if frame.exchange is not None:
        _check_indices("exchange", frame.exchange, len(frame.exchanges))


def _check_indices(name: str, column: npt.NDArray[np.int32], count: int) -> None:
    # Read as unsigned, a negative index is a huge one: a single pass finds both faults.
    if column.size and int(column.view(np.uint32).max()) >= count:
        row = int(np.argmax(column.view(np.uint32)))
        raise CodecError(f"row {row} has {name} {int(column[row])}, the frame names {count}")


def _check_numbers(value: object) -> None:
    """Refuse what JSON would lose in silence: msgspec writes NaN as null."""
    for part in _parts(value):
        kind = type(part)
        if kind is str or part is None or kind is bool:  # most of them, so first
            continue
        if kind is int:
            fits = _I64_MIN <= part <= _I64_MAX  # type: ignore[operator]
        elif kind is float:
            fits = math.isfinite(part)  # type: ignore[arg-type]
        else:
            _check_numbers(part)
            continue
        if not fits:
            raise CodecError(f"{part} is not a finite number of 64 bits")


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name) for name in value.__struct_fields__]
    if isinstance(value, tuple | list):
        return value
    return value.values() if isinstance(value, dict) else ()


def _located(what: str, fault: Exception, start: int, size: int) -> CodecError:
    text = str(fault)
    if found := _BYTE_POSITION.search(text):
        return CodecError(f"{what}: {text[: found.start()]}", start + int(found[1]))
    if text == "Input data was truncated":
        return CodecError(f"{what}: cut short", start + size)
    return CodecError(f"{what}: {text}")


def _mended(value: Any) -> Any:  # noqa: ANN401 - any tree of builtins, the same tree back
    """Return `value` with surrogate pairs joined and lone surrogates as U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mended(item) for item in value)
    return value
