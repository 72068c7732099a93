"""The order of a replay: rows and headlines by when they were known, with the Clocks they imply.

DESIGN 4.4: one Clock before the first row of each second that has any, a row before a headline of the same
instant, and a final Clock after everything due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from agents.reacting.benchmark import Points
from agents.reacting.columns import RowRun
from agents.reacting.engine import Engine
from agents.reacting.frames import points_of
from agents.replay.play.inputs import Inputs
from streams.events import DAY_NS, I64, SECOND_NS, Clock, MarketRecord, Output
from streams.prices.framer import Broadcast, frames

RUN_ROWS = 65_536
RUN_SPAN_NS = 300 * SECOND_NS
AFTER_ALL_NS = 14 * DAY_NS  # longer than any horizon can take over the longest closure
FRAME_ROWS = 1000  # in frames for whatever is no engine, where nobody says how many


class MarketLog(Protocol):
    """Where the records of a replay go: an engine, or a topic that engines read."""

    counts: Counter[str]

    @property
    def listings(self) -> Mapping[str, int]:
        """Return a number for each listing, by name."""

    @property
    def broadcast(self) -> tuple[str, ...]:
        """Return the listings whose points every partition reads."""

    @property
    def clock_ns(self) -> int:
        """Return the newest Clock, -1 before the first."""

    def apply(self, record: MarketRecord) -> list[Output]:
        """Take one record; return what came of it here."""

    def snapshot(self) -> bytes:
        """Return what `restore` needs to go on from here."""

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot."""

    def prune(self) -> None:
        """Forget what nothing can reach any more."""


class Timeline:
    """The rows of a replay, fed to an engine in order: in columns, or in frames of `frame` rows.

    Whatever is no engine is given frames in any case.
    """

    def __init__(self, inputs: Inputs, engine: MarketLog, frame: int | None, span_ns: int) -> None:
        self._rows, self._engine = inputs.rows, engine
        self._columns_to = engine if frame is None and isinstance(engine, Engine) else None
        self._frame = frame or FRAME_ROWS
        self._span_ns = min(span_ns, RUN_SPAN_NS)
        self._name = inputs.name
        self._clock_ns: I64 = inputs.rows.known_ns // SECOND_NS * SECOND_NS
        calendars = {x.listing: inputs.engine.calendars[x.mic] for x in inputs.engine.listings}
        self._broadcasts = [Broadcast(self._rows, n, calendars[n]) for n in engine.broadcast]
        table = np.array([engine.listings[name] for name in self._rows.listings], np.int32)
        self._listing = table[self._rows.listing]
        known = np.array([h.known_ns for h in inputs.headlines], np.int64)
        self.headline_rows: I64 = np.searchsorted(self._rows.known_ns, known, "right")

    def __len__(self) -> int:
        return len(self._rows)

    def resume(self) -> None:
        """Take the points up to the engine's newest Clock as sent."""
        for broadcast in self._broadcasts:
            broadcast.skip(self._engine.clock_ns)

    def known_ns(self, row: int) -> int:
        """Return when a row was known."""
        return int(self._rows.known_ns[row])

    def play(self, lo: int, hi: int) -> Iterator[tuple[int, list[Output]]]:
        """Feed rows `lo` to `hi`; yield (next row, outputs) after each stretch."""
        while lo < hi:
            stop = self.stop_of(lo, hi)
            yield stop, self.apply(lo, stop)
            lo = stop

    def stop_of(self, lo: int, hi: int) -> int:
        """Return where the stretch that begins with row `lo` ends, at `hi` at the latest."""
        stop = min(hi, lo + RUN_ROWS)
        end_ns = self.known_ns(lo) + self._span_ns
        return lo + max(1, int(np.searchsorted(self._rows.known_ns[lo:stop], end_ns)))

    def apply(self, lo: int, hi: int) -> list[Output]:
        """Feed the rows of one stretch."""
        engine = self._columns_to
        return self._columns(engine, lo, hi) if engine else self._framed(lo, hi)

    def clock(self, ts_ns: int) -> list[Output]:
        """Send the Clock of a second unless it was sent before; the points due go first.

        What falls due at the Clock may read them.
        """
        second_ns = ts_ns // SECOND_NS * SECOND_NS
        if second_ns <= self._engine.clock_ns:
            return []
        return self._send_points(second_ns) + self._engine.apply(Clock(ts_ns=second_ns))

    def _send_points(self, until_ns: int) -> list[Output]:
        out: list[Output] = []
        for broadcast in self._broadcasts:
            points = broadcast.due(until_ns)
            out += [] if points is None else self._engine.apply(points)
        return out

    def finish(self, last_ns: int) -> list[Output]:
        """Send what points are left and the final Clock."""
        final_ns = last_ns // SECOND_NS * SECOND_NS + AFTER_ALL_NS
        final = Clock(ts_ns=final_ns, final=True)
        return self._send_points(final_ns) + self._engine.apply(final)

    def _columns(self, engine: Engine, lo: int, hi: int) -> list[Output]:
        rows, part = self._rows, slice(lo, hi)
        run = RowRun(
            listing=self._listing[part],
            ts_ns=rows.ts_ns[part],
            start_ns=rows.start_ns[part],
            price=rows.price[part],
            high=rows.high[part],
            low=rows.low[part],
            size=rows.size[part],
            flags=rows.flags[part],
            exchange=rows.exchange[part],
            clock_ns=self._clock_ns[part],
            exchanges=rows.exchanges,
        )
        end_ns = int(self._clock_ns[hi - 1])
        points: list[Points] = []
        for broadcast in self._broadcasts:
            frame = broadcast.due(end_ns)
            points += points_of(frame, slice(None)) if frame is not None else []
        return engine.apply_run(run, end_ns, tuple(points))

    def _framed(self, lo: int, hi: int) -> list[Output]:
        """Do the same record by record: a Clock a second, then the second's rows in frames."""
        clocks = self._clock_ns[lo:hi]
        starts = lo + np.flatnonzero(np.diff(clocks, prepend=-1))
        out: list[Output] = []
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), hi], strict=True):
            out += self.clock(int(self._clock_ns[start]))
            for frame in frames(self._rows, start, stop, self._frame, self._name):
                out += self._engine.apply(frame)
        return out
