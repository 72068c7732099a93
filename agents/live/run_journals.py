"""What an embedded run has on disk: inputs, outputs, the checkpoint between them, what is set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.live.daily_journals import Days
from agents.live.past_inputs import decoded, fault_at, implausible_clocks, set_aside_in
from agents.stages.applying import Death
from streams.codec import Record, encode
from streams.errors import EngineFaultError
from streams.logs import logger
from streams.set_aside import SetAside

VERSION: Final = 2  # of the checkpoint; raise it with any change of what the stages keep

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
        for number, payload in self.inputs.read(start):
            yield decoded(payload, number)

    # -- checkpoints

    def newest(self) -> tuple[int, RunCheckpoint | None]:
        """Return how many outputs the newest checkpoint knows, and what it says where it can be used."""
        kept = self.outputs.last_checkpoint()
        return (kept[0], _checkpoint(kept[1])) if kept else (0, None)

    def save(self, checkpoint: RunCheckpoint) -> None:
        """Make all durable, and the checkpoint behind it."""
        self.inputs.checkpoint(b"")
        self.outputs.checkpoint(msgspec.msgpack.encode(checkpoint))

    def begin_day(self, now_ns: int, checkpoint: Callable[[], RunCheckpoint]) -> bool:
        """Begin the journals of a new day with a checkpoint, if it is time."""
        if not self._days.over(now_ns):
            return False
        state = msgspec.msgpack.encode(checkpoint())
        self.inputs, self.outputs = self._days.begin(now_ns, state)
        return True

    def close(self) -> None:
        """Let others open the journals."""
        self._days.close()

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


def _checkpoint(state: bytes) -> RunCheckpoint | None:
    try:
        found = msgspec.msgpack.decode(state, type=RunCheckpoint)
    except msgspec.DecodeError:
        return None
    return found if found.version == VERSION else None
