"""The loop of a deliver worker: it has work between records, for deliveries end when targets answer.

Dispatcher (its thread) --settled--> DeliverLoop._attend, at once, or each second
                                       1. take partitions that are ours
                                       2. dead letters -> `rejects`, and only then forgotten
                                       3. checkpoint the partitions whose pending states changed
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from agents.delivery.dispatcher import Dispatcher
from agents.workers.deliver import DeliverStage
from agents.workers.loop import Task, Wiring, WorkerLoop
from agents.workers.watchdog import give_up
from streams.logs import logger
from streams.messages import to_message

LOOK_S: Final = 1.0

log = logger(__name__)


class DeliverLoop(WorkerLoop):
    """A loop that takes its partitions before their first record, and writes down how deliveries end.

    A delivery that ends changes what is pending, so a checkpoint follows at once, without a record:
    a crash repeats what ended in the milliseconds before. A state that was given up stays pending in
    the checkpoint until its dead letter is in `rejects`.
    """

    def __init__(self, wiring: Wiring, dispatcher: Dispatcher) -> None:
        super().__init__(wiring)
        self._dispatcher = dispatcher

    def tasks(self) -> list[Task]:
        """Return the watchdog's task and the work between records."""
        return [*super().tasks(), self._attend]

    async def _attend(self) -> None:
        """Every second, and when deliveries end: take partitions, reject dead letters, checkpoint."""
        settled = self._settled_event()
        while True:
            settled.clear()
            try:
                if self._flows():
                    self._take_partitions()
                await self._reject_dead_letters()
                if self._flows():
                    self._checkpoint_deliveries()
            except Exception as fault:  # noqa: BLE001 - the boundary of the process: Faust would let the task end
                give_up(fault)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await settled.wait()

    def _settled_event(self) -> asyncio.Event:
        """Return an event that is set whenever deliveries have ended."""
        settled, events = asyncio.Event(), asyncio.get_running_loop()

        def call() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the process does now
                events.call_soon_threadsafe(settled.set)

        self._dispatcher.when_settled(call)
        return settled

    def _flows(self) -> bool:
        """Tell whether records flow and no rebalance is under way: the partitions are ours."""
        app, consumer = self._app, self._app.consumer
        if consumer is None or not consumer.flow_active or app.rebalancing:
            return False
        return bool(app.flow_control.is_active())

    def _take_partitions(self) -> None:
        """Restore the partitions that are ours before a record comes."""
        for topic, partition in self._app.consumer.assignment():
            if topic == self._topic and partition not in self._partitions:
                self._partitions[partition] = self._restored(partition)

    def _checkpoint_deliveries(self) -> None:
        """Begin a checkpoint of each partition of which deliveries have ended since its last one."""
        for owned in self._partitions.values():
            if isinstance(owned.stage, DeliverStage) and owned.stage.pending_changed():
                owned.require_checkpoint()
        self._checkpoints.save_due()

    async def _reject_dead_letters(self) -> None:
        for letter in self._dispatcher.dead_letters():
            value, headers = to_message(letter.reject)
            sent = await self._app.producer.send(
                self._rejects, letter.target.encode(), value, None, None, [*headers]
            )
            await sent
            self._observer.made(letter.reject)
            self._dispatcher.forget(letter)
            log.debug("dead letter rejected", target=letter.target, reason=letter.reject.reason)

    async def _forget(self, *args: object, **more: object) -> None:
        self._dispatcher.release()  # first: whoever has the partitions next begins at once
        await super()._forget(*args, **more)
