"""A TickFrame as the engine reads it: its rows as a run, its points as benchmark points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from agents.reacting.benchmark import Points
from agents.reacting.columns import RowRun
from streams.events import I32, SECOND_NS, Flag, TickFrame

POINT = int(Flag.point)
Part = tuple[TickFrame, slice]  # some rows of a frame, none a point


def stretches(frame: TickFrame, skip: int) -> Iterator[tuple[bool, slice]]:
    """Yield (whether they are points, rows) of the stretches of a frame from row `skip` on."""
    points = frame.flags & POINT != 0
    if not points.any():
        yield False, slice(skip, len(points))
        return
    ends = np.flatnonzero(points[1:] != points[:-1]) + 1
    for start, stop in pairwise([0, *ends.tolist(), len(points)]):
        if stop > skip:
            yield bool(points[start]), slice(max(start, skip), stop)


def repeats(frame: TickFrame, applied: dict[str, int], counts: Counter[str]) -> int:
    """Return how many leading rows of a frame were applied before; 0 for an unnumbered one.

    `applied` (publisher's run -> number of its last row applied) advances; a gap is counted.
    """
    if not frame.run:
        return 0
    last = applied.get(frame.run, frame.first_seq - 1)
    if frame.first_seq > last + 1:
        counts["gaps"] += 1
    end = frame.first_seq + len(frame.ts_ns) - 1
    applied[frame.run] = max(last, end)
    return max(0, last + 1 - frame.first_seq)


def run_of(
    parts: Sequence[Part], names: Sequence[str], index: Mapping[str, int], clock_ns: int
) -> RowRun:
    """Return rows of frames that follow each other as one run; none of them is a point.

    `names` are the listings of all frames, one frame's after the other's. An unknown listing
    becomes -1 - (its place in `names`).
    """
    numbers = np.array([*map(index.get, names, range(-1, -1 - len(names), -1))], np.int32)
    price, ts_ns = _column(parts, "price"), _column(parts, "ts_ns")
    exchanges = tuple(dict.fromkeys(place for frame, _ in parts for place in frame.exchanges))
    return RowRun(
        listing=numbers[_places(parts)],
        ts_ns=ts_ns,
        start_ns=_column(parts, "start_ns", "ts_ns", ts_ns),
        price=price,
        high=_column(parts, "high", "price", price),
        low=_column(parts, "low", "price", price),
        size=_column(parts, "size"),
        flags=_column(parts, "flags"),
        exchange=_joined([_exchange(frame, rows, exchanges) for frame, rows in parts]),
        clock_ns=np.full(len(ts_ns), clock_ns, np.int64),
        exchanges=exchanges,
    )


def _column(parts: Sequence[Part], name: str, other: str = "", same: Any = None) -> Any:  # noqa: ANN401 - a column of either width
    """Return a column over all parts; a frame without it has the column `other` in its place.

    Where no frame has it, the result is `same`, the very array of that other column.
    """
    if other and all(getattr(frame, name) is None for frame, _ in parts):
        return same
    columns = []
    for frame, rows in parts:
        own = getattr(frame, name)
        columns.append((getattr(frame, other) if own is None else own)[rows])
    return _joined(columns)


def _places(parts: Sequence[Part]) -> I32:
    """Return each row's place in the names of all frames."""
    first, places = 0, []
    for frame, rows in parts:
        own = frame.listing[rows]
        places.append(own + np.int32(first) if first else own)
        first += len(frame.listings)
    joined: I32 = _joined(places)
    return joined


def _exchange(frame: TickFrame, rows: slice, exchanges: tuple[str, ...]) -> I32:
    if frame.exchange is None:
        return np.zeros(len(frame.ts_ns[rows]), np.int32)
    if frame.exchanges == exchanges[: len(frame.exchanges)]:
        return frame.exchange[rows]
    table = np.array([exchanges.index(place) for place in frame.exchanges], np.int32)
    return table[frame.exchange[rows]]


def _joined(columns: list[Any]) -> Any:  # noqa: ANN401 - of either width
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


def points_of(frame: TickFrame, keep: slice) -> list[Points]:
    """Return some rows of a frame, all of them points, a block a listing."""
    rows = np.arange(len(frame.ts_ns))[keep]
    blocks = []
    for number in np.unique(frame.listing[rows]).tolist():
        own = rows[frame.listing[rows] == number]
        blocks.append(
            Points(
                listing=frame.listings[number],
                second=frame.ts_ns[own] // SECOND_NS,
                last=frame.price[own],
                high=frame.price[own] if frame.high is None else frame.high[own],
                low=frame.price[own] if frame.low is None else frame.low[own],
                volume=frame.size[own],
                flags=frame.flags[own],
            )
        )
    return blocks
