"""Every query of every panel has data where Newsquake really runs and a real Prometheus looks."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agents.dev import servers
from agents.dev.kafka import Account
from agents.machine.processes import free_ports
from dashboards.build import FOLDER
from dashboards.thresholds import load
from tests.integration.conftest import need_alertmanager, need_prometheus, say
from tests.running import COMMAND, ROOT, demo_day, environment
from tests.running import newsquake as ended

pytestmark = pytest.mark.slow

SPEED = 2_000  # the day's trading takes about half a minute, some thirty scrapes
LONGEST_S = 150.0
JOBS = load().jobs
# What has no data without a broker, by dashboard and panel: workers and the publisher count it. The
# second test has one.
OF_KAFKA = {
    ("newsquake-pipeline", "Kafka: records behind"),
    ("newsquake-pipeline", "Kafka: messages of workers"),
    ("newsquake-pipeline", "Kafka: partitions owned"),
    ("newsquake-pipeline", "Kafka: checkpoints"),
    ("newsquake-pipeline", "Kafka: checkpoints and acknowledgements"),
    ("newsquake-pipeline", "Kafka: publisher's backlog"),
}
RSS = """<rss version="2.0"><channel><title>Wire</title><item><guid>{id}</guid>
<title>{title}</title><link>https://wire.example/{id}</link><pubDate>{at}</pubDate></item>
</channel></rss>"""


class Query(NamedTuple):
    page: str
    panel: str
    expr: str


def queries() -> list[Query]:
    """Return what Grafana would ask, with its variables as they are at first."""
    found = []
    for path in sorted(FOLDER.glob("newsquake-*.json")):
        page = json.loads(path.read_text("utf-8"))
        job = JOBS.replay if page["uid"].endswith("replay") else JOBS.live
        for panel in page["panels"]:
            found += [
                Query(page["uid"], panel["title"], filled(target["expr"], job))
                for target in panel["targets"]
            ]
        for mark in page["annotations"]["list"]:
            found.append(Query(page["uid"], mark["name"], filled(mark["expr"], job)))
    return found


def filled(expr: str, job: str) -> str:
    values = {
        "$__rate_interval": "4s",
        "$job": job,
        "$listing": "BABA.XNYS" if 'listing="$listing"' in expr else ".*",
        "$issuer": ".*",
        "$feed": ".*",
        "$level": "3",
    }
    for name, value in values.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr


# -- the processes


@contextmanager
def newsquake(folder: Path, *words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command that serves metrics; give it and HOST:PORT."""
    log = folder / "said.txt"
    with log.open("w") as said:
        process = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=ROOT, env={**environment(), "XDG_STATE_HOME": str(folder)},
            stdin=subprocess.PIPE, stdout=said, stderr=said, text=True,
        )  # fmt: skip
        try:
            yield process, address_in(log, process)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def address_in(log: Path, process: subprocess.Popen[str]) -> str:
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s and process.poll() is None:
        text = log.read_text()
        if "/metrics" in text:
            return text.split("/metrics")[0].rpartition("http://")[2]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


class Prometheus:
    """A real one by deploy's settings; `replay` is where the replay's job looks."""

    def __init__(self, folder: Path, alertmanager: str, live: list[str], replay: str) -> None:
        recipe = servers.RECIPES["prometheus"]
        made = recipe.prepare(folder, say, {"alertmanager": {"url": alertmanager}})
        self._url = made.account["url"]
        config = folder / "prometheus.yml"
        config.write_text(config.read_text().replace("127.0.0.1:9474", replay))
        targets = Path(made.account["targets"])
        (targets / "run.yml").write_text(json.dumps([{"targets": live}]))
        self.process = servers.spawn(made.command, folder / "console.log")
        recipe.await_ready(made.account, lambda: servers.alive(self.process))
        self._asker = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def has(self, expr: str) -> bool:
        """Tell whether a query has a value now that is a number."""
        url = f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': expr})}"
        with self._asker.open(url, timeout=10) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return any(not math.isnan(float(each["value"][1])) for each in result)


