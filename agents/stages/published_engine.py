"""An engine that other threads may look at: it publishes views of itself, each made between two records.

The thread that applies records makes a view and puts it in place by one assignment; a scrape of the
metrics reads the newest one and waits for nobody. So no record waits for a scrape, there is no lock,
and every view is of a whole state. Views are made once a second, less often where they cost much
(SHARE), and at the final Clock, after which nothing more may come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from agents.machine.clock import elapsed_s
from agents.reacting.benchmark import Points
from agents.reacting.columns import RowRun
from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine, EngineHead
from agents.reacting.view import ListingView, listing_views, open_alerts
from streams.events import Clock, MarketRecord, Output, TickFrame

SHORTEST_PAUSE_S: Final = 1.0  # between two views
LONGEST_PAUSE_S: Final = 5.0  # Prometheus's own interval in deploy/prometheus
SHARE: Final = 0.005  # of the time, at most, goes into views as long as the longest pause allows it
REFUSED: Final = (
    "bad_price",
    "bad_size",
    "bad_tick",
    "future",
    "ineligible",
    "late",
    "past",
    "unknown_listing",
)
AlertKey = tuple[str, str, str]  # rule, listing, direction


class EngineView(NamedTuple):
    """An engine between two records; nothing in it changes any more."""

    listings: list[ListingView]
    alerts: Counter[AlertKey]  # open ones
    outcomes: Counter[str]  # of the rows that this process has applied
    clock_ns: int


class PublishedEngine(Engine):
    """An engine whose newest view is `view`."""

    def __init__(self, config: EngineConfig, shown: Iterable[str]) -> None:
        """`shown`: the listings that views are made of."""
        super().__init__(config)
        self._shown = [self.listings[name] for name in shown]
        self._before: Counter[str] | None = None  # counted before this process had it
        self._next_s = 0.0  # when the next view is due: at the first record
        self.view = self._viewed()

    def apply(self, record: MarketRecord) -> list[Output]:
        """Apply one record of the log."""
        if isinstance(record, TickFrame):
            return self.apply_frames((record,))  # which publishes by itself
        outputs = super().apply(record)
        if isinstance(record, Clock) and record.final:
            self.publish()
        else:
            self._publish_if_due()
        return outputs

    def apply_run(self, run: RowRun, end_clock_ns: int, points: tuple[Points, ...]) -> list[Output]:
        """Apply rows, the Clocks between and after them, and benchmark points."""
        self._begin()
        outputs = super().apply_run(run, end_clock_ns, points)
        self._publish_if_due()
        return outputs

    def apply_frames(self, frames: Iterable[TickFrame]) -> list[Output]:
        """Apply frames that follow each other at once."""
        self._begin()
        outputs = super().apply_frames(frames)
        self._publish_if_due()
        return outputs

    def resume(self, head: EngineHead) -> None:
        """Take the head of a snapshot, whose counts are not of this process."""
        super().resume(head)
        self._before = None
        self._next_s = 0.0  # the rest of the state is there before the next record is

    def outcomes(self) -> Counter[str]:
        """Return what became of the rows that this process has applied; held ones are not in it."""
        if self._before is None:
            return Counter()
        counted = self._counted()
        counted.subtract(self._before)
        return counted

    def publish(self) -> None:
        """Put a new view in place; to be called by the thread that applies records."""
        began_s = elapsed_s()
        self.view = self._viewed()
        ended_s = elapsed_s()
        pause_s = min(max((ended_s - began_s) / SHARE, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
        self._next_s = ended_s + pause_s

    def _publish_if_due(self) -> None:
        if elapsed_s() >= self._next_s:
            self.publish()

    def _viewed(self) -> EngineView:
        return EngineView(
            listings=listing_views(self, self._shown),
            alerts=open_alerts(self),
            outcomes=self.outcomes(),
            clock_ns=self.clock_ns,
        )

    def _begin(self) -> None:
        """Take what is counted before the first row as not of this process."""
        if self._before is None:
            self._before = self._counted()

    def _counted(self) -> Counter[str]:
        counted = Counter({reason: self.counts[reason] for reason in REFUSED})
        held = sum(len(line.state.filter.held) for line in self.registry.lines)
        counted["accepted"] = self.counts["ticks"] - counted.total() - held
        return counted
