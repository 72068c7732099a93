"""Delivery to targets over the network, on a thread of its own: whoever puts an alert in waits for none.

alert -> PartitionOutbox.deliver -> Outbox (what is pending) -> TargetLoop, one a target -> Target.post
A target that does not answer holds up nobody else.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from agents.delivery.outbox import DeadLetter, Outbox
from agents.delivery.partition_outbox import PartitionOutbox
from agents.delivery.target import Target
from agents.delivery.target_loop import Say, TargetLoop
from agents.machine.clock import elapsed_s
from agents.metrics.declared import ProcessMetrics
from streams.logs import logger

FROZEN_S: Final = 8.0  # a worker that stood still so long may have lost its partitions
_POLL_S: Final = 0.02

log = logger(__name__)


class Dispatcher:
    """All targets, their outbox and the thread that serves them."""

    def __init__(
        self,
        outbox: Outbox,
        targets: Iterable[Target],
        say: Say,
        *,
        sheet: ProcessMetrics | None = None,
        leased: bool = False,
    ) -> None:
        """`leased`: partitions may be lost while this process stands still."""
        self._outbox, self._leased = outbox, leased
        self.targets: Mapping[str, Target] = MappingProxyType({t.label: t for t in targets})
        self._sheet = sheet or ProcessMetrics()
        for label in self.targets:
            for outcome in ("told", "failed", "dead"):
                self._sheet.count("deliveries", label, outcome, by=0)
            self._sheet.show("delivery_seconds", label)
        self.left = 0
        self._call: Callable[[], None] | None = None
        self._loops = [
            TargetLoop(each, outbox, self._sheet, say, self._settled)
            for each in self.targets.values()
        ]
        self._loop = asyncio.new_event_loop()
        self._pulse_s = elapsed_s()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._pulse_s = elapsed_s()
        self._thread.start()

    def close(self, limit_s: float = 0.0) -> None:
        """Deliver for so long at most, then stop; `left` is what has to wait for another time."""
        deadline_s = elapsed_s() + limit_s
        while self.backlog() and elapsed_s() < deadline_s:
            time.sleep(_POLL_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.left = self.backlog()
        self._outbox.close()

    def backlog(self, label: str | None = None) -> int:
        """Return how many states have not been delivered yet, to one target or to all."""
        labels = self.targets if label is None else (label,)
        return sum(self._outbox.backlog(each) for each in labels)

    def outbox_of(self, partition: int = 0) -> PartitionOutbox:
        """Return where the alerts of a partition are put."""
        return PartitionOutbox(self._outbox, self.targets, partition, self.notify)

    def release(self) -> None:
        """Deliver nothing but what comes through outboxes that are made from now on."""
        self._outbox.lease.release()

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was given up and is not recorded yet; `forget` drops it."""
        return self._outbox.dead_letters()

    def forget(self, letter: DeadLetter) -> None:
        """Drop a dead letter: it is recorded."""
        self._outbox.forget(letter)

    def notify(self) -> None:
        """Have the thread look at the outbox now."""
        for each in self._loops:
            self._loop.call_soon_threadsafe(each.notified.set)

    def when_settled(self, call: Callable[[], None]) -> None:
        """Have `call` called, on the dispatcher's thread, after deliveries have ended or failed."""
        self._call = call

    def _settled(self) -> None:
        if self._call:
            self._call()

    # -- the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        tasks = [self._loop.create_task(self._serve(each)) for each in self._loops]
        tasks.append(self._loop.create_task(self._pulse()))
        try:
            self._loop.run_forever()
        finally:
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    async def _pulse(self) -> None:
        while True:
            self._pulse_s = elapsed_s()
            for label in self.targets:
                self._sheet.set("delivery_backlog", label, value=self._outbox.backlog(label))
            await asyncio.sleep(1.0)

    async def _serve(self, each: TargetLoop) -> None:
        """Deliver to one target for as long as this process lives."""
        while True:
            if self._leased and elapsed_s() - self._pulse_s > FROZEN_S:
                await asyncio.sleep(FROZEN_S)  # the worker's loop ends this process now
            try:
                await each.round()
            except Exception:  # the boundary of the thread: nothing would be delivered any more
                log.critical("delivery broke off", target=each.label, exc_info=True)
                await each.after_fault()
