"""The outputs of an embedded run as they leave: delivered, kept in the journal, shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from agents.delivery.sinks import Sink
from agents.live.run_journals import RunJournals
from agents.stages.observer import Observer
from streams.codec import Record, encode
from streams.events import Alert


class OutputStore(Protocol):
    """Where the outputs are shown to people (agents/web/sink.py); none of it may raise."""

    def add(self, record: Record) -> None:
        """Take an output in; the same one may come again after a crash."""

    def commit(self) -> None:
        """Show what was added."""


class KeptOutputs:
    """Each output goes to the journal, and to the sinks if it did not in an earlier run."""

    def __init__(
        self,
        journals: RunJournals,
        sinks: Sequence[Sink],
        store: OutputStore | None,
        observer: Observer,
    ) -> None:
        self._journals, self._sinks = journals, tuple(sinks)
        self._store, self._observer = store, observer
        self._delivered = 0  # so many of the journal's have been
        self.alerts = 0

    @property
    def count(self) -> int:
        """Return how many are kept."""
        return self._journals.outputs.next_offset

    @property
    def next_is_new(self) -> bool:
        """Tell whether the next one was not delivered before."""
        return self.count >= self._delivered

    def keep(self, outputs: Iterable[Record]) -> None:
        """Deliver and keep outputs; delivered first, for a repeat does less harm than a loss."""
        for output in outputs:
            new = self.next_is_new
            if new:
                self._observer.made(output)
            if isinstance(output, Alert):
                self.alerts += 1
                if not self._journals.told.was_told(output):
                    self._tell(output)
            self._journals.outputs.append(encode(output))
            if self._store:
                self._store.add(output)
        self._journals.outputs.flush()

    def _tell(self, alert: Alert) -> None:
        for sink in self._sinks:
            sink.deliver(alert)
        self._journals.told.add(alert)
        self._observer.delivered(alert.updated_ns)

    def go_back(self, count: int) -> None:
        """Drop all but the first `count`: those behind them come again, until `is_caught_up`."""
        self._delivered = self.count
        self._journals.told.begin_again()
        self._journals.outputs.truncate_to(count)

    def is_caught_up(self) -> None:
        """Note that whatever comes now was never there: fewer may have come again than there were."""
        self._delivered = min(self._delivered, self.count)

    def drop(self, count: int) -> None:
        """Drop all but the first `count`, which do not come again."""
        self._journals.outputs.truncate_to(count)

    def begin_day(self) -> None:
        """Note that the journal is a new one."""
        self._delivered = 0

    def show(self) -> None:
        """Show people what was kept."""
        if self._store:
            self._store.commit()
