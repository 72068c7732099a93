"""The shell of a deliver worker: there is work between records, for alerts are told until they are over."""

from __future__ import annotations

import asyncio
from typing import Any

from agents.delivery.dispatcher import Courier
from agents.workers.loop import Shell, give_up
from streams.messages import to_message


class DeliverShell(Shell):
    """A shell that takes up its partitions at once and brings dead letters to `rejects`."""

    def __init__(self, courier: Courier, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as Shell
        super().__init__(*args, **more)
        self._courier = courier

    async def attend(self) -> None:
        """Every second: take up what is ours, and bury what was given up."""
        while True:
            try:
                self._take_up()
                await self._bury()
            except Exception as fault:  # noqa: BLE001 - the boundary of the process: Faust would let the task end
                give_up(fault)
            await asyncio.sleep(1.0)

    def _take_up(self) -> None:
        """Restore the partitions that are ours before a record comes, once records would flow."""
        app, consumer = self._app, self._app.consumer
        if consumer is None or not consumer.flow_active or app.rebalancing:
            return
        if app.flow_control.is_active():
            for topic, partition in consumer.assignment():
                if topic == self._topic and partition not in self._shards:
                    self._shards[partition] = self._restored(partition)

    async def _bury(self) -> None:
        for letter in self._courier.dead_letters():
            value, headers = to_message(letter.reject)
            sent = await self._app.producer.send(
                self._rejects, letter.target.encode(), value, None, None, [*headers]
            )
            await sent
            self._observer.made(letter.reject)
            self._courier.taken(letter)

    async def _forget(self, *args: object, **more: object) -> None:
        self._courier.let_go()  # first: whoever has the partitions next begins at once
        await super()._forget(*args, **more)
