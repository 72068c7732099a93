"""A replay through Kafka gives what the local one gives, however it is spread."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaAdminClient

from agents.dev.kafka import Account
from tests.integration.broker import read_topic
from tests.integration.conftest import wait_until
from tests.integration.kafka_runs import KafkaRun, newest_alerts
from tests.running import demo_day, newsquake, nine_stocks, records, refusal, summary_of

pytestmark = [
    pytest.mark.slow,
    # kafka-python leaves a socket behind where a client is closed while it connects once more.
    pytest.mark.usefixtures("refused_sockets"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.mark.parametrize(("partitions", "workers"), [(4, 3), (8, 2)])
def test_the_alibaba_day(
    base: Path, tmp_path: Path, kafka: Account, partitions: int, workers: int
) -> None:
    whole, _ = demo_day(base)
    shape = ("--partitions", partitions, "--workers", workers)
    last = KafkaRun(whole / "replay", tmp_path / "out", kafka.bootstrap, *shape).finish()
    wanted = summary_of(whole)
    for name in (
        "output_sha256",
        "ticks",
        "headlines",
        "alerts",
        "late",
        "ineligible",
        "config_id",
    ):
        assert last[name] == wanted[name], name


@pytest.mark.parametrize(("partitions", "workers"), [(1, 1), (4, 2), (8, 3)])
def test_nine_stocks(
    shared_data: Path, base: Path, tmp_path: Path, kafka: Account, partitions: int, workers: int
) -> None:
    folder, whole = nine_stocks(base, shared_data)
    shape = ("--partitions", partitions, "--workers", workers)
    last = KafkaRun(folder, tmp_path / "out", kafka.bootstrap, *shape).finish()
    assert last["output_sha256"] == summary_of(whole)["output_sha256"]


def test_what_a_run_leaves(
    base: Path, tmp_path: Path, kafka: Account, admin: KafkaAdminClient
) -> None:
    """The result in OUT, and on the broker nothing, unless it is asked to."""
    whole, _ = demo_day(base)
    before = runs_on(admin)
    words = ("--keep-topics", "--partitions", 1)
    summary = KafkaRun(whole / "replay", tmp_path / "out", kafka.bootstrap, *words).finish()
    assert summary["output_sha256"] == summary_of(whole)["output_sha256"]
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {path.name for path in whole.iterdir()} - {"replay"} | {"workers"}

    (prefix,) = runs_on(admin) - before
    alerts = newest_alerts(read_topic(kafka.bootstrap, f"{prefix}newsquake.alerts"))
    final = {row["alert_id"]: row for row in records(whole, "alerts")}
    assert {
        key: json.loads(json.dumps(msgspec.to_builtins(record))) for key, record in alerts.items()
    } == final

    admin.delete_topics([name for name in admin.list_topics() if name.startswith(prefix)])


def test_a_run_removes_its_topics(
    base: Path, tmp_path: Path, kafka: Account, admin: KafkaAdminClient
) -> None:
    whole, _ = demo_day(base)
    before = runs_on(admin)
    words = ("--partitions", 1, "--frame", 7)
    last = KafkaRun(whole / "replay", tmp_path / "out", kafka.bootstrap, *words).finish()
    assert last["output_sha256"] == summary_of(whole)["output_sha256"]
    wait_until(lambda: runs_on(admin) <= before)


def runs_on(admin: KafkaAdminClient) -> set[str]:
    """Return the prefixes of the replays that have topics on the broker."""
    names = [name for name in admin.list_topics() if name.startswith("replay-")]
    return {name.partition("newsquake")[0] for name in names}


def test_a_broker_that_is_not_there_is_named(tmp_path: Path, base: Path) -> None:
    whole, _ = demo_day(base)
    words = ("--out", tmp_path / "out", "--broker", "kafka://127.0.0.1:1")
    done = newsquake("replay", whole / "replay", *words)
    assert done.returncode == 1
    assert "no Kafka broker answers at 127.0.0.1:1" in refusal(done)


@pytest.mark.parametrize("words", [("--workers", "0"), ("--partitions", "x"), ("--broker", "here")])
def test_wrong_words(tmp_path: Path, words: tuple[str, str]) -> None:
    done = newsquake("replay", tmp_path, "--out", tmp_path / "out", *words)
    assert done.returncode == 2
