"""The loop of a deliver worker: it has work between records, for alerts are sent until they are over."""

from __future__ import annotations

import asyncio

from agents.delivery.dispatcher import Courier
from agents.workers.loop import Task, Wiring, WorkerLoop
from agents.workers.watchdog import give_up
from streams.logs import logger
from streams.messages import to_message

log = logger(__name__)


class DeliverLoop(WorkerLoop):
    """A loop that takes its partitions before their first record, and brings dead letters to `rejects`."""

    def __init__(self, wiring: Wiring, courier: Courier) -> None:
        super().__init__(wiring)
        self._courier = courier

    def tasks(self) -> list[Task]:
        """Return the watchdog's task and the work between records."""
        return [*super().tasks(), self._attend]

    async def _attend(self) -> None:
        """Every second: take the partitions that are ours, and reject what is a dead letter."""
        while True:
            try:
                self._take_partitions()
                await self._reject_dead_letters()
            except Exception as fault:  # noqa: BLE001 - the boundary of the process: Faust would let the task end
                give_up(fault)
            await asyncio.sleep(1.0)

    def _take_partitions(self) -> None:
        """Restore the partitions that are ours before a record comes, once records would flow."""
        app, consumer = self._app, self._app.consumer
        if consumer is None or not consumer.flow_active or app.rebalancing:
            return
        if app.flow_control.is_active():
            for topic, partition in consumer.assignment():
                if topic == self._topic and partition not in self._partitions:
                    self._partitions[partition] = self._restored(partition)

    async def _reject_dead_letters(self) -> None:
        for letter in self._courier.dead_letters():
            value, headers = to_message(letter.reject)
            sent = await self._app.producer.send(
                self._rejects, letter.target.encode(), value, None, None, [*headers]
            )
            await sent
            self._observer.made(letter.reject)
            self._courier.taken(letter)
            log.debug("dead letter rejected", target=letter.target, reason=letter.reject.reason)

    async def _forget(self, *args: object, **more: object) -> None:
        self._courier.let_go()  # first: whoever has the partitions next begins at once
        await super()._forget(*args, **more)
