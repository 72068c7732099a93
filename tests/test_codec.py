from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import codec, events
from streams.errors import CodecError
from streams.events import (
    Alert,
    Clock,
    Correction,
    Headline,
    Move,
    Reaction,
    Reject,
    Status,
    TickFrame,
)
from streams.explanation import Candidate
from streams.set_aside import SetAside

I64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=12)  # any character but surrogates
REALS = st.floats(allow_nan=False, allow_infinity=False)
COLUMNS = ("listing", "ts_ns", "price", "size", "flags", "exchange", "open", "high", "low")

SCALARS: dict[type, st.SearchStrategy[Any]] = {
    msgspec.inspect.IntType: I64,
    msgspec.inspect.FloatType: REALS,
    msgspec.inspect.StrType: TEXT,
    msgspec.inspect.BoolType: st.booleans(),
    msgspec.inspect.NoneType: st.none(),
    msgspec.inspect.DictType: st.dictionaries(TEXT, REALS, max_size=3),
}


def built(type_: type) -> st.SearchStrategy[Any]:
    """Make records of any type of the vocabulary from its own annotations."""
    fields = msgspec.inspect.type_info(type_).fields  # type: ignore[attr-defined]
    return st.builds(type_, **{field.name: valued(field.type) for field in fields})


def valued(info: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.UnionType(types=types):
            return st.one_of([valued(each) for each in types])
        case msgspec.inspect.VarTupleType(item_type=item):
            return st.lists(valued(item), max_size=3).map(tuple)
        case msgspec.inspect.StructType(cls=cls):
            return built(cls)
    return SCALARS[type(info)]


def column(rows: int, dtype: type, low: int | None = None, high: int | None = None) -> Any:
    info = np.iinfo(dtype)
    number = st.integers(info.min if low is None else low, info.max if high is None else high)
    return st.lists(number, min_size=rows, max_size=rows).map(lambda x: np.array(x, dtype))


@st.composite
def frames(draw: st.DrawFn) -> TickFrame:
    rows = draw(st.integers(0, 5))
    names = draw(st.lists(TEXT, min_size=1, max_size=3).map(tuple))
    venues = draw(st.lists(TEXT, min_size=1, max_size=3).map(tuple))
    bars = draw(st.booleans())
    wide = column(rows, np.int64)
    return TickFrame(
        run=draw(TEXT),
        first_seq=draw(st.integers(0, 2**63 - 1)),
        listings=names,
        listing=draw(column(rows, np.int32, 0, len(names) - 1)),
        ts_ns=draw(wide),
        price=draw(wide),
        size=draw(wide),
        flags=draw(column(rows, np.int32)),
        exchanges=venues,
        exchange=draw(st.none() | column(rows, np.int32, 0, len(venues) - 1)),
        open=draw(wide) if bars else None,
        high=draw(wide) if bars else None,
        low=draw(wide) if bars else None,
        start_ns=draw(st.none() | wide),
    )


def frame(**changes: Any) -> TickFrame:
    parts: dict[str, Any] = {
        "run": "r1",
        "first_seq": 7,
        "listings": ("BABA.XNYS", "9988.XHKG"),
        "listing": np.array([0, 1, 1], np.int32),
        "ts_ns": np.array([1, 2, 3], np.int64),
        "price": np.array([176_440_000, 174_000_000, -1], np.int64),
        "size": np.array([100, 0, 2**62], np.int64),
        "flags": np.array([0, 32, 256], np.int32),
        "exchanges": ("", "N"),
        "exchange": np.array([0, 1, 0], np.int32),
    }
    return TickFrame(**(parts | changes))


def plain(frame: TickFrame) -> dict[str, Any]:
    """Show a frame as builtins, dtypes included, so that two can be compared."""
    values = {name: getattr(frame, name) for name in frame.__struct_fields__}
    return {
        name: (value.dtype.str, value.tolist()) if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }


@given(frames())
def test_a_frame_comes_back_as_it_was(made: TickFrame) -> None:
    back = codec.decode(codec.encode(made))
    assert isinstance(back, TickFrame)
    assert plain(back) == plain(made)


@pytest.mark.parametrize("type_", [t for t in codec.TYPE_CODES if t is not TickFrame])
def test_a_record_comes_back_as_it_was(type_: type) -> None:
    @given(built(type_))
    def check(record: Any) -> None:
        assert codec.decode(codec.encode(record)) == record
        assert codec.decode_json(codec.encode_json(record), type_) == record

    check()


def test_every_record_of_the_vocabulary_travels() -> None:
    assert set(codec.TYPE_CODES) == set((events.MarketRecord | events.Output).__args__) | {
        Headline,
        SetAside,
    }
    assert len(set(codec.TYPE_CODES.values())) == len(codec.TYPE_CODES)


def test_the_type_codes_never_change() -> None:
    # Journals on disk hold these numbers.
    assert {t.__name__: code for t, code in codec.TYPE_CODES.items()} == {
        "TickFrame": 1,
        "Mention": 2,
        "Clock": 3,
        "Status": 4,
        "Correction": 5,
        "Headline": 6,
        "Reaction": 7,
        "Move": 8,
        "Alert": 9,
        "Reject": 10,
        "SetAside": 11,
    }


def test_decoded_columns_are_aligned_and_read_only() -> None:
    for lead in range(8):  # wherever in a larger buffer the record begins
        data = b"x" * lead + codec.encode(frame())
        back = codec.decode(memoryview(data)[lead:])
        for name in COLUMNS[:6]:
            values = getattr(back, name)
            assert values.flags.aligned
            assert not values.flags.writeable


def test_a_slice_of_a_frame_encodes_as_the_rows_it_shows() -> None:
    numbers = np.arange(6, dtype=np.int64)
    back = codec.decode(codec.encode(frame(ts_ns=numbers[::2])))
    assert isinstance(back, TickFrame)
    assert back.ts_ns.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ts_ns": np.array([1, 2], np.int64)}, "column 'listing' is int32 (3,), wanted int32 (2,"),
        ({"price": np.array([1.5, 2, 3])}, "column 'price' is float64"),
        ({"size": np.array([1, 2, 3], np.int32)}, "column 'size' is int32"),
        ({"listing": np.array([0, 2, 1], np.int32)}, "row 1 has listing 2, the frame names 2"),
        ({"listing": np.array([0, 1, -1], np.int32)}, "row 2 has listing -1"),
        ({"exchange": np.array([0, 1, 9], np.int32)}, "row 2 has exchange 9"),
        ({"high": np.array([0, 1, 9], np.int64)}, "all of open, high and low"),
        ({"first_seq": -1}, "first_seq -1"),
        ({"first_seq": 2**63}, "is not a row number"),
        ({"flags": None}, "frame without column 'flags'"),
    ],
)
def test_a_frame_that_contradicts_itself_is_not_written(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(CodecError) as caught:
        codec.encode(frame(**changes))
    assert message in str(caught.value)


@pytest.mark.parametrize("change", ["cut", "longer", "indices"])
def test_a_frame_that_contradicts_itself_is_not_read(change: str) -> None:
    fields = list(msgspec.msgpack.decode(codec.encode(frame())[2:]))
    names = codec._Columns.__struct_fields__
    if change == "cut":
        fields[names.index("price")] = fields[names.index("price")][:-1]
    elif change == "longer":
        fields[names.index("size")] += bytes(8)
    else:
        fields[names.index("listings")] = ["BABA.XNYS"]
    with pytest.raises(CodecError, match=r"'price' has 23|'size' has 32|row 1 has listing 1"):
        codec.decode(b"\x01\x01" + msgspec.msgpack.encode(fields))


def outcome(data: bytes) -> str:
    """Tell what became of foreign bytes; anything but a record or a CodecError escapes."""
    try:
        record = codec.decode(data)
    except CodecError:
        return "refused"
    codec.encode(record)  # what was read is valid, so it can be written
    return "read"


def test_every_truncation_of_a_frame_is_refused() -> None:
    data = codec.encode(frame())
    assert {outcome(data[:size]) for size in range(len(data))} == {"refused"}
    assert outcome(data) == "read"


def test_every_single_byte_mutation_is_read_or_refused() -> None:
    made = frame(
        listing=np.array([0], np.int32),
        ts_ns=np.array([1], np.int64),
        price=np.array([1], np.int64),
        size=np.array([1], np.int64),
        flags=np.array([0], np.int32),
        exchange=None,
    )
    data = bytearray(codec.encode(made))
    seen = set()
    for at, old in enumerate(data):
        for new in range(256):
            data[at] = new
            seen.add(outcome(bytes(data)))
        data[at] = old
    assert seen == {"read", "refused"}


@given(built(Alert), st.data())
def test_a_mutated_json_record_is_read_or_refused(alert: Alert, data: st.DataObject) -> None:
    encoded = bytearray(codec.encode(alert))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] = data.draw(st.integers(0, 255))
    outcome(bytes(encoded))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    outcome(data)
    for code in codec.TYPE_CODES.values():
        outcome(bytes((code, codec.SCHEMA_VERSION)) + data)


