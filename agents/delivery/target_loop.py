"""The deliveries to one target, round after round, and what becomes of each.

A target that does not answer is asked again after pauses that double, by one request at a time,
however many alerts wait for it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

from agents.delivery.endpoint import DeliveryAnswer
from agents.delivery.outbox import Outbox, QueuedDelivery
from agents.delivery.target import Target
from agents.machine.clock import now_ns
from agents.metrics.declared import ProcessMetrics
from streams.backoff import Backoff
from streams.codec import encode_json
from streams.events import RECORD_CHARS, SECOND_NS, Reject
from streams.logs import logger

LONGEST_NAP_S: Final = 30.0  # so that a clock that was set does not delay anything for long

AWAY: Final = 3  # failures in a row are no single alert's
Say = Callable[[str], None]

log = logger(__name__)


class TargetLoop:
    """One target and the states that the outbox holds for it; runs on the dispatcher's loop."""

    def __init__(
        self,
        target: Target,
        outbox: Outbox,
        sheet: ProcessMetrics,
        say: Say,
        settled: Callable[[], None],
    ) -> None:
        """`settled` is called each time that states were delivered or given up."""
        self._target, self._outbox, self._sheet, self._say = target, outbox, sheet, say
        self._settled = settled
        self._failures = 0  # in a row
        self.notified = asyncio.Event()

    @property
    def label(self) -> str:
        """Return the target's name."""
        return self._target.label

    async def after_fault(self) -> None:
        """Wait as long as a target is ever left alone."""
        await asyncio.sleep(self._target.retry_policy.longest_s)

    async def round(self) -> None:
        """Send what is due, or wait until something is; after a failure wait longer each time."""
        self.notified.clear()
        self._give_up()
        at_once = 1 if self._failures else self._target.at_once
        items = self._outbox.due(self._target.label, now_ns(), at_once)
        if not items:
            await self._until_due()
            return
        answers = await self._target.post(items)
        for item, answer in zip(items, answers, strict=True):
            self._settle(item, answer)
        self._settled()
        failed = [answer for answer in answers if answer.kind == "failed"]
        if len(failed) < len(answers):
            self._healed()
        else:
            self._failures += 1
            await asyncio.sleep(self._pause_s(failed[0]))

    def _healed(self) -> None:
        """Say that the target takes alerts again; what waited for it, and not for itself, is due."""
        failures, self._failures = self._failures, 0
        if failures:
            self._say(f"{self._target.label} takes alerts again after {failures} failures")
        if failures >= AWAY:
            self._outbox.retry_now(self._target.label, now_ns())

    def _pause_s(self, answer: DeliveryAnswer) -> float:
        """Return how long a target that failed is left alone, and say so the first time."""
        wait_s = max(self._doubled_s(self._failures), answer.wait_s)
        if self._failures == 1:
            why = f"{answer.reason}: {answer.detail}"
            self._say(f"{self._target.label} takes no alerts: {why}; next try in {wait_s:.1f} s")
        return wait_s

    def _settle(self, item: QueuedDelivery, answer: DeliveryAnswer) -> None:
        """Note what became of one try."""
        match answer.kind:
            case "failed":
                self._failed(item, answer)
            case "refused":
                self._reject(item, "refused", answer.detail)
            case "delivered":
                self._delivered(item)

    def _failed(self, item: QueuedDelivery, answer: DeliveryAnswer) -> None:
        self._sheet.count("deliveries", self._target.label, "failed")
        wait_s = max(self._doubled_s(item.tries + 1), answer.wait_s)
        self._log("alert delivery failed", item, reason=answer.reason, retry_s=round(wait_s, 3))
        self._outbox.postpone(item, now_ns() + int(wait_s * SECOND_NS), delivered=False)

    def _delivered(self, item: QueuedDelivery) -> None:
        at_ns = now_ns()
        if not item.delivered:
            self._sheet.count("deliveries", self._target.label, "told")
            took_s = (at_ns - item.put_ns) / SECOND_NS
            self._sheet.observe("delivery_seconds", self._target.label, seconds=max(took_s, 0.0))
        again_s = self._target.again_s(item)
        self._log("alert delivered", item, again_s=again_s)
        if again_s is None:
            self._outbox.finish(item)
        else:
            self._outbox.postpone(item, at_ns + int(again_s * SECOND_NS), delivered=True)

    def _give_up(self) -> None:
        """End what has been tried for too long; what was delivered and is only sent again ends quietly."""
        at_ns = now_ns()
        oldest_ns = at_ns - int(self._target.retry_policy.gives_up_s * SECOND_NS)
        for item in self._outbox.older_than(self._target.label, oldest_ns):
            if item.delivered:
                self._log("alert not sent again: it is too old", item)
                self._outbox.finish(item)
            else:
                age_h = (at_ns - item.put_ns) / SECOND_NS / 3600
                detail = f"not taken in {age_h:.1f} hours, {item.tries} tries of this state"
                self._reject(item, "undelivered", detail)

    def _reject(self, item: QueuedDelivery, reason: str, detail: str) -> None:
        self._sheet.count("deliveries", self._target.label, "dead")
        alert = item.alert
        what = f"{self._target.label}: {alert.alert_id} {alert.transition}: {detail}"
        self._say(f"a dead letter: {reason}: {what}")
        self._log("alert dead-lettered", item, reason=reason, detail=detail)
        reject = Reject(
            stage="deliver",
            reason=reason,
            detail=what,
            ts_ns=alert.updated_ns,
            record=encode_json(alert).decode("utf-8", "replace")[:RECORD_CHARS],
        )
        self._outbox.dead_letter(item.number, self._target.label, reject)

    async def _until_due(self) -> None:
        """Wait until something is to be sent, or something new has come."""
        due_ns = self._outbox.next_due_ns(self._target.label)
        wait_s = LONGEST_NAP_S if due_ns is None else (due_ns - now_ns()) / SECOND_NS
        try:
            async with asyncio.timeout(min(max(wait_s, 0.0), LONGEST_NAP_S)):
                await self.notified.wait()
        except TimeoutError:
            pass

    def _doubled_s(self, failures: int) -> float:
        """Return the pause after so many failures in a row: doubled with each, half of it by chance."""
        policy = self._target.retry_policy
        backoff = Backoff(policy.shortest_s, policy.longest_s)
        return backoff.jittered_s(failures - 1, random.random())  # noqa: S311 - to spread load

    def _log(self, event: str, item: QueuedDelivery, **fields: object) -> None:
        alert = item.alert
        about = {"target": self._target.label, "alert": alert.alert_id, "delivery": item.id}
        log.debug(event, **about, transition=alert.transition, tries=item.tries, **fields)
