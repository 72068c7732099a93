"""The Alibaba day through Kafka: the rules of Prometheus and our own delivery make one alert a line."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from agents.broker.connection import Connection
from agents.dev import servers
from agents.dev.kafka import Account
from agents.reacting.config import Rule
from agents.replay.kafka.market_publisher import MarketPublisher
from agents.replay.play.backend import LocalBackend
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.pace import ReplayPace
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from agents.stages.engine import save_engine
from streams.events import SECOND_NS
from streams.publisher import Publisher
from streams.topics import MARKET
from tests.delivery.receiver import Receiver
from tests.integration.alertmanager import Manager, listings, notified
from tests.integration.broker import make_topics
from tests.integration.conftest import need_prometheus, say, wait_until
from tests.integration.worker_process import Worker
from tests.running import demo_day, records

PARTITIONS = 2
SPEED = 2_400.0
OPENING_NS = 1_758_679_200 * SECOND_NS  # 24 September 2025, 02:00 UTC: ten minutes before the move
pytestmark = [pytest.mark.slow, pytest.mark.alone]


class Prometheus:
    """A real one with deploy's settings and our rules."""

    def __init__(self, home: Path, manager: Manager) -> None:
        up = {"alertmanager": {"url": manager.url}}
        recipe = servers.RECIPES["prometheus"]
        folder = home / "prometheus"
        folder.mkdir()
        made = recipe.prepare(folder, say, up)
        self.url, self.targets = made.account["url"], Path(made.account["targets"])
        for path in self.targets.glob("*"):
            path.unlink()
        # so that a new Alertmanager has its alerts back soon; by default it takes a minute
        command = (*made.command, "--rules.alert.resend-delay=5s")
        self.process = servers.spawn(command, folder / "console.log")
        recipe.await_ready(made.account, lambda: servers.alive(self.process))

    def watch(self, address: str) -> None:
        text = json.dumps([{"targets": [address]}])
        fresh = self.targets / "fresh.tmp"
        fresh.write_text(text)
        fresh.replace(self.targets / "react.yml")

    def asked(self, path: str) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/api/v1/{path}", timeout=10) as got:
            return json.load(got)["data"]

    def value(self, query: str) -> float | None:
        found = self.asked(f"query?query={quote(query)}")["result"]
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> dict[str, float]:
        """Return the listings of which the rule fires, and since when."""
        found = self.asked("alerts")["alerts"]
        return {
            each["labels"]["listing"]: each["activeAt"]
            for each in found
            if each["labels"]["alertname"] == "day_move" and each["state"] == "firing"
        }


@pytest.fixture
def prometheus(tmp_path: Path, am: Manager) -> Iterator[Prometheus]:
    need_prometheus()
    made = Prometheus(tmp_path, am)
    yield made
    servers.end(made.process)


