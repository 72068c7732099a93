"""The deliver stage of a worker: each new state of an alert goes once to every sink.

An alert is delivered before the checkpoint says so: after a crash it may be delivered again, with the
same id, and is never lost. What is pending for targets over the network is in memory; its one durable
copy is the state `waiting/N` of the checkpoint. A record is acknowledged only after a checkpoint that
has its alert as pending or delivered, and a checkpoint follows when deliveries have ended
(agents/workers/deliver_loop.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from agents.delivery.earlier import alert_json
from agents.delivery.handover import PendingDelivery
from agents.delivery.partition_outbox import PartitionOutbox
from agents.delivery.sinks import Sink
from agents.stages.observer import NOBODY, Observer
from agents.workers.stage import Due, StageOutput
from streams.errors import CodecError
from streams.events import DAY_NS, NEVER_NS, Alert
from streams.logs import logger
from streams.messages import Header, from_message

BUCKETS: Final = 32  # of what was delivered: a checkpoint writes one, not all
KEPT_NS: Final = 8 * DAY_NS  # longer than the topic keeps anything but the newest state
PENDING: Final = "waiting"  # state keys, as checkpoints of earlier versions have them
DELIVERED: Final = "told"
_EMPTY: Final = msgspec.msgpack.encode([])
Digests = dict[str, tuple[int, list[bytes]]]  # alert id -> newest updated_ns, digests of all states

log = logger(__name__)


class DeliverStage:
    """One partition of `alerts`; what is pending in its outbox is its state, for the next owner."""

    def __init__(
        self,
        sinks: Iterable[Sink],
        outbox: PartitionOutbox | None = None,
        observer: Observer = NOBODY,
    ) -> None:
        self._observer = observer
        self._sinks, self._outbox = (*sinks, *([outbox] if outbox else [])), outbox
        self._kept: list[bytes] = [_EMPTY] * BUCKETS  # of what is pending, as the checkpoint has it
        self._waiting: list[Alert] = []
        self._delivered: list[Digests] = [{} for _ in range(BUCKETS)]
        self._changed: set[int] = set()

    def process(
        self,
        value: bytes | None,
        headers: Iterable[Header] | None,
        stamp_ns: int = NEVER_NS,  # noqa: ARG002 - of Clocks that count
    ) -> Due:
        """Take a record of `alerts` in. CodecError: it is none."""
        record = from_message(value, headers, Alert)
        if not isinstance(record, Alert):
            raise CodecError(f"a {type(record).__name__} does not belong here")
        self._waiting.append(record)
        return Due.final_checkpoint  # alerts are rare, and no Clock comes by here

    async def flush(self) -> list[StageOutput]:
        """Send what was not sent before to every sink; no record goes on from here."""
        waiting, self._waiting = self._waiting, []
        for alert in waiting:
            await self._deliver(alert)
        return []

    async def _deliver(self, alert: Alert) -> None:
        bucket = _bucket(alert.alert_id)
        newest_ns, digests = self._delivered[bucket].get(alert.alert_id, (0, []))
        digest = hashlib.blake2b(alert_json(alert), digest_size=8).digest()
        named = {"alert": alert.alert_id, "transition": alert.transition}
        if digest in digests:
            log.debug("alert not told", **named, why="a react worker repeated it after a crash")
            return
        await asyncio.to_thread(self._to_sinks, alert)
        log.debug("alert told", **named, sinks=len(self._sinks))
        self._observer.delivered(alert.updated_ns)
        newest_ns = max(newest_ns, alert.updated_ns)
        self._delivered[bucket][alert.alert_id] = newest_ns, [*digests, digest]
        self._changed.add(bucket)

    def dirty_state(self) -> dict[str, bytes | None]:
        """Return the buckets that have changed since the last call."""
        changed: dict[str, bytes | None] = {}
        for bucket in sorted(self._changed):
            digests = self._delivered[bucket]
            oldest = max((ns for ns, _ in digests.values()), default=0) - KEPT_NS
            kept = {key: value for key, value in digests.items() if value[0] >= oldest}
            self._delivered[bucket] = kept
            changed[f"{DELIVERED}/{bucket}"] = msgspec.msgpack.encode(kept)
        self._changed.clear()
        for bucket, body in enumerate(self._pending_now()):
            if body != self._kept[bucket]:
                self._kept[bucket] = changed[f"{PENDING}/{bucket}"] = body
        return changed

    def pending_changed(self) -> bool:
        """Tell whether deliveries have ended since the last checkpoint."""
        return self._pending_now() != self._kept

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Take the state of a checkpoint; what is pending in it is sent from here on."""
        pending: list[PendingDelivery] = []
        for key, body in state.items():
            kind, _, bucket = key.rpartition("/")
            if kind == PENDING:
                self._kept[int(bucket)] = body
                pending += msgspec.msgpack.decode(body, type=list[PendingDelivery])
            else:
                self._delivered[int(bucket)] = msgspec.msgpack.decode(body, type=Digests)
        if self._outbox:
            self._outbox.restore(pending)

    def _to_sinks(self, alert: Alert) -> None:
        for sink in self._sinks:
            sink.deliver(alert)

    def _pending_now(self) -> list[bytes]:
        """Return what is pending in the outbox, encoded, by bucket."""
        buckets: list[list[PendingDelivery]] = [[] for _ in range(BUCKETS)]
        for each in self._outbox.pending() if self._outbox else ():
            buckets[_bucket(each.alert_id)].append(each)
        return [msgspec.msgpack.encode(bucket) for bucket in buckets]


def _bucket(alert_id: str) -> int:
    return zlib.crc32(alert_id.encode()) % BUCKETS
