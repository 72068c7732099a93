"""A real broker for the length of the test session, on free ports and in a folder of its own."""

from __future__ import annotations

import gc
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer

from agents.dev import alertmanager as alertmanager_local
from agents.dev import kafka as kafka_local
from agents.dev import prometheus as prometheus_local
from agents.dev import servers
from tests.conftest import required
from tests.delivery.receiver import Receiver, receiving
from tests.integration.alertmanager import Manager


def need_kafka() -> None:
    """Skip where Kafka cannot run here, saying why; fail where NEWSQUAKE_REQUIRE names kafka."""
    need("kafka", kafka_local.lacking())


def need_prometheus() -> None:
    """Skip, or fail, likewise where Prometheus is not installed."""
    need("prometheus", prometheus_local.lacking())


def need_alertmanager() -> None:
    """Skip, or fail, likewise where Alertmanager is not installed."""
    need("alertmanager", alertmanager_local.lacking())


def need(name: str, reason: str | None) -> None:
    if reason and name in required():
        pytest.fail(f"{reason} (NEWSQUAKE_REQUIRE names {name})")
    if reason:
        pytest.skip(reason)


def wait_until(true: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Look again and again until it is true; a test never sleeps for a fixed time."""
    deadline_s = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


@contextmanager
def producer(kafka: kafka_local.Account) -> Iterator[KafkaProducer]:
    sender = KafkaProducer(bootstrap_servers=kafka.bootstrap, max_block_ms=3000, linger_ms=5)
    try:
        yield sender
    finally:
        sender.close()


def say(text: str) -> None:
    print(text, file=sys.stderr)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_local.Account]:
    """Return the addresses of a broker that is this session's own."""
    need_kafka()
    with servers.running("kafka", tmp_path_factory.mktemp("servers"), say) as server:
        yield msgspec.convert(server.account, kafka_local.Account)


@pytest.fixture
def admin(kafka: kafka_local.Account) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    yield client
    client.close()


@pytest.fixture
def prefix() -> str:
    """Return what a test puts before the names of its topics, to have them for itself."""
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def refused_sockets() -> Iterator[None]:
    """Collect the sockets that kafka-python leaves behind where connections were refused.

    Here, in the test that ignores the warnings of it, and not in whichever comes later.
    """
    yield
    gc.collect()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def am(tmp_path: Path, receiver: Receiver) -> Iterator[Manager]:
    need_alertmanager()
    (tmp_path / "am").mkdir()
    made = Manager(tmp_path / "am", receiver)
    made.start()
    yield made
    made.stop()
