"""Parts keep their rows' order, are numbered without gaps, and name only what they use."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.codec import decode, encode
from streams.events import TickFrame
from streams.prices.partitioned import Partitioned
from streams.topics import partition_of

LISTINGS = ("BABA.XNYS", "9988.XHKG", "IBM.XNYS", "SPY.XNYS", "T.XNYS", "NEW.XNYS", "GE.XNYS")
ISSUER_OF = {
    "BABA.XNYS": "BABA", "9988.XHKG": "BABA", "IBM.XNYS": "IBM", "SPY.XNYS": "SPY",
    "T.XNYS": "ATT", "GE.XNYS": "GE",
}  # fmt: skip
EXCHANGES = ("", "N", "Q")
COLUMNS = ("ts_ns", "price", "size", "flags", "open", "high", "low", "start_ns")


def frame_of(rows: list[tuple[int, int, int]], *, bars: bool, exchanges: bool) -> TickFrame:
    """Make rows of (listing, price, exchange), whose times count up."""
    listing, price, exchange = (np.array(each, np.int64) for each in zip(*rows, strict=True))
    return TickFrame(
        run="raw",
        first_seq=7,
        listings=LISTINGS,
        listing=listing.astype(np.int32),
        ts_ns=np.arange(len(rows), dtype=np.int64),
        price=price,
        size=price * 3,
        flags=(price % 5).astype(np.int32),
        exchanges=EXCHANGES,
        exchange=exchange.astype(np.int32) if exchanges else None,
        open=price - 1 if bars else None,
        high=price + 1 if bars else None,
        low=price - 2 if bars else None,
        start_ns=price * 7 if bars else None,
    )


def told(frame: TickFrame) -> list[tuple[Any, ...]]:
    """Return each row of a frame in full, names in place of numbers."""
    absent = [None] * len(frame.ts_ns)
    places = absent if frame.exchange is None else [frame.exchanges[i] for i in frame.exchange]
    columns = (getattr(frame, name) for name in COLUMNS)
    return list(
        zip(
            [frame.listings[i] for i in frame.listing],
            places,
            *(absent if column is None else column.tolist() for column in columns),
            strict=True,
        )
    )


frames = st.lists(
    st.builds(
        frame_of,
        st.lists(st.tuples(st.integers(0, 6), st.integers(2, 99), st.integers(0, 2)), min_size=1),
        bars=st.booleans(),
        exchanges=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(frames=frames, partitions=st.integers(1, 5), begin=st.integers(0, 9))
def test_parts_are_the_rows_numbered_without_gaps(
    frames: list[TickFrame], partitions: int, begin: int
) -> None:
    splitter = Partitioned(partitions, ISSUER_OF, "live", [begin] * partitions)
    number = [begin] * partitions
    for frame in frames:
        parts = splitter.split(frame)
        by_home: dict[int, list[Any]] = {}
        for row in told(frame):
            home = partition_of(ISSUER_OF.get(row[0], row[0]), partitions)
            by_home.setdefault(home, []).append(row)
        assert {home: told(part) for home, part in parts} == by_home
        for home, part in parts:
            assert (part.run, part.first_seq) == ("live", number[home])
            number[home] += len(part.ts_ns)
            assert set(part.listings) == {row[0] for row in by_home[home]}
            assert set(part.exchanges) == {"", *(row[1] or "" for row in by_home[home])}
            assert part.exchanges[0] == ""
            assert told(decode(encode(part))) == told(part)  # type: ignore[arg-type]
    assert splitter.next_seq == number


def test_a_process_that_goes_on_keeps_the_numbers() -> None:
    whole = frame_of([(i % 7, 10 + i, 0) for i in range(40)], bars=False, exchanges=True)
    first, second = Partitioned(3, ISSUER_OF, "r"), Partitioned(3, ISSUER_OF, "r")
    parts = dict(first.split(whole))
    again = dict(Partitioned(3, ISSUER_OF, "r", first.next_seq).split(whole))
    second.split(whole)
    assert {home: part.first_seq for home, part in again.items()} == {
        home: part.first_seq + len(part.ts_ns) for home, part in parts.items()
    }
    assert {home: told(part) for home, part in second.split(whole)} == {
        home: told(part) for home, part in again.items()
    }


def test_an_empty_frame_has_no_parts() -> None:
    splitter = Partitioned(2, ISSUER_OF, "r")
    empty = frame_of([(0, 5, 0)], bars=False, exchanges=False)
    columns = {name: getattr(empty, name)[:0] for name in ("listing", "ts_ns", "price", "size")}
    nothing = TickFrame(run="", first_seq=0, listings=LISTINGS, flags=empty.flags[:0], **columns)
    assert splitter.split(nothing) == []


def test_both_lines_of_an_issuer_stay_together() -> None:
    splitter = Partitioned(8, ISSUER_OF, "r")
    assert splitter.home("BABA.XNYS") == splitter.home("9988.XHKG") == partition_of("BABA", 8)
    assert splitter.home("NEW.XNYS") == partition_of("NEW.XNYS", 8)
    parts = splitter.split(frame_of([(0, 5, 0), (1, 6, 0)], bars=True, exchanges=False))
    assert [len(part.ts_ns) for _, part in parts] == [2]
    assert list(itertools.chain(*(part.listings for _, part in parts))) == [*LISTINGS[:2]]


def test_numbers_must_fit_the_partitions() -> None:
    with pytest.raises(ValueError, match="2 numbers for 3 partitions"):
        Partitioned(3, ISSUER_OF, "r", [0, 0])
