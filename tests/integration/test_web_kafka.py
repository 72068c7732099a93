"""`newsquake web --broker`: what the topics bring is shown, over kills and restarts, once each."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.dev.kafka import Account
from streams.events import Clock
from streams.messages import to_message
from streams.topics import ALERTS, HEADLINES, MARKET, REACTIONS
from tests.integration.broker import make_topics
from tests.integration.conftest import producer, wait_until
from tests.running import newsquake, refusal
from tests.web.site import alert, ask, headline, mention, reaction
from tests.web.test_web_command import Site, started

pytestmark = pytest.mark.slow


class Topics:
    """The topics of one run, written to as the workers do."""

    def __init__(self, kafka: Account, sender: KafkaProducer, prefix: str) -> None:
        self.words = ("web", "--broker", kafka.bootstrap, "--prefix", prefix, "--port", 0)
        self._sender, self._prefix = sender, prefix

    def send(self, topic: str, *records: Any) -> None:
        for record in records:
            value, headers = to_message(record)
            self.send_raw(topic, value, list(headers))

    def send_raw(self, topic: str, value: bytes | None, headers: Any = None) -> None:
        sent = self._sender.send(
            f"{self._prefix}{topic}", value, key=b"k", headers=headers, partition=0
        )
        sent.get(10)


@pytest.fixture
def topics(kafka: Account, prefix: str) -> Iterator[Topics]:
    make_topics(kafka.bootstrap, prefix, 2)
    with producer(kafka) as sender:
        yield Topics(kafka, sender, prefix)


@contextmanager
def site(topics: Topics, folder: Path, name: str) -> Iterator[Site]:
    with started(folder / name, *topics.words, XDG_STATE_HOME=str(folder / "state")) as found:
        yield found


def ids(found: Site, path: str = "/api/headlines") -> list[int]:
    return [int(row["headline_id"], 16) for row in ask(found.address, path).json]


def test_topics_are_shown_and_reading_goes_on_after_a_kill(topics: Topics, tmp_path: Path) -> None:
    topics.send(HEADLINES, headline(1), headline(2), Clock(ts_ns=1))
    topics.send(MARKET, Clock(ts_ns=1), mention(1), mention(2, "JD"))
    topics.send(REACTIONS, reaction(1))
    topics.send(ALERTS, alert(1))
    with site(topics, tmp_path, "first") as found:
        wait_until(lambda: bool(ask(found.address, "/api/alerts").json))
        wait_until(lambda: ids(found, "/api/headlines?listing=BABA.XNYS") == [1])
        page = ask(found.address, "/h/0000000000000001.json").json
        assert page["scored_ns"] > page["headline"]["received_ns"]  # when the broker took it
        assert [each["horizon"] for each in page["reactions"]] == ["1m"]
        topics.send(ALERTS, alert(1, "escalated", 5))  # while it is served
        path = "/api/alerts/a000000000000001"
        wait_until(lambda: len(ask(found.address, path).json["transitions"]) == 2)
        found.process.kill()
        found.process.wait()
    # meanwhile, and what is none of ours among it
    topics.send_raw(HEADLINES, b"no headline")
    topics.send_raw(ALERTS, None)
    topics.send(HEADLINES, headline(3), headline(1))
    topics.send(ALERTS, alert(1), alert(1, "escalated", 5), alert(1, "resolved", 60))
    with site(topics, tmp_path, "second") as found:
        wait_until(lambda: ids(found) == [3, 2, 1])
        wait_until(lambda: ask(found.address, "/api/alerts").json[0]["state"] == "resolved")
        told = ask(found.address, "/api/alerts/a000000000000001").json
        steps = [each["transition"] for each in told["transitions"]]
        assert steps == ["opened", "escalated", "resolved"]
        assert len(ask(found.address, "/h/0000000000000001.json").json["revisions"]) == 1


def test_what_is_missing_is_named(kafka: Account, prefix: str, tmp_path: Path) -> None:
    done = newsquake("web", "--broker", kafka.bootstrap, "--prefix", prefix)
    assert done.returncode == 1
    assert "newsquake topics create" in refusal(done)


def test_a_broker_that_is_not_there_is_named() -> None:
    done: subprocess.CompletedProcess[str] = newsquake("web", "--broker", "127.0.0.1:1")
    assert done.returncode == 1
    assert "no Kafka broker answers at 127.0.0.1:1" in refusal(done)
