"""Writes the checkpoints of a worker's partitions while its loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from agents.machine.clock import elapsed_s
from agents.stages.observer import Observer
from agents.workers.faust_app import Faust
from agents.workers.partition import BegunCheckpoint, Delivery, OwnedPartition
from agents.workers.watchdog import give_up
from streams.logs import logger

log = logger(__name__)


class CheckpointWriter:
    """Begins checkpoints and brings them to their end, one at a time for each partition."""

    def __init__(
        self,
        app: Faust,
        table: Faust,
        partitions: Mapping[int, OwnedPartition],
        observer: Observer,
        check_owned: Callable[[], None],
    ) -> None:
        """`partitions`: those at work. `check_owned` ends the process where they may be another's."""
        self._app, self._table, self._partitions = app, table, partitions
        self._observer, self._check_owned = observer, check_owned
        self._under_way: set[asyncio.Task[None]] = set()  # asyncio itself holds a task only weakly

    def save(self, owned: OwnedPartition) -> None:
        """Begin a checkpoint of a partition; the caller's loop goes on while it is written."""
        self._check_owned()
        begun = owned.begin()
        log.debug(
            "checkpoint begun",
            partition=owned.tp.partition,
            offset=begun.offset,
            keys=len(begun.records),
            bytes=sum(len(value or b"") for _, value in begun.records),
            held=len(begun.held),
        )
        task = asyncio.ensure_future(self._write(owned, begun))
        self._under_way.add(task)
        task.add_done_callback(partial(self._finished, owned))

    def save_due(self) -> None:
        """Begin the checkpoints that waited for another one to end."""
        for owned in self._partitions.values():
            if owned.due():
                self.save(owned)

    async def _write(self, owned: OwnedPartition, begun: BegunCheckpoint) -> None:
        """Wait for what was sent, write the state, acknowledge the records: in this order."""
        await _delivered(begun.sent)
        topic = self._table.changelog_topic_name
        writes = [
            await self._app.producer.send(topic, key, value, owned.tp.partition, None, None)
            for key, value in begun.records
        ]
        await _delivered(writes)
        took_s = elapsed_s() - begun.cut_s
        self._observer.saved(took_s)
        ours = self._partitions.get(owned.tp.partition) is owned
        if ours:  # else it is for the next owner to say
            for event in begun.held:
                event.ack()
        log.debug(
            "checkpoint ended",
            partition=owned.tp.partition,
            offset=begun.offset,
            acknowledged=len(begun.held) if ours else 0,
            took_ms=round(took_s * 1e3),
        )

    def _finished(self, owned: OwnedPartition, task: asyncio.Task[None]) -> None:
        """End the process where a checkpoint failed: what it held would never be acknowledged."""
        self._under_way.discard(task)
        owned.finished()
        if task.cancelled():
            return
        if fault := task.exception():
            give_up(fault)
        self.save_due()


async def _delivered(deliveries: Iterable[Delivery]) -> None:
    for delivery in deliveries:
        await delivery
