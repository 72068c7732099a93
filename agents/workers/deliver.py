"""The deliver stage of a worker: each new state of an alert goes once to every sink.

An alert is delivered before the checkpoint says so: after a crash it may be delivered again, with the
same id, and is never lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from agents.delivery.dispatcher import Box
from agents.delivery.outbox import Waiting
from agents.delivery.sinks import Sink
from agents.stages.observer import NOBODY, Observer
from agents.workers.stage import Due, StageOutput
from streams.codec import encode_json
from streams.errors import CodecError
from streams.events import DAY_NS, Alert
from streams.logs import logger
from streams.messages import Header, from_message

BUCKETS: Final = 32  # of what was told: a checkpoint writes one, not all
KEPT_NS: Final = 8 * DAY_NS  # longer than the topic keeps anything but the newest state
WAITING: Final = "waiting"
_EMPTY: Final = msgspec.msgpack.encode([])
Told = dict[str, tuple[int, list[bytes]]]  # alert id -> newest updated_ns, digests of all told

log = logger(__name__)


class DeliverStage:
    """One partition of `alerts`; what waits in its box is in the state too, for the next owner."""

    def __init__(
        self, sinks: Iterable[Sink], box: Box | None = None, observer: Observer = NOBODY
    ) -> None:
        self._observer = observer
        self._sinks, self._box = (*sinks, *([box] if box else [])), box
        self._kept: list[bytes] = [_EMPTY] * BUCKETS  # of what waits, as the checkpoint has it
        self._waiting: list[Alert] = []
        self._told: list[Told] = [{} for _ in range(BUCKETS)]
        self._changed: set[int] = set()

    def process(self, value: bytes | None, headers: Iterable[Header] | None) -> Due:
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
        newest_ns, digests = self._told[bucket].get(alert.alert_id, (0, []))
        digest = hashlib.blake2b(encode_json(alert), digest_size=8).digest()
        named = {"alert_id": alert.alert_id, "transition": alert.transition}
        if digest in digests:
            log.debug(
                "alert not delivered", **named, why="a react worker repeated it after a crash"
            )
            return
        await asyncio.to_thread(self._tell, alert)
        log.debug("alert delivered", **named, sinks=len(self._sinks))
        self._observer.delivered(alert.updated_ns)
        newest_ns = max(newest_ns, alert.updated_ns)
        self._told[bucket][alert.alert_id] = newest_ns, [*digests, digest]
        self._changed.add(bucket)

    def dirty_state(self) -> dict[str, bytes | None]:
        """Return the buckets that have changed since the last call."""
        changed: dict[str, bytes | None] = {}
        for bucket in sorted(self._changed):
            told = self._told[bucket]
            oldest = max((ns for ns, _ in told.values()), default=0) - KEPT_NS
            self._told[bucket] = {key: value for key, value in told.items() if value[0] >= oldest}
            changed[f"told/{bucket}"] = msgspec.msgpack.encode(self._told[bucket])
        self._changed.clear()
        for bucket, body in enumerate(self._waiting_now()):
            if body != self._kept[bucket]:
                self._kept[bucket] = changed[f"{WAITING}/{bucket}"] = body
        return changed

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Take the state of a checkpoint; what waits in it is sent from here on."""
        waiting: list[Waiting] = []
        for key, body in state.items():
            kind, _, bucket = key.rpartition("/")
            if kind == WAITING:
                self._kept[int(bucket)] = body
                waiting += msgspec.msgpack.decode(body, type=list[Waiting])
            else:
                self._told[int(bucket)] = msgspec.msgpack.decode(body, type=Told)
        if self._box:
            self._box.resume(waiting)

    def _tell(self, alert: Alert) -> None:
        for sink in self._sinks:
            sink.tell(alert)

    def _waiting_now(self) -> list[bytes]:
        """Return what waits in the box, encoded, by bucket."""
        buckets: list[list[Waiting]] = [[] for _ in range(BUCKETS)]
        for each in self._box.unfinished() if self._box else ():
            buckets[_bucket(each.alert_id)].append(each)
        return [msgspec.msgpack.encode(bucket) for bucket in buckets]


def _bucket(alert_id: str) -> int:
    return zlib.crc32(alert_id.encode()) % BUCKETS