@pytest.mark.parametrize(
    ("data", "message", "position"),
    [
        (b"", "type and a version byte", 0),
        (b"\x03", "type and a version byte", 1),
        (b"\xff\x01{}", "unknown record type 255", 0),
        (b"\x03\x02{}", "schema version 2, this program reads 1", 1),
        (b'\x03\x01{"ts_ns":1', "Clock: cut short", 12),
        (b'\x03\x01{"ts_ns":x}', "invalid character", 11),
        (b'\x03\x01{"ts_ns":"1"}', "Expected `int`, got `str` - at `$.ts_ns`", None),
        (b'\x03\x01{"ts_ns":9223372036854775808}', "not a finite number of 64 bits", None),
        (b"\x03\x01" + b'{"a":' + b"[" * 100_000, "recursion", None),
        (b'\x04\x01{"listing":"\xff"}', "utf-8", None),
        (b"\x01\x01\x01", "Expected `array`, got `int`", None),
    ],
)
def test_a_refusal_says_what_and_where(data: bytes, message: str, position: int | None) -> None:
    with pytest.raises(CodecError) as caught:
        codec.decode(data)
    assert message in str(caught.value)
    assert caught.value.position == position
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused_not_written_as_null(bad: float) -> None:
    reaction = Reaction(
        **dict.fromkeys(Reaction.__struct_fields__, ""),  # type: ignore[arg-type]
    )
    with pytest.raises(CodecError, match="not a finite number"):
        codec.encode(msgspec.structs.replace(reaction, z=bad))
    with pytest.raises(CodecError, match="no canonical JSON"):
        codec.canonical_json({"z": bad})


