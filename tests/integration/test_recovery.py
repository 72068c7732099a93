"""How long a worker of 500 listings is away after kill -9 (DESIGN 10), and what it took up again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from agents.broker.reading import lag_of
from agents.dev.kafka import Account
from agents.stages.engine import save_engine
from streams.events import Clock
from streams.messages import Message, to_message
from streams.topics import ALERTS, MARKET, REACT
from tests.bench.kafka.ticks import engine_config, make_ticks, our_log
from tests.integration.broker import make_topics, read_topic
from tests.integration.conftest import wait_until
from tests.integration.worker_process import Worker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    # kafka-python leaves a socket behind where a client is closed while it connects once more.
    pytest.mark.usefixtures("refused_sockets"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LISTINGS, TICKS, FRAME = 500, 200_000, 100
LIMIT_S, SUPERVISED_LIMIT_S = 15.0, 6.0


@pytest.fixture
def worker(
    kafka: Account, prefix: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Worker]:
    make_topics(kafka.bootstrap, prefix, 1)
    engine = tmp_path / "engine.json"
    save_engine(engine_config(make_ticks(TICKS, LISTINGS, 5_000).names), engine)
    words = ("--engine", engine, *request.param)
    made = Worker(tmp_path / "worker.log", "react", kafka.bootstrap, prefix, *words)
    yield made
    made.end()


def publish(kafka: Account, market: str, sent: Sequence[tuple[bytes | None, Message]]) -> None:
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap, acks="all", compression_type="lz4", linger_ms=5
    )
    for key, message in sent:
        producer.send(market, message.value, key=key, partition=0, headers=list(message.headers))
    producer.flush(30)
    producer.close()


@pytest.mark.parametrize(
    ("worker", "limit_s"),
    [((), LIMIT_S), (("--instance", "recovering"), SUPERVISED_LIMIT_S)],
    indirect=["worker"],
    ids=["anonymous", "the same instance"],
)
def test_kill_to_caught_up(
    kafka: Account, admin: KafkaAdminClient, prefix: str, worker: Worker, limit_s: float
) -> None:
    market, group = f"{prefix}{MARKET}", f"{prefix}{REACT}"
    log = our_log(make_ticks(TICKS, LISTINGS, 5_000), FRAME)
    half = len(log.messages) // 2
    first = {name for name, at in log.crossings.items() if at < half}

    def checkpointed() -> bool:
        """A checkpoint needs a Clock a second after the last: send one, and look."""
        publish(kafka, market, [(None, to_message(Clock(ts_ns=1)))])
        lag = lag_of(admin, group, market, 1)
        return lag is not None and lag.done > half

    publish(kafka, market, list(zip(log.keys[:half], log.messages[:half], strict=True)))
    wait_until(lambda: first <= alerted(kafka, prefix), 60.0)
    wait_until(checkpointed, 60.0)
    worker.kill()
    died_s = time.monotonic()
    publish(kafka, market, list(zip(log.keys[half:], log.messages[half:], strict=True)))
    worker.start()
    wait_until(lambda: log.crossings.keys() <= alerted(kafka, prefix), 60.0)
    took_s = time.monotonic() - died_s
    print(f"kill -9 to caught up: {took_s:.1f} s")
    assert took_s < limit_s


def alerted(kafka: Account, prefix: str) -> set[str]:
    """Return the listings of all alerts so far."""
    got = read_topic(kafka.bootstrap, f"{prefix}{ALERTS}")
    return {alert.record.listing for alerts in got.values() for alert in alerts}
