"""A Faust app as it must be built to be exact on a real broker: every patch of Faust is in this file.

Six things differ from stock Faust 0.15.3, each by a few lines over private names that
tests/integration/test_faust_names.py holds on to. The reasons are in DESIGN section 6; the failures
were measured on a real broker, issue numbers are those of faust-streaming.

* `_ConsumerThread`: a fetch waits 20 ms for records instead of 1500 ms, for which Faust has no
  setting. With 1500 ms a single pause leaves a worker 1.1 s late for ever.
* `_stop_flow`: the flow of records is stopped when a rebalance is complete. Otherwise recovery
  resumes the streams before it has sought, and records are delivered from the wrong place: gaps,
  repeats, commits that stop for good (probably issue 596).
* `_Consumer.perform_seek`: a partition of which nothing is committed yet is read again from its
  beginning after a rebalance, as a committed one is from its offset. Faust leaves it where it was, so
  records that were on their way are lost.
* `_newest_of`: where a changelog is read back, the newer version of a value counts, not the later
  record. Changelog writes are not fenced: those of a worker that was frozen lie behind its successor's.
* `_Consumer.wait_first`: a message is handed to its stream without four tasks of its own, which are
  half of what a message costs.
* `LeanMonitor`: two integers instead of statistics of every message, which cost 5-10 us.

What is left of Faust is membership of the group, reading the changelog back, the agent's stream and
the worker's main. Without it there would be to write: an aiokafka consumer with a rebalance listener
(take and let go of partitions), reading one compacted partition to its end before the first record,
committing offsets and a main that ends on SIGTERM; some 150 lines and no private name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import faust
from faust.sensors.monitor import Monitor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP

from agents.broker.connection import Connection
from agents.workers.checkpoints import newer
from streams.topics import BIGGEST_CELL_BYTES, TABLE, prefixed

Faust = Any  # an object of Faust's: its own annotations are mostly Any or wrong

FETCH_WAIT_MS: Final = 20
FETCH_BYTES: Final = 262_144  # a partition: some 50 ms of work, so that the next fetch is not late
SESSION_S: Final = 10.0  # a dead worker's partitions are given away after this


class _ConsumerThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Faust) -> Faust:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - Faust has no setting for it
        return consumer


class PromptConsumer(Consumer):
    """Faust's consumer with a short fetch wait and no other change: the peer of tests/bench/kafka."""

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _Consumer(PromptConsumer):
    #: The first record of each partition that was begun without a committed offset.
    begun: Mapping[TP, int] = MappingProxyType({})

    async def wait_first(self, *coros: Faust, timeout: Faust = None) -> Faust:  # noqa: ASYNC109 - Faust's signature
        """Hand a message over without making four tasks of it, which is half of what it costs.

        Only the loop that drains the fetcher calls this: for a message, or until the flow is
        stopped. Where nothing can hold the message up, it is over at once.
        """
        flowing = self.flow_active and self.app.flow_control.is_active()
        if len(coros) != 2 or not flowing or self.suspend_flow.is_set():
            return await super().wait_first(*coros, timeout=timeout)
        coros[1].close()
        return await coros[0]

    async def perform_seek(self) -> None:
        await super().perform_seek()
        changelogs = self.app.tables.changelog_topics
        fresh = [
            tp
            for tp in self.assignment()
            if self._committed_offset.get(tp) is None and tp.topic not in changelogs
        ]
        self.begun = await self.earliest_offsets(*fresh) if fresh else {}
        for tp, offset in self.begun.items():
            await self.seek(tp, offset)


class WorkerTransport(Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = _Consumer


class LeanMonitor(Monitor):
    """Faust's monitor without its statistics, which cost 5-10 us a message."""

    def on_message_in(self, *_: object) -> None:
        """Keep nothing."""

    def on_message_out(self, *_: object) -> None:
        """Keep nothing."""

    def on_stream_event_in(self, *_: object) -> None:
        """Count the message."""
        self.messages_received_total += 1

    def on_stream_event_out(self, *_: object) -> None:
        """Keep nothing."""

    def on_send_initiated(self, *_: object, **__: object) -> None:
        """Keep nothing."""

    def on_send_completed(self, *_: object) -> None:
        """Count the message."""
        self.messages_sent += 1


def make_app(
    broker: Connection, app_id: str, partitions: int, instance: str | None = None
) -> tuple[faust.App, Faust]:
    """Return an app and its one Table; `instance` is the worker's name over its restarts.

    A worker that comes back under its old name gets its partitions back without waiting for the
    end of its session.
    """
    app = faust.App(
        prefixed(broker.prefix, app_id),
        **broker.faust_options(),
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        topic_partitions=partitions,
        topic_disable_leader=True,
        topic_allow_declare=False,  # `newsquake topics create` makes them, changelogs too
        table_standby_replicas=0,
        broker_commit_interval=0.5,
        broker_commit_every=1000,
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=2.0,
        broker_rebalance_timeout=30.0,
        broker_max_poll_records=500,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance,
        producer_linger=0.0,
        producer_max_request_size=BIGGEST_CELL_BYTES,
        producer_compression_type="lz4",
        stream_buffer_maxsize=16384,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        processing_guarantee="at_least_once",
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    app.transport = WorkerTransport([*app.conf.broker], app)
    app.monitor = LeanMonitor()
    rebalanced: Faust = app.on_rebalance_complete
    rebalanced.connect(_stop_flow, weak=False)
    table: Faust = app.Table(TABLE, key_type=bytes, value_type=bytes, partitions=partitions)
    table.data.apply_changelog_batch = _newest_of(table.data)
    return app, table


async def _stop_flow(app: Faust, *_: object, **__: object) -> None:
    app.consumer.stop_flow()


def _newest_of(store: Faust) -> Callable[..., None]:
    """Return how a store takes changelog records in: of a key's values the newest version stays."""
    partitions = store._key_partition  # noqa: SLF001 - the store's own

    def apply(batch: Iterable[Any], *_: object, **__: object) -> None:
        for event in batch:
            key, value = event.message.key, event.message.value
            if value is None:
                store.data.pop(key, None)
                partitions.pop(key, None)
            elif newer(value, store.data.get(key)):
                store.data[key] = value
                partitions[key] = event.message.partition

    return apply


def stamp_ns(message: Faust) -> int:
    """Return the broker's stamp of a message, ns UTC: of its arrival (streams/topics.py)."""
    return int(message.timestamp * 1e3 + 0.5) * 1_000_000  # Faust has made seconds of milliseconds


def epoch_ns() -> int:
    """Return the wall time at which a partition is taken over, ns UTC."""
    return time.time_ns()