def test_numbers_are_checked_wherever_they_stand() -> None:
    candidate = Candidate(
        story_id="s",
        headline_id="h",
        title="",
        source="",
        url="",
        event_ns=0,
        lag_s=0.0,
        share=0.5,
        event_types=(),
        direction=None,
        factors={"time": math.nan},
        copies=0,
    )
    with pytest.raises(CodecError):
        codec.encode_json(candidate)
    with pytest.raises(CodecError):
        codec.encode(Clock(ts_ns=2**63))


def test_lone_surrogates_are_replaced_everywhere() -> None:
    reject = Reject(stage="read", reason="r", detail="a\ud800b \ud83d\ude00", ts_ns=1, record="")
    back = codec.decode(codec.encode(reject))
    assert isinstance(back, Reject)
    assert back.detail == "a\ufffdb \U0001f600"
    named = codec.decode(codec.encode(frame(listings=("\udfff.XNYS", "B"), run="\ud800")))
    assert isinstance(named, TickFrame)
    assert (named.run, named.listings) == ("\ufffd", ("\ufffd.XNYS", "B"))
    assert codec.canonical_json({"\udc00": ["\ud800"]}) == '{"\ufffd":["\ufffd"]}'.encode()


def test_what_does_not_travel_is_refused() -> None:
    with pytest.raises(CodecError, match="Issuer is not a record that travels"):
        codec.encode(events.Issuer(issuer="a", name="b"))  # type: ignore[arg-type]
    with pytest.raises(CodecError, match="TickFrame is not JSON"):
        codec.encode_json(frame())
    with pytest.raises(CodecError, match="no canonical JSON"):
        codec.canonical_json({"a": object()})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | I64 | REALS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, JSON_VALUES, max_size=4))
def test_canonical_json_is_what_anybody_gets_from_the_standard_library(value: Any) -> None:
    written = codec.canonical_json(value)
    again = json.dumps(
        json.loads(written), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert written == again.encode()
    assert json.loads(written) == value


def test_canonical_json_of_a_record_is_that_of_its_mapping() -> None:
    move = Move(
        move_id="m",
        listing="BABA.XNYS",
        issuer="BABA",
        trade_date="2025-09-24",
        kind="day",
        direction="up",
        level_pct=8,
        ts_ns=10**18,
        session="regular",
        price=1e22,
        reference_price=1e-7,
        return_bps=800.0,
    )
    assert codec.canonical_json(move) == (
        b'{"direction":"up","flags":[],"issuer":"BABA","kind":"day","level_pct":8,'
        b'"listing":"BABA.XNYS","move_id":"m","price":1e+22,"reference_price":1e-07,'
        b'"return_bps":800.0,"session":"regular","trade_date":"2025-09-24",'
        b'"ts_ns":1000000000000000000}'
    )


def test_the_topics_read_their_records_by_type() -> None:
    data = codec.encode_json(Status(listing="A.XNYS", ts_ns=1, action="halt"))
    assert codec.decode_json(data, Status).action == "halt"
    with pytest.raises(CodecError, match="Correction: "):
        codec.decode_json(data, Correction)
