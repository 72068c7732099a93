"""Whatever dies, freezes, joins or leaves while a replay runs through Kafka: the same bytes come out."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from agents.dev.kafka import Account
from agents.replay.kafka.backend import RUN_FILE
from streams.topics import ALERTS, topics
from tests.integration.broker import own_broker, read_topic
from tests.integration.conftest import wait_until
from tests.integration.kafka_runs import (
    Extra,
    KafkaRun,
    command_of,
    kill,
    live_until,
    newest_alerts,
)
from tests.running import demo_day, nine_stocks, records, summary_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    # kafka-python leaves a socket behind where a client is closed while it connects once more.
    pytest.mark.usefixtures("refused_sockets"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SEED = 20250924
KILLS = 20
REBALANCES = 10
SESSION_S = 10.0  # agents/workers/faust_app.py: what a freeze must outlast


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def begun() -> Iterator[list[KafkaRun | Extra]]:
    """End whatever a test has begun and a failure left running."""
    runs: list[KafkaRun | Extra] = []
    yield runs
    for run in runs:
        run.end()


def test_twenty_kills_of_workers(
    shared_data: Path,
    base: Path,
    tmp_path: Path,
    kafka: Account,
    admin: KafkaAdminClient,
    begun: list[KafkaRun | Extra],
) -> None:
    folder, whole = nine_stocks(base, shared_data)
    shape = ("--partitions", 4, "--workers", 2, "--speed", 16_000, "--keep-topics")
    run = KafkaRun(folder, tmp_path / "out", kafka.bootstrap, *shape)
    begun.append(run)
    run.wait_until_busy(admin, 1)
    prefix, rng, kills = run.run.prefix, random.Random(SEED), 0
    while kills < KILLS:
        assert live_until(time.monotonic() + rng.uniform(0.0, 2.5), run), run.said()
        lag = run.lag(admin)
        if lag.done < lag.total and (pids := run.workers()):
            kills += kill(rng.choice(pids))
    last = run.finish()
    assert last["worker_restarts"] >= KILLS
    assert last["output_sha256"] == summary_of(whole)["output_sha256"]
    view = newest_alerts(read_topic(kafka.bootstrap, f"{prefix}{ALERTS}"))
    final = {row["alert_id"]: (row["state"], row["level_pct"]) for row in records(whole, "alerts")}
    assert {key: (alert.state, alert.level_pct) for key, alert in view.items()} == final
    admin.delete_topics([topic.name for topic in topics(4, prefix)])


def test_ten_rebalances(
    shared_data: Path,
    base: Path,
    tmp_path: Path,
    kafka: Account,
    admin: KafkaAdminClient,
    begun: list[KafkaRun | Extra],
) -> None:
    """Workers join and leave, each time while there is work."""
    folder, whole = nine_stocks(base, shared_data)
    shape = ("--partitions", 4, "--workers", 1, "--speed", 16_000)
    run = KafkaRun(folder, tmp_path / "out", kafka.bootstrap, *shape)
    begun.append(run)
    run.wait_until_busy(admin, 1)
    for number in range(REBALANCES // 2):
        extra = Extra(run, tmp_path / f"extra-{number}.log")
        begun.append(extra)
        wait_until(extra.joined)
        assert run.process.poll() is None, run.said()
        extra.leave()
    assert run.finish()["output_sha256"] == summary_of(whole)["output_sha256"]


def test_a_worker_frozen_past_its_session(
    shared_data: Path,
    base: Path,
    tmp_path: Path,
    kafka: Account,
    admin: KafkaAdminClient,
    begun: list[KafkaRun | Extra],
) -> None:
    """Another takes over, and what the frozen one writes when it goes on changes nothing."""
    folder, whole = nine_stocks(base, shared_data)
    shape = ("--partitions", 4, "--workers", 2, "--speed", 20_000)
    run = KafkaRun(folder, tmp_path / "out", kafka.bootstrap, *shape)
    begun.append(run)
    run.wait_until_busy(admin, 1)
    wait_until(lambda: run.all_at_work(2))
    frozen = random.Random(SEED).choice(run.workers())
    os.kill(frozen, signal.SIGSTOP)
    assert live_until(time.monotonic() + SESSION_S + 4.0, run), run.said()
    os.kill(frozen, signal.SIGCONT)
    last = run.finish()
    assert last["worker_restarts"] >= 1  # it saw for itself that it had stood still
    assert last["output_sha256"] == summary_of(whole)["output_sha256"]


def test_the_replay_itself_is_killed(
    base: Path,
    tmp_path: Path,
    kafka: Account,
    admin: KafkaAdminClient,
    begun: list[KafkaRun | Extra],
) -> None:
    """The one that publishes and collects: the next run goes on with the same topics."""
    whole, _ = demo_day(base)
    shape = ("--partitions", 2, "--workers", 1)
    prefixes, rng = set(), random.Random(SEED)
    for speed in (4_000, 5_000):
        words = (*shape, "--speed", speed)
        run = KafkaRun(whole / "replay", tmp_path / "out", kafka.bootstrap, *words)
        begun.append(run)
        run.wait_until_busy(admin, 1)
        assert live_until(time.monotonic() + rng.uniform(2.5, 4.5), run), run.said()
        prefixes.add(run.run.prefix)
        workers = run.workers()
        run.process.kill()
        run.process.communicate()
        for pid in workers:  # each is gone with its leash
            wait_until(lambda pid=pid: not command_of(pid))
    last = KafkaRun(whole / "replay", tmp_path / "out", kafka.bootstrap, *shape).finish()
    assert len(prefixes) == 1
    assert last["resumed"] is True
    assert last["output_sha256"] == summary_of(whole)["output_sha256"]
    assert not (tmp_path / "out" / RUN_FILE).exists()


def test_the_broker_is_away_for_half_a_minute(
    base: Path, tmp_path: Path, begun: list[KafkaRun | Extra]
) -> None:
    whole, _ = demo_day(base)
    with own_broker(tmp_path / "servers") as broker:
        words = ("--partitions", 2, "--workers", 2, "--speed", 2_000)
        run = KafkaRun(whole / "replay", tmp_path / "out", broker.account.bootstrap, *words)
        begun.append(run)
        admin = KafkaAdminClient(bootstrap_servers=broker.account.bootstrap)
        try:
            run.wait_until_busy(admin, 1)
        finally:
            admin.close()
        broker.stop()
        assert live_until(time.monotonic() + 30.0, run), run.said()
        broker.start()
        last = run.finish()
    assert last["output_sha256"] == summary_of(whole)["output_sha256"]
