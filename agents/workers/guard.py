"""The guard of a worker's stage: at which records it fails or hangs, told to the next owner."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from faust.types import TP

from agents.broker.connection import BrokerError, Connection
from agents.broker.writing import RawRecord, TopicWriter
from agents.stages.applying import HUNG_EXIT, ApplyingMark, Death, HangWatch
from agents.workers.asides import PartitionAsides, aside_of, changelog_record
from agents.workers.checkpoints import CheckpointIndex
from streams.errors import EngineFaultError, NewsquakeError
from streams.logs import logger
from streams.set_aside import fault_text

HUNG: Final = "the engine hung"

log = logger(__name__)


class StageGuard:
    """The guard of one partition; a context manager around what its stage applies."""

    def __init__(
        self,
        tp: TP,
        index: CheckpointIndex,
        asides: PartitionAsides,
        watch: WorkerWatch,
        mark: ApplyingMark | None = None,
    ) -> None:
        """`mark`: of the partition on this machine, where one can be kept."""
        self.asides = asides
        self._tp, self._index, self._watch, self._mark = tp, index, watch, mark
        self._first = self._last = -1
        self._message: Any = None

    def applying(self, first: int, last: int, message: Any = None) -> Self:  # noqa: ANN401 - Faust's
        """Return itself, for records `first` to `last` being applied; `message` is the last, if new."""
        self._first, self._last = first, last
        if message is not None:
            self._message = message
        return self

    def __enter__(self) -> None:
        """EngineFaultError: three starts in a row died at these records; they are not tried again."""
        if self._mark:
            self._refuse_deadly(self._mark.death)
            self._mark.begin(self._first, self._last + 1)
        self._watch.begin(self)

    def _refuse_deadly(self, death: Death | None) -> None:
        """Several records that died together are first applied one by one, so that the one becomes known."""
        if death is None or not death.is_fault:
            return
        last = death.stop - 1
        alone = death.number == last == self._first == self._last
        if alone or (death.number < last and death.number <= self._last and self._first <= last):
            raise EngineFaultError(last, death.said(), first=death.number)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raise EngineFaultError for what the stage has raised, its own words apart."""
        self._watch.end()
        if self._mark:
            self._mark.end()
        if isinstance(fault, Exception) and not isinstance(fault, NewsquakeError | MemoryError):
            raise EngineFaultError(self._last, fault_text(fault), first=self._first) from fault

    def note_of(self, fault: EngineFaultError) -> tuple[bytes, bytes]:
        """Return key and value of the note of a fault, for the changelog, and log it."""
        aside = aside_of(fault, self._tp.topic, self._tp.partition, self._message)
        log.critical(
            "record set aside" if aside.reject else "records to be applied one by one",
            reason=aside.reject.reason if aside.reject else fault.what,
            detail=aside.reject.detail if aside.reject else f"{aside.first} to {aside.last}",
            partition=self._tp.partition,
        )
        return changelog_record(self._tp.partition, self._index.epoch, aside)

    def note_of_hang(self) -> tuple[int, bytes, bytes]:
        """Return partition, key and value of the note of the records being applied."""
        fault = EngineFaultError(self._last, HUNG, first=self._first)
        return self._tp.partition, *self.note_of(fault)


def mark_of(home: Path, tp: TP) -> ApplyingMark | None:
    """Return the mark of a partition in this machine's folder for the broker; None: none can be kept."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return ApplyingMark(home / f"{tp.topic}-{tp.partition}.applying")
    except OSError as fault:
        log.warning("a record that ends the process cannot be known", why=str(fault))
        return None


class WorkerWatch:
    """Looks whether the stages of a worker come to their end; ends the process where one does not."""

    def __init__(self, broker: Connection, changelog: str) -> None:
        self._broker, self._changelog = broker, changelog
        self._guard: StageGuard | None = None
        self._watch = HangWatch(self._hung)

    def begin(self, guard: StageGuard) -> None:
        """Note that a stage is at work."""
        self._guard = guard
        self._watch.begin()

    def end(self) -> None:
        """Note that it is not any more."""
        self._watch.end()

    def _hung(self, place: str) -> NoReturn:
        """Write the note over a connection of this thread's own: the loop's goes round and round."""
        log.critical("the engine hangs; the next start applies the records one by one", at=place)
        with contextlib.suppress(BrokerError):
            if self._guard:
                self._write(*self._guard.note_of_hang())
        logging.shutdown()
        os._exit(HUNG_EXIT)

    def _write(self, partition: int, key: bytes, value: bytes) -> None:
        writer = TopicWriter(self._broker, lambda _: None)
        writer.send(self._changelog, RawRecord(partition, key, value, (), "a note of a hang"))
        writer.flush()
