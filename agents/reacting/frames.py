"""A TickFrame as the engine reads it: its rows as a run, its points as benchmark points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agents.reacting.benchmark import Points
from agents.reacting.columns import Run
from streams.events import SECOND_NS, Flag, TickFrame

POINT = int(Flag.point)


def run_of(frame: TickFrame, skip: int, index: Mapping[str, int], clock_ns: int) -> Run:
    """Return the rows of a frame from row `skip` on, its points left out.

    An unknown listing becomes -1 - (its number in the frame).
    """
    table = [index.get(name, -1 - i) for i, name in enumerate(frame.listings)]
    keep = np.flatnonzero(frame.flags[skip:] & POINT == 0) + skip
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
        exchange=np.zeros(len(keep), np.int32) if frame.exchange is None else frame.exchange[keep],
        clock_ns=np.full(len(keep), clock_ns, np.int64),
        exchanges=frame.exchanges,
    )


def points_of(frame: TickFrame, skip: int) -> list[Points]:
    """Return the points of a frame from row `skip` on, a block a listing."""
    rows = np.flatnonzero(frame.flags[skip:] & POINT != 0) + skip
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
