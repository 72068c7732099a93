"""A broker of a test's own, to be frozen, stopped and started again; and what its topics hold."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from agents.broker import topics as topics_admin
from agents.dev import kafka as kafka_local
from agents.dev import servers
from streams.codec import Record
from streams.messages import from_message
from tests.integration.conftest import need_kafka, say


class Broker:
    """One node that keeps its folder and ports while its process comes and goes."""

    def __init__(self, server: servers.Server) -> None:
        self.account = msgspec.convert(server.account, kafka_local.Account)
        self.pid = server.process.pid
        words = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")
        self._command = [word.decode() for word in words if word]
        self._log = Path(server.folder) / "restarted.log"
        self._own: subprocess.Popen[bytes] | None = None

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self, number: int = signal.SIGTERM) -> None:
        os.kill(self.pid, number)
        if self._own:
            self._own.wait(30)
        else:
            os.waitpid(self.pid, 0)  # servers.py started it from this very process

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._own = subprocess.Popen(self._command, stdout=log, stderr=log)
        self.pid = self._own.pid
        kafka_local.await_ready(
            msgspec.to_builtins(self.account),
            lambda: self._own is not None and not self._own.poll(),
        )

    def end(self) -> None:
        if self._own and self._own.poll() is None:
            self._own.kill()
            self._own.wait(30)


@contextmanager
def own_broker(home: Path) -> Iterator[Broker]:
    need_kafka()
    with servers.running("kafka", home, say) as server:
        broker = Broker(server)
        try:
            yield broker
        finally:
            broker.end()


class Got(NamedTuple):
    """A message of a topic."""

    offset: int
    key: bytes | None
    record: Record
    headers: dict[str, bytes]
    timestamp_type: int


def make_topics(bootstrap: str, prefix: str, partitions: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        assert topics_admin.create_topics(admin, bootstrap, partitions, prefix).ok
    finally:
        admin.close()


def read_topic(bootstrap: str, topic: str) -> dict[int, list[Got]]:
    """Return all that each partition holds now."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        places = [TopicPartition(topic, n) for n in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        consumer.seek_to_beginning(*places)
        got: dict[int, list[Got]] = {place.partition: [] for place in places}
        while any(consumer.position(place) < ends[place] for place in places):
            for place, messages in consumer.poll(timeout_ms=200).items():
                got[place.partition] += map(_got, messages)
        return got
    finally:
        consumer.close()


def _got(message: Any) -> Got:
    record = from_message(message.value, message.headers, dict)
    kind = message.timestamp_type
    return Got(message.offset, message.key, record, dict(message.headers), kind)
