"""Delivery to targets over the network, on a thread of its own: whoever tells it never waits for one.

A target that does not answer holds up nobody else. It is asked again after pauses that double, by
one request at a time, however many alerts wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from agents.delivery.endpoint import Answer
from agents.delivery.outbox import Buried, DeliveryQueue, Item, Waiting
from agents.delivery.target import Target
from agents.machine.clock import elapsed_s, now_ns
from agents.metrics.declared import ProcessMetrics
from streams.backoff import Backoff
from streams.codec import encode_json
from streams.events import SECOND_NS, Alert, Reject

LONGEST_NAP_S: Final = 30.0  # so that a clock that was set does not delay anything for long
RECORD_TEXT: Final = 2_000
AWAY: Final = 3  # failures in a row are no single alert's
FROZEN_S: Final = 8.0  # a worker that stood still so long may have lost its partitions
_POLL_S: Final = 0.02
Say = Callable[[str], None]

log = logging.getLogger(__name__)


class Courier:
    """All targets, their queue and the thread that serves them."""

    def __init__(
        self,
        queue: DeliveryQueue,
        targets: Iterable[Target],
        say: Say,
        *,
        sheet: ProcessMetrics | None = None,
        leased: bool = False,
    ) -> None:
        """`leased`: partitions may be lost while this process stands still."""
        self._queue, self._say, self._leased = queue, say, leased
        self.targets: Mapping[str, Target] = MappingProxyType({t.label: t for t in targets})
        self._sheet = sheet or ProcessMetrics()
        for label in self.targets:
            for outcome in ("told", "failed", "dead"):
                self._sheet.count("deliveries", label, outcome, by=0)
            self._sheet.show("delivery_seconds", label)
        self.left = 0
        self._loop = asyncio.new_event_loop()
        self._wake = {label: asyncio.Event() for label in self.targets}
        self._pulse_s = elapsed_s()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

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
        self._queue.close()

    def backlog(self, label: str | None = None) -> int:
        """Return how many states have not been told yet, to one target or to all."""
        labels = self.targets if label is None else (label,)
        return sum(self._queue.backlog(each) for each in labels)

    def box(self, partition: int = 0) -> Box:
        """Return where the alerts of a partition are brought."""
        return Box(self, self._queue, partition)

    def let_go(self) -> None:
        """Deliver nothing but what comes through boxes that are made from now on."""
        self._queue.let_go()

    def dead_letters(self) -> list[Buried]:
        """Return what was given up and is not where it belongs yet; `taken` forgets it."""
        return self._queue.buried()

    def taken(self, letter: Buried) -> None:
        """Forget a dead letter: it is where it belongs."""
        self._queue.taken(letter)

    def wake(self) -> None:
        """Have the thread look at the queue now."""
        for event in self._wake.values():
            self._loop.call_soon_threadsafe(event.set)

    # -- the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        tasks = [self._loop.create_task(self._serve(each)) for each in self.targets.values()]
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
                self._sheet.set("delivery_backlog", label, value=self._queue.backlog(label))
            await asyncio.sleep(1.0)

    async def _serve(self, target: Target) -> None:
        """Deliver to one target for as long as this process lives."""
        while True:
            try:
                await self._rounds(target)
            except Exception as fault:  # the boundary of the thread: nobody would be told any more
                log.critical("delivery to %s", target.label, exc_info=fault)
                await asyncio.sleep(target.patience.longest_s)

    async def _rounds(self, target: Target) -> None:
        failures, wake = 0, self._wake[target.label]
        while True:
            wake.clear()
            if self._leased and elapsed_s() - self._pulse_s > FROZEN_S:
                await asyncio.sleep(FROZEN_S)  # the shell ends this process now
            self._give_up(target)
            items = self._queue.due(target.label, now_ns(), 1 if failures else target.at_once)
            if not items:
                await self._until_due(target, wake)
                continue
            answers = await target.post(items)
            for item, answer in zip(items, answers, strict=True):
                self._settle(target, item, answer)
            failed = [answer for answer in answers if answer.kind == "failed"]
            if len(failed) < len(answers):
                self._healed(target, failures)
                failures = 0
            else:
                failures += 1
                await asyncio.sleep(self._pause_s(target, failures, failed[0]))

    def _healed(self, target: Target, failures: int) -> None:
        """Say that a target takes alerts again; what waited for it, and not for itself, is due."""
        if failures:
            self._say(f"{target.label} takes alerts again after {failures} failures")
        if failures >= AWAY:
            self._queue.hasten(target.label, now_ns())

    def _pause_s(self, target: Target, failures: int, answer: Answer) -> float:
        """Return how long a target that failed is left alone, and say so the first time."""
        wait_s = max(_doubled_s(target, failures), answer.wait_s)
        if failures == 1:
            why = f"{answer.reason}: {answer.detail}"
            self._say(f"{target.label} takes no alerts: {why}; next try in {wait_s:.1f} s")
        return wait_s

    def _settle(self, target: Target, item: Item, answer: Answer) -> None:
        """Note what became of one try."""
        at_ns = now_ns()
        if answer.kind == "failed":
            self._sheet.count("deliveries", target.label, "failed")
            wait_s = max(_doubled_s(target, item.tries + 1), answer.wait_s)
            self._queue.later(item, at_ns + int(wait_s * SECOND_NS), told=False)
            return
        if answer.kind == "refused":
            self._reject(target, item, "refused", answer.detail)
            return
        if not item.told:
            self._sheet.count("deliveries", target.label, "told")
            took_s = (at_ns - item.put_ns) / SECOND_NS
            self._sheet.observe("delivery_seconds", target.label, seconds=max(took_s, 0.0))
        again_s = target.again_s(item)
        if again_s is None:
            self._queue.over(item)
        else:
            self._queue.later(item, at_ns + int(again_s * SECOND_NS), told=True)

    def _give_up(self, target: Target) -> None:
        """End what has been tried for too long; what was told and is only told again ends quietly."""
        at_ns = now_ns()
        oldest_ns = at_ns - int(target.patience.gives_up_s * SECOND_NS)
        for item in self._queue.older_than(target.label, oldest_ns):
            if item.told:
                self._queue.over(item)
            else:
                age_h = (at_ns - item.put_ns) / SECOND_NS / 3600
                detail = f"not taken in {age_h:.1f} hours, {item.tries} tries of this state"
                self._reject(target, item, "undelivered", detail)

    def _reject(self, target: Target, item: Item, reason: str, detail: str) -> None:
        self._sheet.count("deliveries", target.label, "dead")
        alert = item.alert
        what = f"{target.label}: {alert.alert_id} {alert.transition}: {detail}"
        self._say(f"a dead letter: {reason}: {what}")
        reject = Reject(
            stage="deliver",
            reason=reason,
            detail=what,
            ts_ns=alert.updated_ns,
            record=encode_json(alert).decode("utf-8", "replace")[:RECORD_TEXT],
        )
        self._queue.bury(item.number, target.label, reject)

    async def _until_due(self, target: Target, wake: asyncio.Event) -> None:
        """Wait until something is to be sent, or something new has come."""
        due_ns = self._queue.next_due_ns(target.label)
        wait_s = LONGEST_NAP_S if due_ns is None else (due_ns - now_ns()) / SECOND_NS
        try:
            async with asyncio.timeout(min(max(wait_s, 0.0), LONGEST_NAP_S)):
                await wake.wait()
        except TimeoutError:
            pass


class Box:
    """Where the alerts of one partition are brought: a sink like any other, which waits for nobody."""

    def __init__(self, courier: Courier, queue: DeliveryQueue, partition: int) -> None:
        self._courier, self._queue, self._partition = courier, queue, partition
        self._term = queue.term

    def begin(self) -> None:
        """Deliver what waits for the partition, of an earlier process too."""
        self._queue.take_on(self._partition, self._term)
        self._courier.wake()

    def tell(self, alert: Alert) -> None:
        """Return once the alert is safely in the queue. OSError: the disk does not take it."""
        targets = self._courier.targets.items()
        wanted = {label: each.newest_only for label, each in targets if each.wants(alert)}
        self._queue.put(alert, wanted, self._partition, now_ns())
        self.begin()

    def unfinished(self) -> list[Waiting]:
        """Return what is to be handed to whoever has the partition next."""
        return self._queue.unfinished(self._partition)

    def resume(self, waiting: Iterable[Waiting]) -> None:
        """Take over from whoever had the partition before."""
        known = (each for each in waiting if each.target in self._courier.targets)
        self._queue.resume(self._partition, known, now_ns())
        self.begin()


def _doubled_s(target: Target, failures: int) -> float:
    """Return the pause after so many failures in a row: doubled with each, half of it by chance."""
    backoff = Backoff(target.patience.shortest_s, target.patience.longest_s)
    return backoff.jittered_s(failures - 1, random.random())  # noqa: S311 - to spread load
