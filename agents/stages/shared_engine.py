"""An engine that another thread may look into: between two records, never within one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Final

from agents.reacting.benchmark import Points
from agents.reacting.columns import RowRun
from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine, EngineHead
from streams.events import MarketRecord, Output, TickFrame

REFUSED: Final = (
    "bad_price",
    "bad_tick",
    "future",
    "ineligible",
    "late",
    "past",
    "unknown_listing",
)


class Turns:
    """A room for one thread at a time, in the order in which they came.

    A plain lock would go again and again to the thread that has just left it.
    """

    def __init__(self) -> None:
        self._door, self._room = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._door:
            self._room.acquire()

    def __exit__(self, *_: object) -> None:
        self._room.release()


class SharedEngine(Engine):
    """An engine whose records are applied in turn with looks from outside."""

    def __init__(self, config: EngineConfig, turns: Turns) -> None:
        super().__init__(config)
        self._turns = turns
        self._before: Counter[str] | None = None  # counted before this process had it

    def apply(self, record: MarketRecord) -> list[Output]:
        """Apply one record of the log."""
        if isinstance(record, TickFrame):
            return self.apply_frames((record,))  # which takes its own turn
        with self._turns:
            return super().apply(record)

    def apply_run(self, run: RowRun, end_clock_ns: int, points: tuple[Points, ...]) -> list[Output]:
        """Apply rows, the Clocks between and after them, and benchmark points."""
        with self._turns:
            self._begin()
            return super().apply_run(run, end_clock_ns, points)

    def apply_frames(self, frames: Iterable[TickFrame]) -> list[Output]:
        """Apply frames that follow each other at once."""
        with self._turns:
            self._begin()
            return super().apply_frames(frames)

    def prune(self) -> None:
        """Drop what no reading can reach any more."""
        with self._turns:
            super().prune()

    def resume(self, head: EngineHead) -> None:
        """Take the head of a snapshot, whose counts are not of this process."""
        super().resume(head)
        self._before = None

    def outcomes(self) -> Counter[str]:
        """Return what became of the rows that this process has applied; held ones are not in it."""
        if self._before is None:
            return Counter()
        counted = self._counted()
        counted.subtract(self._before)
        return counted

    def _begin(self) -> None:
        """Take what is counted before the first row as not of this process."""
        if self._before is None:
            self._before = self._counted()

    def _counted(self) -> Counter[str]:
        counted = Counter({reason: self.counts[reason] for reason in REFUSED})
        held = sum(len(line.state.filter.held) for line in self.registry.lines)
        counted["accepted"] = self.counts["ticks"] - counted.total() - held
        return counted
