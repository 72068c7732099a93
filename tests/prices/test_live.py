"""Frames grow with the load, Clocks close them, and points are those a replay would make."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.record_log import TopicLog
from streams.codec import Record, decode, encode
from streams.events import SECOND_NS, Clock, Flag, Status, TickFrame
from streams.prices import live, numbering
from streams.prices.framer import Broadcast
from streams.prices.live import FRAME_NS, FRAME_ROWS, LiveFramer, LivePoints, Tick, frame_of
from streams.prices.numbering import Numbering
from streams.prices.rows import Rows
from streams.reference.calendars import calendar_for
from streams.topics import partition_of

OPEN_NS = 1_758_720_600 * SECOND_NS  # 24 September 2025, 13:30 UTC
SPY, OTHER = "SPY.XNYS", "MSFT.XNYS"
ISSUER_OF = {SPY: "SPY", OTHER: "MSFT"}
MARKET, HEADLINES = "newsquake.market", "newsquake.headlines"
MS = 1_000_000

Sent = list[tuple[str, int, Record]]


def framer(
    sent: Sent, path: Path | None = None, partitions: int = 4, broadcasts: tuple[str, ...] = (SPY,)
) -> LiveFramer:
    def send(topic: str, partition: int, record: Record, _key: str | None = None) -> None:
        sent.append((topic, partition, decode(encode(record))))

    calendars = {name: calendar_for("XNYS") for name in broadcasts}
    return LiveFramer(
        TopicLog(send, "", partitions), ISSUER_OF, Numbering(path, partitions), calendars
    )


def tick(listing: str, at_ns: int, price: int = 100, **more: Any) -> Tick:
    return Tick(listing, OPEN_NS + at_ns, price, **more)


def frames(sent: Sent, *, points: bool = False) -> list[tuple[int, TickFrame]]:
    return [
        (home, record)
        for _, home, record in sent
        if isinstance(record, TickFrame) and (":points:" in record.run) == points
    ]


def test_a_frame_is_cut_10_ms_after_its_first_row() -> None:
    sent: Sent = []
    made = framer(sent)
    assert made.due_ns is None
    made.add([tick(SPY, 0)], OPEN_NS)
    made.add([tick(OTHER, 1)], OPEN_NS + 3 * MS)
    made.add([tick(SPY, 2), tick(SPY, 3)], OPEN_NS + 9 * MS)
    assert made.due_ns == OPEN_NS + FRAME_NS
    made.cut_due(OPEN_NS + FRAME_NS - 1)
    assert sent == []
    made.add([tick(SPY, 4)], OPEN_NS + FRAME_NS)  # too late for the open frame
    assert [len(frame.ts_ns) for _, frame in frames(sent)] == [3]
    assert made.due_ns == OPEN_NS + 13 * MS
    made.cut_due(OPEN_NS + 60 * MS)
    assert [len(frame.ts_ns) for _, frame in frames(sent)] == [3, 1, 1]
    assert {home for home, _ in frames(sent)} == {partition_of("SPY", 4), partition_of("MSFT", 4)}
    assert made.due_ns is None


def test_a_frame_grows_with_the_load_up_to_its_most_rows() -> None:
    sent: Sent = []
    made = framer(sent, partitions=1)
    made.add([tick(SPY, n) for n in range(2 * FRAME_ROWS + 5)], OPEN_NS)
    assert [len(frame.ts_ns) for _, frame in frames(sent)] == [FRAME_ROWS, FRAME_ROWS]
    made.close()
    ((_, first), (_, second), (_, third)) = frames(sent)
    assert (first.first_seq, second.first_seq, third.first_seq) == (0, FRAME_ROWS, 2 * FRAME_ROWS)
    times = np.concatenate([first.ts_ns, second.ts_ns, third.ts_ns])
    assert (times == OPEN_NS + np.arange(2 * FRAME_ROWS + 5)).all()


def test_a_clock_closes_frames_and_goes_everywhere_after_the_points() -> None:
    sent: Sent = []
    made = framer(sent, partitions=3)
    made.add([tick(SPY, 0, 101, size=5, exchange="N"), tick(OTHER, 1)], OPEN_NS)
    made.clock(OPEN_NS + 2 * SECOND_NS)
    kinds = [(topic, type(record).__name__) for topic, _, record in sent]
    assert kinds[:2] == [(MARKET, "TickFrame")] * 2  # the rows
    assert kinds[2:5] == [(MARKET, "TickFrame")] * 3  # the point, in every partition
    assert kinds[5:] == [(MARKET, "Clock")] * 3 + [(HEADLINES, "Clock")]
    assert [home for home, _ in frames(sent, points=True)] == [0, 1, 2]
    assert {record.ts_ns for *_, record in sent[5:] if isinstance(record, Clock)} == {
        OPEN_NS + 2 * SECOND_NS
    }
    made.clock(OPEN_NS + SECOND_NS)  # a clock that was set back
    assert len(sent) == 9


@pytest.mark.parametrize("listing", [SPY, "SPY.ARCX"])  # halt lists name the exchange they know
def test_a_halt_goes_behind_the_rows_before_it(listing: str) -> None:
    sent: Sent = []
    made = framer(sent)
    made.add([tick(SPY, 0), tick(OTHER, 1)], OPEN_NS)
    halt = Status(listing=listing, ts_ns=OPEN_NS, action="halt", reason="T1")
    assert made.status(halt)
    home = partition_of("SPY", 4)
    assert [record for _, where, record in sent if where == home][1:] == [
        msgspec.structs.replace(halt, listing=SPY)
    ]
    assert [record.listings for _, record in frames(sent)] == [(SPY,)]


@pytest.mark.parametrize("listing", ["NOBODY.XNYS", "SPY.XHKG", "SPY"])
def test_a_halt_that_nobody_follows_is_not_sent(listing: str) -> None:
    sent: Sent = []
    assert not framer(sent).status(Status(listing=listing, ts_ns=OPEN_NS, action="halt"))
    assert sent == []


def test_bars_and_trades_share_a_frame() -> None:
    bar = Tick(SPY, 59, 7, 3, int(Flag.bar), "", 5, 9, 4, 10)
    frame = frame_of([tick(SPY, 0, 6), bar])
    assert frame.open is not None
    assert frame.high is not None
    assert frame.low is not None
    assert frame.start_ns is not None
    assert frame.open.tolist() == [6, 5]
    assert frame.high.tolist() == [6, 9]
    assert frame.low.tolist() == [6, 4]
    assert frame.start_ns.tolist() == [OPEN_NS, 10]


# -- points


def row(draw: st.DrawFn, known_ns: int) -> Tick:
    """Make a row that comes by the end of the second after its own, as almost all do."""
    lag_ns = draw(st.integers(0, known_ns % SECOND_NS + SECOND_NS))
    ts_ns, price = known_ns - lag_ns, draw(st.integers(-1, 9))
    flags = draw(st.sampled_from([0, 0, 0, *map(int, Flag)]))
    ranges = (None,) * 4
    if flags == Flag.bar:
        ranges = (price, price + 2, price - 1, ts_ns - draw(st.integers(0, 3600)) * SECOND_NS)
    listing = draw(st.sampled_from([SPY, OTHER]))
    return Tick(listing, ts_ns, price, draw(st.integers(0, 5)), flags, "N", *ranges)


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[int, Tick]]:
    """Make (known, row), known rising, about the open: Form T differs before and after it."""
    steps = st.integers(0, draw(st.sampled_from([10**8, 10**9, 3 * 10**9])))
    gaps = draw(st.lists(steps, max_size=40))
    start_ns = OPEN_NS - draw(st.sampled_from([0, 5 * SECOND_NS, 7 * 3600 * SECOND_NS]))
    return [
        (known_ns, row(draw, known_ns)) for known_ns in itertools.accumulate(gaps, initial=start_ns)
    ]


def replayed(arrived: list[tuple[int, Tick]]) -> Broadcast:
    frame = frame_of([tick for _, tick in arrived])
    rows: Rows = live._rows_of(frame)
    rows.known_ns = np.array([known_ns for known_ns, _ in arrived], np.int64)
    return Broadcast(rows, SPY, calendar_for("XNYS"))


def told(points: list[TickFrame]) -> list[tuple[Any, ...]]:
    columns = ("ts_ns", "price", "size", "flags", "open", "high", "low", "start_ns")
    return [
        each
        for frame in points
        for each in zip(*(getattr(frame, name).tolist() for name in columns), strict=True)
    ]


@given(arrived=arrivals())
def test_points_are_those_of_a_replay(arrived: list[tuple[int, Tick]]) -> None:
    sent: Sent = []
    made = framer(sent, partitions=1)
    clock_ns = arrived[0][0] // SECOND_NS * SECOND_NS
    went: list[tuple[int, int]] = []  # second, Clock
    for known_ns, each in [*arrived, (arrived[-1][0] + 4 * SECOND_NS, None)]:
        while clock_ns <= known_ns:
            before = len(told([frame for _, frame in frames(sent, points=True)]))
            made.clock(clock_ns)
            fresh = told([frame for _, frame in frames(sent, points=True)])[before:]
            went += [(point[0] // SECOND_NS, clock_ns // SECOND_NS) for point in fresh]
            clock_ns += SECOND_NS
        if each is not None:
            made.add([each], known_ns)
    points = [frame for _, frame in frames(sent, points=True)]
    wanted = replayed(arrived).due(2**62)
    assert told(points) == told([wanted] if wanted is not None else [])
    numbers = [frame.first_seq + i for frame in points for i in range(len(frame.ts_ns))]
    assert numbers == list(range(len(numbers)))
    first_s = arrived[0][0] // SECOND_NS  # before it there was no Clock
    assert all(clock_s == max(second + 2, first_s) for second, clock_s in went)


def test_a_row_behind_its_point_is_counted_and_changes_none() -> None:
    points = LivePoints(SPY, calendar_for("XNYS"))
    points.take(frame_of([tick(SPY, 0, 100), tick(SPY, 8 * SECOND_NS, 100)]))  # one is far ahead
    assert told([points.due(OPEN_NS + 2 * SECOND_NS)])[0][1] == 100  # type: ignore[list-item]
    points.take(frame_of([tick(SPY, 5, 900)]))
    assert points.due(OPEN_NS + 3 * SECOND_NS) is None
    assert points.late == 1
    assert points._waiting == []


# -- numbers


def used(sent: Sent) -> dict[tuple[str, int], list[int]]:
    """Return the numbers of all rows, by run and partition, as they were sent."""
    found: dict[tuple[str, int], list[int]] = {}
    for home, frame in [*frames(sent), *frames(sent, points=True)]:
        stop = frame.first_seq + len(frame.ts_ns)
        found.setdefault((frame.run, home), []).extend(range(frame.first_seq, stop))
    return found


def feed(made: LiveFramer, rows: int, second: int) -> None:
    base_ns = second * SECOND_NS
    made.add([tick((SPY, OTHER)[n % 2], base_ns + n) for n in range(rows)], OPEN_NS + base_ns)
    made.clock(OPEN_NS + base_ns + SECOND_NS)


@pytest.mark.parametrize("ahead", [1, 7, 100])
def test_no_number_is_used_twice_however_a_process_ends(
    ahead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "AHEAD", ahead)
    sent: Sent = []
    for life in range(6):
        made = framer(sent, tmp_path / "numbers.json", partitions=2)
        for second in range(3):
            feed(made, 11, 10 * life + second)
        if life % 2:
            made.close()  # else it is killed: nothing is written any more
    for found in used(sent).values():
        assert found == sorted(set(found))
    assert len({run for run, _ in used(sent)}) == 2  # one for rows and one for points


def test_after_a_clean_end_there_is_no_gap(tmp_path: Path) -> None:
    sent: Sent = []
    for life in range(3):
        made = framer(sent, tmp_path / "numbers.json", partitions=2)
        feed(made, 50, life)
        feed(made, 0, life + 1)
        made.close()
    for found in used(sent).values():
        assert found == list(range(len(found)))


@pytest.mark.parametrize("spoil", [b"", b"{", b'{"run": 5}'])
def test_without_its_file_another_run_begins(spoil: bytes, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "numbers.json"
    first = Numbering(path, 2)
    first.reserve([1, 0], {})
    assert Numbering(path, 2).run == first.run
    assert Numbering(path, 3).run != first.run
    path.write_bytes(spoil)
    again = Numbering(path, 2)
    assert again.run != first.run
    assert again.rows == [0, 0]