class Stage:
    """The day, played at speed into Kafka, and stopped at will."""

    def __init__(self, kafka: Account, prefix: str, day: Inputs, folder: Path) -> None:
        self._publisher = Publisher(Connection(servers=(kafka.bootstrap,)).client_options())
        market = f"{prefix}{MARKET}"
        self._remote = MarketPublisher(day.engine, self._publisher, market, PARTITIONS, day.name)
        options = ReplayOptions(frame=200, speed=SPEED)
        replay = Replay(day, folder, LocalBackend(self._remote), options)
        replay._player._pace = ReplayPace(None)  # ours stops with the stage
        self._steps = replay.steps()
        self._origin_s = 0.0
        self.passed: dict[int, float] = {}  # second of the day -> when it was sent

    def play(self, look: Callable[[], bool]) -> bool:
        """Send what follows until `look` says so; False: nothing does."""
        began_s = time.monotonic()
        self._origin_s += began_s - max(self.passed.values(), default=began_s)
        for _ in self._steps:
            self._publisher.flush()
            self._wait()
            if look():
                return True
        self._publisher.close()
        return False

    def sent_s(self, ts_ns: int) -> float:
        """Return when the row of that time was sent."""
        return min(at_s for second, at_s in self.passed.items() if second >= ts_ns // SECOND_NS)

    def _wait(self) -> None:
        now_ns = self._remote.clock_ns
        if now_ns < OPENING_NS:  # what was before is history
            self._origin_s = time.monotonic()
            return
        due_s = self._origin_s + (now_ns - OPENING_NS) / SECOND_NS / SPEED
        self.passed[now_ns // SECOND_NS] = time.monotonic()
        while time.monotonic() < due_s:
            time.sleep(0.005)


def test_both_paths_make_one_alert_a_line(
    kafka: Account, prefix: str, tmp_path: Path, receiver: Receiver, am: Manager,
    prometheus: Prometheus,
) -> None:  # fmt: skip
    """And an Alertmanager that dies meanwhile has them again, and tells nobody twice."""
    whole, _ = demo_day(tmp_path)
    day = read_inputs(whole / "replay", (Rule(),), lambda _: None)
    make_topics(kafka.bootstrap, prefix, PARTITIONS)
    lines = {alert["listing"] for alert in records(whole, "alerts")}
    with workers(kafka, prefix, day, tmp_path, am) as address:
        prometheus.watch(address)
        wait_until(lambda: prometheus.value('up{job="newsquake"}') == 1, 60.0)
        stage = Stage(kafka, prefix, day, tmp_path / "unused")
        assert stage.play(lambda: bool(prometheus.firing()))
        (first,), seen_s = prometheus.firing(), time.monotonic()
        opened = {a["listing"]: a["opened_ns"] for a in records(whole, "alerts")}
        took_s = seen_s - stage.sent_s(opened[first])
        print(
            f"{first}: row sent -> rule fires {took_s:.2f} s, looked at every quarter of a second"
        )
        wait_until(lambda: listings(notified(receiver, "firing")) == [first])

        am.stop()
        am.start()
        wait_until(lambda: len(am.alerts()) == 1, 90.0)  # each path says it again
        others = lines - {first}
        assert stage.play(lambda: others <= set(prometheus.firing()))
        wait_until(lambda: set(listings(notified(receiver, "firing"))) == lines)
        assert not stage.play(lambda: False)
        wait_until(lambda: set(listings(notified(receiver, "resolved"))) == lines, 90.0)
    check(receiver, stage, records(whole, "alerts_log"))
    told = prometheus.value("prometheus_notifications_sent_total")
    assert told
    assert prometheus.value("prometheus_notifications_errors_total") is not None


@contextmanager
def workers(
    kafka: Account, prefix: str, day: Inputs, folder: Path, manager: Manager
) -> Iterator[str]:
    """Run a react and a deliver worker; give the address of the former's metrics."""
    engine, config = folder / "engine.json", folder / "newsquake.toml"
    save_engine(day.engine, engine)
    config.write_text(f'[[alertmanagers]]\nname = "am"\nurl = "{manager.url}"\n')
    about = {
        "react": ("--engine", engine, "--metrics-port", 0),
        "deliver": ("--config", config),
    }
    made = [
        Worker(folder / f"{kind}.log", kind, kafka.bootstrap, prefix, *words)
        for kind, words in about.items()
    ]
    try:
        made[0].wait_until_it_says("/metrics")
        yield made[0].said().split("http://")[1].split("/metrics")[0]
    finally:
        for worker in made:
            worker.end()


def check(receiver: Receiver, stage: Stage, log: list[dict[str, Any]]) -> None:
    """Check what the receiver got of each line: once, with headline, link and value."""
    opened = {each["listing"]: each for each in log if each["transition"] == "opened"}
    firing = notified(receiver, "firing")
    assert sorted(listings(firing)) == sorted(opened)
    for told in firing:
        alert = opened[told["labels"]["listing"]]
        assert set(told["labels"]) == {"alertname", "listing", "direction", "severity"}
        said = told["annotations"]
        assert said["headline"]
        assert said["headline_url"].startswith("http")
        assert said["value"] in said["description"]
        took_s = first_at(receiver, alert["listing"]) - stage.sent_s(alert["opened_ns"])
        print(f"{alert['listing']}: row sent -> receiver {took_s * 1e3:.0f} ms")


def first_at(receiver: Receiver, listing: str) -> float:
    return min(
        got.at_s
        for got in receiver.got
        for each in got.json["alerts"]
        if each["labels"]["listing"] == listing
    )
