"""Send each item of the sources to its topic: ticks through the framer, headlines and rejects as they are."""

from __future__ import annotations

from collections.abc import Iterable

from agents.ingest.json_lines import LineItem
from agents.ingest.record_log import RecordLog
from agents.stages.observer import NOBODY, Observer
from streams.events import Headline, Reject, Status
from streams.prices.live import LiveFramer, Tick


class Router:
    """Publishes items in the order in which they came, and counts them."""

    def __init__(self, log: RecordLog, framer: LiveFramer, observer: Observer = NOBODY) -> None:
        self._log, self._framer, self._observer = log, framer, observer
        self.ticks = self.headlines = self.statuses = self.rejects = 0

    def route(self, items: Iterable[LineItem | Status], now_ns: int) -> None:
        """Accept items; `now_ns` is on the clock that the framer is cut by."""
        ticks: list[Tick] = []
        for item in items:
            if isinstance(item, Tick):
                ticks.append(item)
            elif isinstance(item, Headline):
                self.headlines += 1
                self._log.send_headline(item)
            elif isinstance(item, Status):
                self.statuses += self._framer.status(item)
            else:
                self.rejects += 1
                self._reject(item)
        self.ticks += len(ticks)
        self._framer.add(ticks, now_ns)

    def summary(self) -> str:
        """Return the counts as a person reads them."""
        halts = f", {self.statuses:,} halts and resumptions" if self.statuses else ""
        counts = f"{self.ticks:,} ticks, {self.headlines:,} headlines{halts}"
        return f"{counts}, {self.rejects:,} rejects"

    def _reject(self, reject: Reject) -> None:
        self._observer.made(reject)
        source = reject.detail.partition(":")[0]
        self._log.send_reject(reject, source)
