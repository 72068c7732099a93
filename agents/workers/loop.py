"""The loop of an exact worker around its pure stage: hold, apply, send, checkpoint, acknowledge.

    Kafka topic           one partition                                Kafka
    -----------           -------------                                -----
    record -------------> OwnedPartition.take     held, not acknowledged
                            Stage.process         frames and headlines wait for each other
    newest record, or ->  OwnedPartition.flush
    25 ms later             Stage.flush ---------------------------------> outputs, each with its origin
    Clock, a second or -> OwnedPartition.begin
    more after the last     Stage.dirty_state     cuts the checkpoint
                          CheckpointWriter        in this order:
                            1. wait until every output up to the cut is in Kafka
                            2. write what has changed, the manifest last -> changelog (checkpoints.py)
                            3. acknowledge the held records --------------> committed offset
    rebalance ----------> forget everything; of what comes back, restore the newest whole checkpoint

So whatever a crash takes is done again from records that are still there, onto a state that knows how
far it had come. New records are applied while a checkpoint is written. Why no Kafka transactions:
agents/workers/checkpoints.py.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple

from faust.types import TP

from agents.broker.connection import Connection
from agents.machine.clock import elapsed_s
from agents.machine.folders import home_of
from agents.stages.observer import NOBODY, Observer
from agents.workers.asides import PartitionAsides
from agents.workers.checkpoint_writer import CheckpointWriter
from agents.workers.checkpoints import CheckpointIndex, newest_whole
from agents.workers.faust_app import Faust, epoch_ns
from agents.workers.guard import StageGuard, WorkerWatch, mark_of
from agents.workers.partition import Delivery, OwnedPartition
from agents.workers.stage import Due, Stage, StageOutput
from agents.workers.watchdog import Watchdog
from streams.errors import EngineFaultError, StateError
from streams.logs import logger
from streams.messages import Header, to_message

LONGEST_WAIT_S: Final = 0.025  # of a record while more are coming
Task = Callable[[], Coroutine[Any, Any, None]]

log = logger(__name__)


class Wiring(NamedTuple):
    """What a loop is connected to."""

    app: Faust
    table: Faust
    make_stage: Callable[[int], Stage]  # for a partition
    topic: str
    rejects: str  # the topic of what cannot be used
    compacted: bool = False  # the offsets of `topic` have gaps by right
    observer: Observer = NOBODY
    broker: Connection | None = None  # where the stage is guarded: told of a hang by another thread


class WorkerLoop:
    """The loop of one worker over the partitions it has been given."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self._app, self._observer = wiring, wiring.app, wiring.observer
        self._topic, self._rejects = wiring.topic, wiring.rejects
        self._partitions: dict[int, OwnedPartition] = {}
        self._watchdog = Watchdog(self._app, self._topic, self._partitions)
        self._checkpoints = CheckpointWriter(
            self._app, wiring.table, self._partitions, self._observer, self._watchdog.check_frozen
        )
        changelog = wiring.table.changelog_topic_name
        self._watch = WorkerWatch(wiring.broker, changelog) if wiring.broker else None
        self._waits_since_s: float | None = None  # the oldest record not yet applied
        self._app.on_partitions_assigned.connect(self._forget, weak=False)
        self._app.on_partitions_revoked.connect(self._forget, weak=False)

    @property
    def partitions(self) -> Mapping[int, OwnedPartition]:
        """Return the partitions at work, by number."""
        return self._partitions

    def tasks(self) -> list[Task]:
        """Return what runs beside the loop as long as the worker lives."""
        return [self._watchdog.watch]

    async def run(self, stream: Faust) -> None:
        """Take in the records of a stream as long as it lasts."""
        async for event in stream.noack().events():
            owned = self._partition_of(event.message)
            if owned is None:
                continue
            if event.message.offset <= owned.index.base:
                event.ack()  # the state that we began with knows it; its owner died before saying so
                continue
            try:
                due = owned.take(event, gaps=self._wiring.compacted)
            except EngineFaultError as fault:
                await self._set_aside(owned, fault)
                raise
            if due is not Due.nothing or owned.alone or self._nothing_follows(owned):
                await self._flush_all()
            if due is Due.final_checkpoint:
                owned.require_checkpoint()
            if owned.due(at_clock=due in {Due.checkpoint, Due.final_checkpoint}):
                self._checkpoints.save(owned)
            self._checkpoints.save_due()

    def _nothing_follows(self, owned: OwnedPartition) -> bool:
        """Tell whether what waits should be applied: it is the newest there is, or has waited enough.

        What the broker has beyond it will come at once, and costs less together.
        """
        at_s = elapsed_s()
        if self._waits_since_s is None:
            self._waits_since_s = at_s
        if at_s - self._waits_since_s > LONGEST_WAIT_S:
            return True
        return owned.at_end(self._app.consumer.highwater)

    # -- partitions

    def _partition_of(self, message: Faust) -> OwnedPartition | None:
        """Return the partition that takes a message; None for a message from before a rebalance."""
        if message.generation_id != self._app.consumer_generation_id:
            return None
        owned = self._partitions.get(message.partition)
        if owned is None:
            owned = self._partitions[message.partition] = self._restored(message.partition)
        return owned

    def _restored(self, number: int) -> OwnedPartition:
        """Return a partition with the state of its newest whole checkpoint.

        StateError: records were acknowledged, and the state that followed from them is not there.
        """
        began_s, stage, tp = elapsed_s(), self._wiring.make_stage(number), TP(self._topic, number)
        table, committed = self._wiring.table.data.data, self._committed(tp)
        found = newest_whole(number, table, committed)
        if found is not None:
            stage.restore(found.state)
        elif committed:
            raise StateError(
                f"{self._topic}/{number}: records were acknowledged, but the state that followed "
                f"from them is not in {self._wiring.table.changelog_topic_name}. Start a new --prefix"
            )
        index = CheckpointIndex(number, epoch_ns(), found.manifest if found else None, table)
        begins_at = None if found else self._app.consumer.begun.get(tp, 0)
        log.warning(
            "partition taken",
            partition=number,
            from_offset=index.base + 1,
            took_ms=round((elapsed_s() - began_s) * 1e3),
        )
        guard = self._guard_of(number, index)
        return OwnedPartition(tp, stage, index, self._rejects, begins_at=begins_at, guard=guard)

    def _guard_of(self, number: int, index: CheckpointIndex) -> StageGuard | None:
        """Return the guard of a partition; None where a stage waits for others, and is not guarded."""
        if self._watch is None:
            return None
        asides = PartitionAsides(number, self._wiring.table.data.data)
        index.forget(asides.outlived(index.base))
        assert self._wiring.broker
        tp = TP(self._topic, number)
        mark = mark_of(home_of(self._wiring.broker.slug), tp)
        return StageGuard(tp, index, asides, self._watch, mark)

    def _committed(self, tp: TP) -> int:
        """Return the offset that this group has committed, 0 where it has not."""
        offsets = self._app.consumer._committed_offset  # noqa: SLF001 - Faust has no other way
        return offsets.get(tp) or 0

    async def _forget(self, *_: object, **__: object) -> None:
        """Drop all working state: Faust goes back to the committed offset of every partition."""
        if self._partitions:
            log.debug("partitions let go", partitions=sorted(self._partitions))
        self._partitions.clear()
        self._observer.released()

    # -- sending

    async def _flush_all(self) -> None:
        self._waits_since_s = None
        for owned in [*self._partitions.values()]:
            try:
                await owned.flush(self._send)
            except EngineFaultError as fault:
                await self._set_aside(owned, fault)
                raise

    async def _set_aside(self, owned: OwnedPartition, fault: EngineFaultError) -> None:
        """Leave a note of the records at which a stage failed, for whoever has the partition next."""
        number, topic = owned.tp.partition, self._wiring.table.changelog_topic_name
        key, value = owned.note_of(fault)
        await (await self._app.producer.send(topic, key, value, number, None, None))

    async def _send(self, output: StageOutput, origin: Header) -> Delivery:
        self._observer.made(output.record)
        value, headers = to_message(output.record)
        delivery: Delivery = await self._app.producer.send(
            output.topic, output.key.encode(), value, output.partition, None, [*headers, origin]
        )
        return delivery
