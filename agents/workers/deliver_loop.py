"""The loop of a deliver worker: there is work between records, for deliveries end when targets answer."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from agents.delivery.dispatcher import Dispatcher
from agents.workers.deliver import DeliverStage
from agents.workers.loop import Shell, give_up
from streams.messages import to_message

LOOK_S: Final = 1.0


class DeliverShell(Shell):
    """A shell that acquires its partitions at once and writes down what became of deliveries.

    A delivery that ends changes what is pending, so a checkpoint follows at once, without a record:
    what a crash repeats is what ended in the milliseconds until then. Dead letters go to `rejects`
    first: a state that was given up stays in the checkpoint until its dead letter is there.
    """

    def __init__(self, dispatcher: Dispatcher, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as Shell
        super().__init__(*args, **more)
        self._dispatcher = dispatcher

    async def attend(self) -> None:
        """Every second, and when deliveries end: acquire what is ours, write down what has ended."""
        settled = self._settled_event()
        while True:
            settled.clear()
            try:
                if self._flows():
                    self._take_up()
                await self._record_dead_letters()
                if self._flows():
                    self._save_deliveries()
            except Exception as fault:  # noqa: BLE001 - the boundary of the process: Faust would let the task end
                give_up(fault)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await settled.wait()

    def _settled_event(self) -> asyncio.Event:
        """Return an event that is set whenever deliveries have ended."""
        settled, loop = asyncio.Event(), asyncio.get_running_loop()

        def call() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the process does now
                loop.call_soon_threadsafe(settled.set)

        self._dispatcher.when_settled(call)
        return settled

    def _flows(self) -> bool:
        """Tell whether the partitions are ours beyond doubt: records flow, no rebalance is under way."""
        app, consumer = self._app, self._app.consumer
        if consumer is None or not consumer.flow_active or app.rebalancing:
            return False
        return bool(app.flow_control.is_active())

    def _take_up(self) -> None:
        """Restore the partitions that are ours before a record comes."""
        for topic, partition in self._app.consumer.assignment():
            if topic == self._topic and partition not in self._shards:
                self._shards[partition] = self._restored(partition)

    def _save_deliveries(self) -> None:
        """Begin a checkpoint of each partition of which deliveries have ended since its last one."""
        for shard in self._shards.values():
            if shard.waiting:  # a record is half applied: its own checkpoint is about to follow
                continue
            if isinstance(shard.stage, DeliverStage) and shard.stage.pending_changed():
                self._maybe_save(shard, must=True)

    async def _record_dead_letters(self) -> None:
        for letter in self._dispatcher.dead_letters():
            value, headers = to_message(letter.reject)
            sent = await self._app.producer.send(
                self._rejects, letter.target.encode(), value, None, None, [*headers]
            )
            await sent
            self._observer.made(letter.reject)
            self._dispatcher.forget(letter)

    async def _forget(self, *args: object, **more: object) -> None:
        self._dispatcher.release()  # first: whoever has the partitions next begins at once
        await super()._forget(*args, **more)
