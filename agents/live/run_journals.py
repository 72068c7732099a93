"""What an embedded run has on disk: inputs, outputs, the checkpoint between them, what is set aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.live.daily_journals import Days
from agents.live.past_inputs import UNREAD, decoded, fault_at, implausible_clocks, set_aside_in
from agents.live.told_alerts import ToldAlerts
from agents.stages.applying import Death
from streams.codec import Record, decode, encode
from streams.errors import EngineFaultError, JournalError, RecordError
from streams.events import Alert, Reject
from streams.journal import Journal
from streams.logs import logger
from streams.set_aside import SetAside

VERSION: Final = 1  # of the checkpoint; raise it with any change of what the stages keep

log = logger(__name__)


class RunCheckpoint(msgspec.Struct, frozen=True):
    """A checkpoint of a run: how many inputs are done, and the state of both stages after them."""

    version: int
    identity: str
    inputs: int
    engine: bytes
    scorer: bytes


class RunJournals:
    """The pair of journals of the day at work. JournalError: the disk does not take what is written."""

    def __init__(self, folder: Path, now_ns: int) -> None:
        """JournalError: another process has the folder, or it cannot be used."""
        self._days = Days(folder)
        self.inputs, self.outputs = self._days.newest(now_ns)
        self.told = self._told()
        self.aside: dict[int, SetAside] = {}  # inputs that are not to be done

    @property
    def path(self) -> Path:
        """Return the folder of the day at work."""
        return self._days.path

    def take_in(self, record: Record) -> None:
        """Keep an input, so that it survives this process."""
        self.inputs.append(encode(record))
        self.inputs.flush()

    def past_inputs(self, start: int) -> Iterator[Any]:
        """Yield the inputs from `start` on; `aside` holds which of them are set aside."""
        self.aside = set_aside_in(self.inputs, start)
        unread = 0
        for number, payload in self.inputs.read(start):
            record = decoded(payload, number)
            yield record
            unread += isinstance(record, Reject) and record.stage == UNREAD
        if unread:
            log.warning(
                "records of the inputs cannot be read: is another release's among them? Each is a "
                "reject and stays in the journal",
                records=unread,
                journal=str(self.inputs.path),
            )

    # -- checkpoints

    def newest(self) -> tuple[int, RunCheckpoint | None]:
        """Return how many outputs the newest checkpoint knows, and what it says.

        Where it cannot be used, the day is done again from where the day before has ended.
        """
        kept = self.outputs.last_checkpoint()
        found = _checkpoint(kept.state) if kept else None
        if kept and found:
            # Of the inputs that it knew some may be gone: what comes now takes their numbers.
            done = min(found.inputs, self.inputs.next_offset)
            return kept.next_offset, msgspec.structs.replace(found, inputs=done)
        if kept:
            log.warning("the state is of another version: the day is done again from its inputs")
        begun = _checkpoint(self._days.state_before() or b"")
        return 0, msgspec.structs.replace(begun, inputs=0) if begun else None

    def save(self, checkpoint: RunCheckpoint) -> None:
        """Make all durable, and the checkpoint behind it."""
        self.told.sync()
        self.inputs.checkpoint(b"")
        self.outputs.checkpoint(msgspec.msgpack.encode(checkpoint))

    def is_over(self, now_ns: int) -> bool:
        """Tell whether the day at work is past."""
        return self._days.over(now_ns)

    def begin_day(self, now_ns: int, checkpoint: RunCheckpoint) -> None:
        """Begin the journals of a new day with a checkpoint."""
        self.told.close()
        self.inputs, self.outputs = self._days.begin(now_ns, msgspec.msgpack.encode(checkpoint))
        self.told = self._told()

    def close(self) -> None:
        """Let others open the journals."""
        self.told.close()
        self._days.close()

    def _told(self) -> ToldAlerts:
        """Return what was told of the day; earlier releases told what is among the outputs."""
        try:
            told = ToldAlerts(self._days.path, self._days.before)
            if told.is_new:
                with suppress(JournalError):  # what cannot be read is said once it is needed
                    told.add_all(_alerts(self.outputs))
        except JournalError:
            self._days.close()
            raise
        return told

    # -- what is not done again

    def settle(self, death: Death | None, now_ns: int) -> None:
        """Set aside the input at which starts have died (`death`), and Clocks of no time."""
        kept, checkpoint = self.newest()
        done = checkpoint.inputs if checkpoint else 0
        if death and death.is_fault and done <= death.number < self.inputs.next_offset:
            if kept <= death.kept < self.outputs.next_offset:
                self.outputs.truncate_to(death.kept)  # what came of half of it
            self._set_aside(fault_at(self.inputs, death.number, death.said()))
        for aside in implausible_clocks(self.inputs, done, now_ns):
            self._set_aside(aside)

    def set_aside(self, fault: EngineFaultError) -> None:
        """Have an input left out from here on, over all restarts."""
        self._set_aside(fault_at(self.inputs, fault.number, fault.what), fault.__cause__)

    def _set_aside(self, aside: SetAside, cause: BaseException | None = None) -> None:
        self.take_in(aside)
        if aside.reject:
            log.critical(
                "record set aside",
                reason=aside.reject.reason,
                detail=aside.reject.detail,
                record=aside.reject.record,
                exc_info=cause,
            )


def _alerts(outputs: Journal) -> Iterator[Alert]:
    for _, payload in outputs.read():
        with suppress(RecordError):
            if isinstance(record := decode(payload), Alert):
                yield record


def _checkpoint(state: bytes) -> RunCheckpoint | None:
    try:
        found = msgspec.msgpack.decode(state, type=RunCheckpoint)
    except msgspec.DecodeError:
        return None
    return found if found.version == VERSION else None
