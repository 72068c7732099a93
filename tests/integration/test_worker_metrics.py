"""The workers' endpoints on a real broker: over the Alibaba day they count what the day's outputs are."""

from __future__ import annotations

import re
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from agents.broker.connection import Connection
from agents.broker.reading import lag_of
from agents.dev.kafka import Account
from agents.reacting.config import Rule
from agents.replay.kafka.market_publisher import MarketPublisher
from agents.replay.play.backend import LocalBackend
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from agents.scoring.sentiment import sentiment_of
from agents.stages.engine import save_engine
from streams.events import Clock
from streams.publisher import Publisher
from streams.topics import APPS, DELIVER, HEADLINES, MARKET, REACT, SCORE
from tests.integration.broker import make_topics
from tests.integration.conftest import wait_until
from tests.integration.worker_process import Worker
from tests.metrics.scraping import Scrape, scraped
from tests.running import COMMAND, ROOT, demo_day, environment, records

pytestmark = [
    pytest.mark.slow,
    # kafka-python leaves a socket behind where a client is closed while it connects once more.
    pytest.mark.usefixtures("refused_sockets"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PARTITIONS = 2
Start = Callable[..., Worker]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="module")
def day(base: Path) -> Inputs:
    return read_inputs(demo_day(base)[0] / "replay", (Rule(),), lambda _: None)


@pytest.fixture
def start(kafka: Account, prefix: str, tmp_path: Path) -> Iterator[Start]:
    make_topics(kafka.bootstrap, prefix, PARTITIONS)
    workers: list[Worker] = []

    def started(kind: str, *words: object) -> Worker:
        log = tmp_path / f"{kind}-{len(workers)}.log"
        more = ("--metrics-port", 0, *words)
        workers.append(Worker(log, kind, kafka.bootstrap, prefix, *more))
        return workers[-1]

    yield started
    for worker in workers:
        worker.end()


def look(worker: Worker) -> Scrape:
    worker.wait_until_it_says("metrics at http://")
    return scraped(re.findall(r"metrics at (http://\S+)", worker.said())[-1])


def publish(day: Inputs, kafka: Account, prefix: str, out: Path) -> None:
    """Send the day's market log, as a replay through Kafka does."""
    publisher = Publisher(Connection(servers=(kafka.bootstrap,)).client_options())
    remote = MarketPublisher(day.engine, publisher, f"{prefix}{MARKET}", PARTITIONS, day.name)
    for _ in Replay(day, out, LocalBackend(remote), ReplayOptions(frame=1000)).steps():
        pass
    publisher.close()


def publish_headlines(day: Inputs, kafka: Account, prefix: str) -> None:
    publisher = Publisher(Connection(servers=(kafka.bootstrap,)).client_options())
    for headline in day.headlines:
        publisher.send(f"{prefix}{HEADLINES}", 0, headline, headline.source)
    publisher.send(f"{prefix}{HEADLINES}", 0, Clock(ts_ns=0, final=True))
    publisher.close()


def counted(scrape: Scrape, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    rows = ((dict(found), value) for found, value in scrape.rows(name).items())
    return {tuple(row[label] for label in labels): value for row, value in rows if value}


def caught_up(admin: KafkaAdminClient, prefix: str, app: str, partitions: int) -> bool:
    lag = lag_of(admin, f"{prefix}{app}", f"{prefix}{APPS[app]}", partitions)
    return lag is not None and 0 < lag.done == lag.total


def test_each_worker_counts_its_part_of_the_day(
    base: Path, day: Inputs, kafka: Account, admin: KafkaAdminClient, prefix: str,
    tmp_path: Path, start: Start,
) -> None:  # fmt: skip
    engine, config = tmp_path / "engine.json", tmp_path / "newsquake.toml"
    save_engine(day.engine, engine)
    universe = demo_day(base)[0] / "replay" / "universe.csv"
    config.write_text(f'[universe]\nfile = "{universe}"\n')
    react, deliver = start("react", "--engine", engine), start("deliver")
    score = start("score", "--config", config)
    early = look(react)  # it has not even met the broker
    assert early.value("partitions_owned", app=REACT) in {0.0, 2.0}
    wait_until(lambda: look(react).value("partitions_owned", app=REACT) == PARTITIONS, 60.0)
    assert set(look(react).rows("level_crossings_total").values()) == {0.0}

    publish(day, kafka, prefix, tmp_path / "unused")
    for app in (REACT, DELIVER):
        wait_until(lambda app=app: caught_up(admin, prefix, app, PARTITIONS), 120.0)
    reacted = look(react)  # mentions that come from now on are past: the day has ended
    publish_headlines(day, kafka, prefix)
    wait_until(lambda: caught_up(admin, prefix, SCORE, 1), 60.0)

    whole, _ = demo_day(base)
    told, scored = look(deliver), look(score)
    moves = Counter(
        (m["listing"], str(m["level_pct"]), m["direction"]) for m in records(whole, "moves")
    )
    assert counted(reacted, "level_crossings_total", "listing", "level", "direction") == moves
    alerts = Counter((a["rule"], a["transition"]) for a in records(whole, "alerts_log"))
    assert counted(reacted, "alerts_total", "rule", "transition") == alerts
    rejects = Counter((r["stage"], r["reason"]) for r in records(whole, "rejects"))
    assert counted(reacted, "rejects_total", "stage", "reason") == rejects
    assert sum(reacted.rows("engine_rows_total").values()) == len(day.rows)
    assert len(reacted.rows("price")) == len(set(day.rows.listing.tolist()))
    assert reacted.value("checkpoints_total", app=REACT) > 0
    assert reacted.value("worker_messages_total", direction="in") > 100
    assert reacted.value("stage_latency_seconds_count", stage="react") > 0

    assert told.value("stage_latency_seconds_count", stage="deliver") == alerts.total()
    assert told.value("checkpoint_seconds_count", app=DELIVER) > 0

    mentions = Counter(
        (m["issuer"], sentiment_of(m["direction"])) for m in records(whole, "mentions")
    )
    assert counted(scored, "mentions_total", "issuer", "sentiment") == mentions
    assert scored.value("headlines_scored_total") == len(day.headlines)
    for worker, app in ((react, REACT), (deliver, DELIVER), (score, SCORE)):

        def lag(worker: Worker = worker) -> float:
            return sum(look(worker).rows("consumer_lag_records").values())

        wait_until(lambda lag=lag: lag() == 0, 30.0)
        assert len(look(worker).rows("consumer_lag_records")) == look(worker).value(
            "partitions_owned", app=app
        )


def test_listings_leave_with_their_partition(
    day: Inputs, kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path, start: Start
) -> None:
    engine = tmp_path / "engine.json"
    save_engine(day.engine, engine)
    everything = {listing.listing for listing in day.engine.listings}
    first = start("react", "--engine", engine)

    def of(worker: Worker, name: str = "level_crossings_total") -> set[str]:
        return look(worker).labels_of(name, "listing")

    wait_until(lambda: of(first) == everything, 60.0)
    publish(day, kafka, prefix, tmp_path / "unused")
    wait_until(lambda: caught_up(admin, prefix, REACT, PARTITIONS), 120.0)
    rows = sum(look(first).rows("engine_rows_total").values())
    second = start("react", "--engine", engine)
    wait_until(lambda: of(second) not in (set(), everything), 60.0)
    wait_until(lambda: of(first) | of(second) == everything, 60.0)
    assert of(first) & of(second) == set()
    assert of(first, "price") <= of(first)
    assert sum(look(first).rows("engine_rows_total").values()) == rows  # what it did, it did
    second.kill()
    wait_until(lambda: of(first) == everything, 60.0)


def test_a_port_that_is_taken_ends_the_worker(kafka: Account, prefix: str, start: Start) -> None:
    first = start("deliver")
    port = look(first) and re.findall(r"http://127.0.0.1:(\d+)", first.said())[-1]
    second = start("deliver", "--metrics-port", port)
    wait_until(lambda: second.process.poll() is not None, 60.0)
    assert f"[metrics] 127.0.0.1:{port} cannot be listened on" in second.said()
    assert "Traceback" not in second.said()


def test_a_run_and_its_workers_have_ports_in_a_row(
    kafka: Account, prefix: str, tmp_path: Path
) -> None:
    make_topics(kafka.bootstrap, prefix, PARTITIONS)
    first = row_of_free_ports(5)
    config = tmp_path / "newsquake.toml"
    config.write_text(f"[metrics]\nport = {first}\n")
    words = ("run", "--broker", kafka.bootstrap, "--prefix", prefix, "--workers", "2")
    with subprocess.Popen(
        [*COMMAND, *words, "--config", str(config)],
        cwd=ROOT,
        env={**environment(), "XDG_STATE_HOME": str(tmp_path / "state")},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            apps = ((1, SCORE), (2, DELIVER), (3, REACT), (4, REACT))
            addresses = {place: f"http://127.0.0.1:{first + place}/metrics" for place in range(5)}

            def owned(place: int, app: str) -> float:
                try:
                    return scraped(addresses[place]).value("partitions_owned", app=app)
                except OSError:  # it has not come up yet
                    return 0.0

            wait_until(lambda: [owned(*each) for each in apps] == [1.0, 2.0, 1.0, 1.0], 90.0)
            wait_until(lambda: scraped(addresses[0]).value("publisher_acknowledged_records") > 0)
            backlog = scraped(addresses[0]).value("publisher_backlog_records")
            assert 0 <= backlog < 100
            assert scraped(addresses[0]).rows("level_crossings_total") == {}
            _, said = run.communicate(timeout=90)
        finally:
            run.kill()
    assert run.returncode == 0, said


def row_of_free_ports(count: int) -> int:
    """Return the first of so many ports in a row, all of them free just now."""
    while True:
        with ExitStack() as held:
            first = held.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
            port: int = first.getsockname()[1]
            try:
                for number in range(1, count):
                    more = socket.create_server(("127.0.0.1", port + number))
                    held.enter_context(closing(more))
            except (OSError, OverflowError):
                continue
            return port
