"""What the bench does to its broker and its processes: fill topics, start readers on one core."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import UnknownTopicOrPartitionError

from agents.broker.topics import create_topics
from streams.errors import NewsquakeError
from streams.events import Alert
from streams.messages import from_message
from streams.publisher import SETTINGS
from streams.topics import ALERTS, REJECTS, prefixed, topics
from tests.bench.kafka.ticks import Log

ROOT = Path(__file__).resolve().parents[3]
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
LAST_LINES = 15


# -- processes


def keep_off_the_readers_core() -> None:
    """Leave the last core to what is measured; the broker, a child, stays on ours."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, CORES[:-1])


@contextmanager
def reader(
    command: Sequence[str], stdout: int | IO[bytes], stderr: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process on the core that is kept for it; it is killed at the end of the block."""
    if CORES:
        os.sched_setaffinity(0, CORES[-1:])  # of this thread: a child begins with it
    try:
        child = subprocess.Popen(command, cwd=ROOT, stdout=stdout, stderr=stderr)
    finally:
        if CORES:
            os.sched_setaffinity(0, CORES)
            keep_off_the_readers_core()
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def python(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", module, *map(str, arguments)]


def ended(child: subprocess.Popen[bytes], what: str, console: Path) -> NewsquakeError:
    """Say how a process ended that should not have."""
    lines = console.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
    return NewsquakeError("\n".join([f"{what} ended with {child.returncode}", *lines]))


# -- topics


def fill(bootstrap: str, topic: str, log: Log) -> None:
    """Append a log to partition 0 of a topic, in batches such as our publisher's."""
    asyncio.run(_fill(bootstrap, topic, log))


async def _fill(bootstrap: str, topic: str, log: Log) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        compression_type=SETTINGS["compression_type"],
        max_batch_size=SETTINGS["batch_size"],
    )
    await producer.start()
    try:
        batch = producer.create_batch()
        for key, (value, headers) in zip(log.keys, log.messages, strict=True):
            while batch.append(key=key, value=value, timestamp=None, headers=[*headers]) is None:
                await producer.send_batch(batch, topic, partition=0)
                batch = producer.create_batch()
        await producer.send_batch(batch, topic, partition=0)
    finally:
        await producer.stop()  # when all is sent


@contextmanager
def run_of_topics(bootstrap: str, prefix: str) -> Iterator[None]:
    """Make all our topics under a prefix, with one partition; remove them at the end."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        report = create_topics(admin, bootstrap, 1, prefix)
        if not report.ok:
            raise NewsquakeError(f"topics {prefix}*: {report.topics}")
        yield
    finally:
        with suppress(UnknownTopicOrPartitionError):
            admin.delete_topics([topic.name for topic in topics(1, prefix)])
        admin.close()


@contextmanager
def plain_topic(bootstrap: str, name: str) -> Iterator[None]:
    """Make a topic of one partition; remove it at the end."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics({name: {"num_partitions": 1, "configs": {}}})
        admin.wait_for_topics([name])
        yield
    finally:
        with suppress(UnknownTopicOrPartitionError):
            admin.delete_topics([name])
        admin.close()


# -- what a worker puts out


class Outputs:
    """The alerts of one run, as they come: listing -> when the broker took it, in its ms."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.opened_ms: dict[str, int] = {}
        self._alerts = TopicPartition(prefixed(prefix, ALERTS), 0)
        self._rejects = TopicPartition(prefixed(prefix, REJECTS), 0)
        self._consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        self._consumer.assign([self._alerts])

    def poll(self, timeout_ms: int = 100) -> None:
        """Read what has come; the first record of an alert counts."""
        for record in self._consumer.poll(timeout_ms=timeout_ms).get(self._alerts, []):
            alert = from_message(record.value, record.headers, Alert)
            assert isinstance(alert, Alert)
            self.opened_ms.setdefault(alert.listing, record.timestamp)

    def check(self) -> None:
        """NewsquakeError: a record was refused, so that what was timed is not the work meant."""
        if rejects := self._consumer.end_offsets([self._rejects])[self._rejects]:
            raise NewsquakeError(f"{rejects} records were rejected")

    def close(self) -> None:
        self._consumer.close()