def config_of(folder: Path, alertmanager: str) -> Path:
    (folder / "drop").mkdir()
    config = folder / "newsquake.toml"
    config.write_text(
        f'[[folders]]\nname = "drop"\npath = "drop"\nsource = "wire.example"\npattern = "*.xml"\n'
        f'[[alertmanagers]]\nname = "am"\nurl = "{alertmanager}"\n'
    )
    return config


def say_news(process: subprocess.Popen[str], folder: Path, number: int) -> None:
    """Put a headline onto standard input, and another into the watched folder."""
    assert process.stdin is not None
    title = f"Alibaba raises its forecast by {number} %"
    line = {"title": title, "source": "other.example", "id": str(number)}
    process.stdin.write(json.dumps(line) + "\n")
    process.stdin.flush()
    text = RSS.format(id=number, title=title, at=format_datetime(datetime.now(UTC)))
    part = folder / "drop" / f"{number}.part"
    part.write_text(text)
    part.rename(folder / "drop" / f"{number}.xml")


def test_every_query_has_data(tmp_path: Path) -> None:
    need_prometheus()
    need_alertmanager()
    whole, _ = demo_day(tmp_path)
    folders = {name: tmp_path / name for name in ("prometheus", "am", "run", "replayed")}
    for folder in folders.values():
        folder.mkdir()
    with ExitStack() as stack:
        manager = stack.enter_context(servers.running("alertmanager", folders["am"], say))
        url = manager.account["url"]
        config = config_of(folders["run"], url)
        run, live = stack.enter_context(
            newsquake(folders["run"], "run", "--config", config, "--metrics-port", 0)
        )
        words = ["--out", tmp_path / "out", "--speed", SPEED, "--metrics-port", 0]
        _, replay = stack.enter_context(
            newsquake(
                folders["replayed"], "replay", whole / "replay", *words, "--deliver",
                "--config", config,
            )
        )  # fmt: skip
        prometheus = Prometheus(folders["prometheus"], url, [live, replay], replay)
        stack.callback(servers.end, prometheus.process)
        missing = [q for q in queries() if (q.page, q.panel) not in OF_KAFKA]
        assert len(missing) > 80
        assert answered(prometheus, missing, run, folders["run"]) == []


def answered(
    prometheus: Prometheus, queries: list[Query], run: subprocess.Popen[str], folder: Path
) -> list[Query]:
    """Say news until every query has had data once; return those that never had."""
    deadline_s, number = time.monotonic() + LONGEST_S, 0
    while queries and time.monotonic() < deadline_s:
        number += 1
        say_news(run, folder, number)
        queries = [query for query in queries if not prometheus.has(query.expr)]
    return queries


def test_the_queries_of_kafka_have_data_with_a_broker(
    kafka: Account, prefix: str, tmp_path: Path
) -> None:
    need_prometheus()
    broker = ("--broker", kafka.bootstrap, "--prefix", prefix)
    made = ended("topics", "create", *broker, "--partitions", 2)
    assert made.returncode == 0, made.stderr
    folders = {name: tmp_path / name for name in ("prometheus", "run")}
    for folder in folders.values():
        folder.mkdir()
    config = config_of(folders["run"], "http://127.0.0.1:9")
    port = four_ports()
    words = ("run", *broker, "--config", config, "--metrics-port", port)
    with ExitStack() as stack:
        run, _ = stack.enter_context(newsquake(folders["run"], *words))
        targets = [f"127.0.0.1:{port + at}" for at in range(4)]
        prometheus = Prometheus(folders["prometheus"], "127.0.0.1:9", targets, "127.0.0.1:9")
        stack.callback(servers.end, prometheus.process)
        missing = [q for q in queries() if (q.page, q.panel) in OF_KAFKA]
        assert answered(prometheus, missing, run, folders["run"]) == []


def four_ports() -> int:
    """Return a port that is free just now, as the three after it are."""
    for _ in range(50):
        first = free_ports(1)[0]
        with ExitStack() as held:
            try:
                for port in range(first, first + 4):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return first
    raise AssertionError("no four free ports in a row")


def test_what_is_left_out_exists() -> None:
    assert {(query.page, query.panel) for query in queries()} >= OF_KAFKA
