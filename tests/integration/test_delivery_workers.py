"""Deliver workers on a real broker: alerts are told until they are over, whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaAdminClient

from agents.broker.connection import Connection
from agents.delivery.handover import PendingDelivery
from agents.dev.kafka import Account
from agents.replay.kafka.collect import state_of
from agents.workers import checkpoints
from streams.events import Alert, Reject
from streams.topics import ALERTS, DELIVER, REJECTS, TABLE, changelog, prefixed
from tests.delivery.delivering import alert
from tests.delivery.receiver import Receiver, receiving
from tests.integration.broker import make_topics
from tests.integration.conftest import wait_until
from tests.integration.test_workers import caught_up, found, send
from tests.integration.worker_process import Worker
from tests.running import demo_day, records

PARTITIONS = 2
pytestmark = pytest.mark.slow


class Desk:
    """A receiver as an Alertmanager and another as a webhook, workers that deliver to both."""

    def __init__(
        self, kafka: Account, prefix: str, folder: Path, am: Receiver, hook: Receiver
    ) -> None:
        self.kafka, self.prefix, self.folder, self.am, self.hook = kafka, prefix, folder, am, hook
        self.config = folder / "newsquake.toml"
        self.config.write_text(
            f'[[alertmanagers]]\nname = "am"\nurl = "{am.url}"\n'
            f'[[webhooks]]\nname = "hook"\nurl = "{hook.url}"\nsecret_env = "HOOK_SECRET"\n'
        )
        self.workers: list[Worker] = []

    def worker(self, name: str) -> Worker:
        words = ("--config", self.config, "--instance", f"{self.prefix}{name}")
        log = self.folder / f"{name}.log"
        made = Worker(log, "deliver", self.kafka.bootstrap, self.prefix, *words)
        self.workers.append(made)
        return made

    def send(self, *alerts: Alert) -> None:
        places = [(int(each.alert_id[-1], 16) % PARTITIONS, each) for each in alerts]
        send(self.kafka, f"{self.prefix}{ALERTS}", [*places])

    def told(self) -> list[tuple[str, str]]:
        """Return what the webhook has taken: alert and transition, in order."""
        taken = [got.json["alert"] for got in self.hook.taken()]
        return [(each["alert_id"], each["transition"]) for each in taken]

    def remembered(self) -> tuple[int, list[PendingDelivery]]:
        """Return how many records the newest checkpoints know, and what they have as pending."""
        app = prefixed(self.prefix, DELIVER)
        broker = Connection(servers=(self.kafka.bootstrap,))
        table = state_of(broker, changelog(app, TABLE, PARTITIONS).name)
        records, waiting = 0, list[PendingDelivery]()
        for partition in range(PARTITIONS):
            kept = checkpoints.newest_whole(partition, table)
            if kept is None:
                continue
            records += kept.manifest.versions[checkpoints.MANIFEST].offset + 1
            for cell, body in kept.state.items():
                if cell.startswith("waiting/"):
                    waiting += msgspec.msgpack.decode(body, type=list[PendingDelivery])
        return records, waiting

    def remembers(self, records: int) -> bool:
        """Tell whether so many records are remembered, each of them as told by the webhook."""
        known, pending = self.remembered()
        return known == records and not any(each.target == "hook" for each in pending)

    def shown(self, listing: str) -> list[str]:
        """Return the ends that Alertmanager was told of a listing's alert, in order."""
        posted = [each for got in self.am.got for each in got.json]
        return [each["endsAt"] for each in posted if each["labels"]["listing"] == listing]


@pytest.fixture
def desk(
    kafka: Account, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.setenv("HOOK_SECRET", "a secret of a test")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    make_topics(kafka.bootstrap, prefix, PARTITIONS)
    with receiving() as am, receiving() as hook:
        made = Desk(kafka, prefix, tmp_path, am, hook)
        yield made
        for worker in made.workers:
            worker.end()


def test_every_state_is_told_once_over_kills_and_repeats(
    desk: Desk, admin: KafkaAdminClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole, _ = demo_day(tmp_path_factory.mktemp("day"))
    day = [msgspec.convert(row, Alert) for row in records(whole, "alerts_log")]
    wanted = [(each.alert_id, each.transition) for each in day]
    half = len(day) // 2
    worker = desk.worker("deliver-1")
    desk.send(*day[:half])
    wait_until(lambda: len(desk.told()) >= half, 60.0)
    # What is told a moment before a kill is told again, with the same id; the rest is remembered.
    wait_until(lambda: caught_up(admin, desk.prefix, DELIVER, PARTITIONS), 60.0)
    wait_until(lambda: desk.remembers(half), 60.0)
    worker.kill()
    worker.start()
    desk.send(*day)
    wait_until(lambda: len(desk.told()) >= len(day), 60.0)
    wait_until(lambda: caught_up(admin, desk.prefix, DELIVER, PARTITIONS), 60.0)
    for id_ in {each.alert_id for each in day}:
        assert [t for t in desk.told() if t[0] == id_] == [t for t in wanted if t[0] == id_]
    assert {got.headers["webhook-id"] for got in desk.hook.got} == {
        got.headers["webhook-id"] for got in desk.hook.taken()
    }


def test_an_open_alert_is_told_again_by_whoever_has_its_partition_without_any_record(
    desk: Desk, admin: KafkaAdminClient
) -> None:
    desk.hook.answer = lambda got: 500 if got.json["alert"]["alert_id"] == "alert-1" else 200
    first = desk.worker("deliver-1")
    desk.send(alert(0), alert(1))
    wait_until(lambda: bool(desk.shown("L0.XHKG") and desk.shown("L1.XHKG")), 60.0)
    wait_until(lambda: caught_up(admin, desk.prefix, DELIVER, PARTITIONS), 60.0)
    first.kill()
    before = len(desk.am.got)
    desk.hook.answer = lambda _: 200
    desk.worker("deliver-2")  # another machine: a queue of its own, empty
    wait_until(lambda: len(desk.am.got) > before, 60.0)
    wait_until(lambda: len(desk.shown("L1.XHKG")) >= 2 <= len(desk.shown("L0.XHKG")), 60.0)
    wait_until(lambda: ("alert-1", "opened") in desk.told(), 60.0)


def test_a_dead_letter_is_in_rejects(desk: Desk) -> None:
    desk.hook.answer = lambda _: 410
    worker = desk.worker("deliver-1")
    desk.send(alert(0))
    topic = f"{desk.prefix}{REJECTS}"
    wait_until(lambda: bool(found(desk.kafka, topic)), 60.0)
    (reject,) = found(desk.kafka, topic)
    assert isinstance(reject, Reject)
    assert (reject.stage, reject.reason) == ("deliver", "refused")
    assert "hook: alert-0 opened: HTTP 410" in reject.detail
    worker.stop()
