"""What every exact worker does around its pure stage: hold, apply, send, checkpoint, acknowledge.

A partition's records are applied one after another and stay unacknowledged. On a Clock, a second
or more after the last time, what they have changed is written to the changelog, once all that came
of them is delivered; only then are they acknowledged. So whatever a crash takes is done again from
records that are still there, onto a state that knows how far it had come.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from faust.types import TP

from agents.machine.clock import elapsed_s
from agents.stages.observer import NOBODY, Observer
from agents.workers.checkpoints import Ledger, found
from agents.workers.faust_app import SESSION_S, Faust, epoch_ns
from agents.workers.partition import CHECKPOINT_S, Shard
from agents.workers.stage import Fed, Outgoing, Stage
from streams.errors import CodecError, StateError
from streams.events import Reject
from streams.messages import to_message

CHECKPOINT_SHARE: Final = 0.04  # of the time, at most, goes into checkpoints
LONGEST_WAIT_S: Final = 0.025  # of a record while more are coming
RECORD_TEXT: Final = 2_000
STUCK_S: Final = 90.0  # behind, without progress: Faust's consumers are known to die in silence
FROZEN_EXIT: Final = 75  # sysexits.h: a temporary failure; the supervisor starts us again

log = logging.getLogger(__name__)


class Shell:
    """The loop of one worker over the partitions it has been given."""

    def __init__(
        self,
        app: Faust,
        table: Faust,
        make_stage: Callable[[int], Stage],
        topic: str,
        rejects: str,
        *,
        compacted: bool = False,
        observer: Observer = NOBODY,
    ) -> None:
        """`compacted`: the topic's offsets have gaps by right."""
        self._compacted, self._observer = compacted, observer
        self._app, self._table, self._make_stage = app, table, make_stage
        self._topic, self._rejects = topic, rejects
        self._shards: dict[int, Shard] = {}
        self._beat_s = elapsed_s()
        self._waits_since_s: float | None = None  # the oldest record not yet applied
        app.on_partitions_assigned.connect(self._forget, weak=False)
        app.on_partitions_revoked.connect(self._forget, weak=False)

    @property
    def shards(self) -> Mapping[int, Shard]:
        """Return the partitions at work."""
        return self._shards

    async def run(self, stream: Faust) -> None:
        """Take in the records of a stream as long as it lasts."""
        async for event in stream.noack().events():
            shard = self._shard_of(event.message)
            if shard is None:
                continue
            if event.message.offset <= shard.ledger.base:
                event.ack()  # the state that we began with knows it; its owner died before saying so
                continue
            shard.held.append(event)
            fed = self._take(shard, event.message)
            if fed is not Fed.waits or self._nothing_follows(shard, event.message.tp):
                await self._settle_all()
            if fed in {Fed.clock, Fed.final}:
                self._maybe_save(shard, must=fed is Fed.final)
            self._save_what_must()

    async def beat(self) -> None:
        """Every second: note that the process runs, and end it where it does not get on."""
        progress, moved_s = None, elapsed_s()
        self._beat_s = elapsed_s()  # it may have taken long to start
        while True:
            self._check_frozen()
            self._beat_s = elapsed_s()
            now = self._progress()
            if now != progress or not self._behind():
                progress, moved_s = now, elapsed_s()
            if elapsed_s() - moved_s > STUCK_S:
                give_up(StateError(f"{self._topic}: behind, and no progress for {STUCK_S:.0f} s"))
            await asyncio.sleep(1.0)

    def _progress(self) -> tuple[int, ...]:
        """Return numbers of which one changes whenever something is done, recovery included."""
        recovery = self._app.tables.recovery
        read_back = sum(offset or 0 for offset in recovery.active_offsets.values())
        held = [len(shard.held) for shard in self._shards.values()]
        return (read_back, sum(shard.offset for shard in self._shards.values()), *held)

    def _behind(self) -> bool:
        """Tell whether there are records not taken in, or some are being read back."""
        consumer = self._app.consumer
        if consumer is None or self._app.rebalancing:
            return True
        ours = [TP(self._topic, shard.partition) for shard in self._shards.values()]
        behind = [
            (consumer.highwater(tp) or 0) > self._shards[tp.partition].offset + 1
            for tp in ours
            if tp in consumer.assignment()
        ]
        return any(behind)

    def _nothing_follows(self, shard: Shard, tp: TP) -> bool:
        """Tell whether what waits should be applied: it is the newest there is, or has waited enough.

        What the broker has beyond it will come at once, and costs less together.
        """
        at_s = elapsed_s()
        if self._waits_since_s is None:
            self._waits_since_s = at_s
        if at_s - self._waits_since_s > LONGEST_WAIT_S:
            return True
        if shard.offset + 1 >= shard.known_end:
            shard.known_end = self._app.consumer.highwater(tp) or 0
        return shard.offset + 1 >= shard.known_end

    # -- taking in

    def _shard_of(self, message: Faust) -> Shard | None:
        """Return the shard that takes a message; None for one from before a rebalance."""
        if message.generation_id != self._app.consumer_generation_id:
            return None
        shard = self._shards.get(message.partition)
        if shard is None:
            shard = self._shards[message.partition] = self._restored(message.partition)
        return shard

    def _restored(self, partition: int) -> Shard:
        began_s, stage = elapsed_s(), self._make_stage(partition)
        table, committed = self._table.data.data, self._committed(partition)
        kept = found(partition, table, committed)
        if kept is not None:
            stage.restore(kept[1])
        elif committed:
            raise StateError(
                f"{self._topic}/{partition}: records were acknowledged, but the state that followed "
                f"from them is not in {self._table.changelog_topic_name}. Start a new --prefix"
            )
        ledger = Ledger(partition, epoch_ns(), kept[0] if kept else None, table)
        took_ms = (elapsed_s() - began_s) * 1e3
        log.warning("partition %d from offset %d (%.0f ms)", partition, ledger.base + 1, took_ms)
        shard = Shard(partition, stage, ledger)
        if kept is None:  # so that a record missed at the very beginning is a gap, too
            shard.offset = self._app.consumer.begun.get(TP(self._topic, partition), 0) - 1
        return shard

    def _committed(self, partition: int) -> int:
        """Return the offset that this group has committed, 0 where it has not."""
        offsets = self._app.consumer._committed_offset  # noqa: SLF001 - Faust has no other way
        return offsets.get(TP(self._topic, partition)) or 0

    def _take(self, shard: Shard, message: Faust) -> Fed:
        """Take one message in."""
        if message.offset != shard.offset + 1 and not self._compacted:
            raise StateError(
                f"{self._topic}/{shard.partition}: record {message.offset} follows {shard.offset}. "
                "Were records deleted before they were read? Start a new --prefix"
            )
        shard.offset = message.offset
        shard.waiting += 1
        try:
            return shard.stage.feed(message.value, message.headers)
        except CodecError as fault:
            shard.rejected.append(self._reject(message, fault))
            return Fed.done

    def _reject(self, message: Faust, fault: CodecError) -> Outgoing:
        text = (message.value or b"").decode("utf-8", "replace")[:RECORD_TEXT]
        where = f"{self._topic}/{message.partition} offset {message.offset}: {fault.detail}"
        reject = Reject(stage="decode", reason=fault.reason, detail=where, ts_ns=None, record=text)
        return Outgoing(self._rejects, self._topic, reject)

    # -- sending

    async def _settle_all(self) -> None:
        self._waits_since_s = None
        for shard in [*self._shards.values()]:
            if not shard.waiting:
                continue
            rejected, shard.rejected = shard.rejected, []
            for outgoing in (*await shard.stage.settle(), *rejected):
                shard.sent.append(await self._send(shard, outgoing))
            shard.waiting = 0  # not before: until here the state lags behind the offset

    async def _send(self, shard: Shard, outgoing: Outgoing) -> Awaitable[Any]:
        self._observer.made(outgoing.record)
        value, headers = to_message(outgoing.record)
        delivery: Awaitable[Any] = await self._app.producer.send(
            outgoing.topic,
            outgoing.key.encode(),
            value,
            outgoing.partition,
            None,
            [*headers, shard.origin()],
        )
        return delivery

    # -- checkpoints

    def _maybe_save(self, shard: Shard, *, must: bool) -> None:
        """Begin a checkpoint, unless the last one was just now or is still under way."""
        if shard.saving is not None and not shard.saving.done():
            shard.must_save |= must
        elif must or elapsed_s() - shard.saved_s >= shard.pause_s:
            self._save(shard)

    def _save(self, shard: Shard) -> None:
        self._check_frozen()
        began_s = elapsed_s()
        records = shard.ledger.checkpoint(shard.offset, shard.stage.changes())
        shard.saved_s = elapsed_s()
        shard.pause_s = max(CHECKPOINT_S, (shard.saved_s - began_s) / CHECKPOINT_SHARE)
        held, shard.held = shard.held, []
        sent, shard.sent = shard.sent, []
        shard.must_save = False
        shard.saving = asyncio.ensure_future(self._finish(shard, records, held, sent))
        shard.saving.add_done_callback(self._finished)

    async def _finish(
        self,
        shard: Shard,
        records: list[tuple[bytes, bytes | None]],
        held: list[Any],
        sent: list[Awaitable[Any]],
    ) -> None:
        """Wait for what was sent, write the state, acknowledge the records: in this order."""
        await _delivered(sent)
        topic = self._table.changelog_topic_name
        writes = [
            await self._app.producer.send(topic, key, value, shard.partition, None, None)
            for key, value in records
        ]
        await _delivered(writes)
        self._observer.saved(elapsed_s() - shard.saved_s)
        if self._shards.get(shard.partition) is shard:  # else it is for its next owner to say
            for event in held:
                event.ack()

    def _finished(self, task: asyncio.Task[None]) -> None:
        """End the process where a checkpoint failed: what it held would never be acknowledged."""
        if task.cancelled():
            return
        if fault := task.exception():
            give_up(fault)
        self._save_what_must()

    def _save_what_must(self) -> None:
        """Begin the checkpoints that waited for another one to end.

        Never of a partition whose records are half applied: it would claim all of them.
        """
        for shard in self._shards.values():
            idle = shard.saving is None or shard.saving.done()
            if shard.must_save and idle and not shard.waiting:
                self._save(shard)

    # -- rebalances, freezes

    async def _forget(self, *_: object, **__: object) -> None:
        """Drop all working state: Faust goes back to the committed offset of every partition."""
        self._shards.clear()
        self._observer.released()

    def _check_frozen(self) -> None:
        """End the process if it was stopped for so long that others have its partitions now."""
        gap_s = elapsed_s() - self._beat_s
        if gap_s > SESSION_S * 0.8:
            log.error("stood still for %.1f s: starting again", gap_s)
            os._exit(FROZEN_EXIT)


async def _delivered(deliveries: Iterable[Awaitable[Any]]) -> None:
    for delivery in deliveries:
        await delivery


def give_up(fault: BaseException) -> None:
    """End the process at once, saying why: the supervisor starts it again from its checkpoint."""
    log.critical("%s: %s", type(fault).__name__, fault, exc_info=fault)
    logging.shutdown()
    os._exit(1)
