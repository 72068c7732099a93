"""A TickFrame as the engine reads it: its rows as a run, its points as benchmark points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from agents.reacting.benchmark import Points
from agents.reacting.columns import Run
from streams.events import I32, SECOND_NS, Flag, TickFrame

POINT = int(Flag.point)


def stretches(frame: TickFrame, skip: int) -> Iterator[tuple[bool, slice]]:
    """Yield (whether they are points, rows) of the stretches of a frame from row `skip` on."""
    points = frame.flags & POINT != 0
    ends = np.flatnonzero(points[1:] != points[:-1]) + 1
    for start, stop in pairwise([0, *ends.tolist(), len(points)]):
        if stop > skip:
            yield bool(points[start]), slice(max(start, skip), stop)


def run_of(
    frame: TickFrame, keep: slice, index: Mapping[str, int], clock_ns: int, first: int = 0
) -> Run:
    """Return some rows of a frame, none a point.

    An unknown listing becomes -1 - (its number in the frame, counted from `first`).
    """
    table = [index.get(name, -1 - i) for i, name in enumerate(frame.listings, first)]
    price, ts = frame.price[keep], frame.ts_ns[keep]
    return Run(
        listing=np.array(table, np.int32)[frame.listing[keep]],
        ts_ns=ts,
        start_ns=ts if frame.start_ns is None else frame.start_ns[keep],
        price=price,
        high=price if frame.high is None else frame.high[keep],
        low=price if frame.low is None else frame.low[keep],
        size=frame.size[keep],
        flags=frame.flags[keep],
        exchange=np.zeros(len(ts), np.int32) if frame.exchange is None else frame.exchange[keep],
        clock_ns=np.full(len(ts), clock_ns, np.int64),
        exchanges=frame.exchanges,
    )


def joined(runs: Sequence[Run]) -> Run:
    """Return runs that follow each other as one."""
    if len(runs) == 1:
        return runs[0]
    exchanges = list(dict.fromkeys(place for run in runs for place in run.exchanges))
    columns = {
        name: np.concatenate([getattr(run, name) for run in runs])
        for name in Run.__struct_fields__
        if name not in {"exchange", "exchanges"}
    }
    exchange = np.concatenate([_renumbered(run, exchanges) for run in runs])
    return Run(**columns, exchange=exchange, exchanges=tuple(exchanges))


def _renumbered(run: Run, exchanges: list[str]) -> I32:
    if run.exchanges == tuple(exchanges[: len(run.exchanges)]):
        return run.exchange
    table = np.array([exchanges.index(place) for place in run.exchanges], np.int32)
    return table[run.exchange]


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
