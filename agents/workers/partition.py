"""One partition while a worker owns it: what it holds unacknowledged, has sent, and when it checkpoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, NamedTuple

from faust.types import TP

from agents.machine.clock import elapsed_s
from agents.workers.checkpoints import CheckpointIndex
from agents.workers.faust_app import Faust, stamp_ns
from agents.workers.guard import StageGuard
from agents.workers.stage import Due, Stage, StageOutput
from streams.errors import EngineFaultError, RecordError, StateError
from streams.events import RECORD_CHARS, Reject
from streams.logs import logger
from streams.messages import Header

CHECKPOINT_S: Final = 1.0  # between two checkpoints at least
CHECKPOINT_SHARE: Final = 0.04  # of the time, at most, goes into checkpoints
ORIGIN: Final = "origin"  # header of an output: partition, epoch, offset, number
Delivery = Awaitable[Any]  # done once the broker has acknowledged a record
Send = Callable[[StageOutput, Header], Awaitable[Delivery]]

log = logger(__name__)


class BegunCheckpoint(NamedTuple):
    """A checkpoint that is cut and not yet written: done in the order of these fields."""

    sent: list[Delivery]  # outputs up to the cut, to be in Kafka first
    records: list[tuple[bytes, bytes | None]]  # of the changelog
    held: list[Any]  # events to acknowledge when all of that is in Kafka
    offset: int
    cut_s: float


class OwnedPartition:
    """One partition from its assignment to this worker until the next rebalance."""

    def __init__(
        self,
        tp: TP,
        stage: Stage,
        index: CheckpointIndex,
        rejects: str,
        *,
        begins_at: int | None,
        guard: StageGuard | None = None,
    ) -> None:
        """`rejects`: the topic of what cannot be read. `guard`: of a stage that may fail at a record.

        `begins_at`: the first offset where no state is known, so that a record missed at the very
        beginning is a gap, too; None: go on after the index's checkpoint.
        """
        self.tp, self.stage, self.index = tp, stage, index
        self.offset = (
            index.base if begins_at is None else begins_at - 1
        )  # of the last record taken in
        self._rejects, self._guard = rejects, guard
        self._held: list[Any] = []  # events not yet acknowledged
        self._sent: list[Delivery] = []  # since the last checkpoint
        self._rejected: list[StageOutput] = []  # not yet sent
        self._number = 0  # of outputs sent
        self._waiting = 0  # records taken in of which not all that comes is sent
        self._known_end = 0  # the log had at least so many records when last looked at
        self._saved_s = elapsed_s()
        self._pause_s = CHECKPOINT_S
        self._under_way = False  # a checkpoint is
        self._must = False  # checkpoint as soon as the one under way is done

    @property
    def held(self) -> int:
        """Return how many events are not acknowledged and in no checkpoint under way."""
        return len(self._held)

    # -- records

    def take(self, event: Faust, *, gaps: bool) -> Due:
        """Hold an event and give its record to the stage; one that cannot be used becomes a reject.

        StateError: records are missing before it, unless the topic has `gaps` by right (compaction).
        EngineFaultError: the stage failed, at this record or at one that waited for it.
        """
        message = event.message
        self._held.append(event)
        if message.offset != self.offset + 1 and not gaps:
            raise StateError(
                f"{self.tp.topic}/{self.tp.partition}: record {message.offset} follows {self.offset}. "
                "Were records deleted before they were read? Start a new --prefix"
            )
        self.offset = message.offset
        self._waiting += 1
        if self._guard and (reject := self._guard.asides.reject(message.offset)):
            self._rejected.append(StageOutput(self._rejects, self.tp.topic, reject))
            return Due.outputs
        try:
            with self._guarded(message):
                return self.stage.process(message.value, message.headers, stamp_ns(message))
        except RecordError as fault:
            self._rejected.append(self._reject(message, fault))
            return Due.outputs

    @property
    def alone(self) -> bool:
        """Tell whether what comes next is not to be applied together with what waits."""
        return self._guard is not None and self._guard.asides.alone(self.offset)

    def note_of(self, fault: EngineFaultError) -> tuple[bytes, bytes]:
        """Return key and value of the note of a fault, for the changelog."""
        assert self._guard is not None
        return self._guard.note_of(fault)

    def _guarded(self, message: Faust = None) -> AbstractContextManager[None]:
        if self._guard is None:
            return nullcontext()
        return self._guard.applying(self.offset - self._waiting + 1, self.offset, message)

    def _reject(self, message: Faust, fault: RecordError) -> StageOutput:
        text = (message.value or b"").decode("utf-8", "replace")[:RECORD_CHARS]
        where = f"{self.tp.topic}/{message.partition} offset {message.offset}: {fault.detail}"
        log.debug(
            "record rejected",
            topic=self.tp.topic,
            partition=message.partition,
            offset=message.offset,
            reason=fault.reason,
            detail=fault.detail,
        )
        reject = Reject(stage="decode", reason=fault.reason, detail=where, ts_ns=None, record=text)
        return StageOutput(self._rejects, self.tp.topic, reject)

    def at_end(self, highwater: Callable[[TP], int | None]) -> bool:
        """Tell whether no record is known beyond the last one taken in; asks only where it must."""
        if self.offset + 1 >= self._known_end:
            self._known_end = highwater(self.tp) or 0
        return self.offset + 1 >= self._known_end

    async def flush(self, send: Send) -> None:
        """Apply what waits and send what came of it, each output with its origin.

        EngineFaultError: the stage failed at one of the records that waited.
        """
        if not self._waiting:
            return
        rejected, self._rejected = self._rejected, []
        with self._guarded():
            outputs = await self.stage.flush()
        for output in (*outputs, *rejected):
            self._sent.append(await send(output, self._origin()))
        self._waiting = 0  # not before: until here the state lags behind the offset

    def _origin(self) -> Header:
        """Return the header that says where the next output comes from (`replay/kafka/collect.py`)."""
        self._number += 1
        origin = (self.tp.partition, self.index.epoch, self.offset, self._number)
        return ORIGIN, ":".join(map(str, origin)).encode()

    # -- checkpoints

    def require_checkpoint(self) -> None:
        """Have a checkpoint begin as soon as the one under way is done."""
        self._must = True

    def due(self, *, at_clock: bool = False) -> bool:
        """Tell whether a checkpoint should begin; `at_clock`: a Clock has just been applied.

        Never while another is under way, nor while records are half applied: it would claim them.
        """
        if self._under_way or self._waiting:
            return False
        return self._must or (at_clock and elapsed_s() - self._saved_s >= self._pause_s)

    def begin(self) -> BegunCheckpoint:
        """Cut a checkpoint: what the records so far have changed, and what must be done with it."""
        began_s = elapsed_s()
        records = self.index.checkpoint(self.offset, self.stage.dirty_state())
        self._saved_s = elapsed_s()
        self._pause_s = max(CHECKPOINT_S, (self._saved_s - began_s) / CHECKPOINT_SHARE)
        begun = BegunCheckpoint(self._sent, records, self._held, self.offset, self._saved_s)
        self._sent, self._held = [], []
        self._must, self._under_way = False, True
        return begun

    def finished(self) -> None:
        """Note that the checkpoint under way has come to its end."""
        self._under_way = False
