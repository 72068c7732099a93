"""The workers one by one, on a real broker: what they make of good records and of bad ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from agents.broker.connection import Connection
from agents.broker.reading import lag_of
from agents.dev.kafka import Account
from agents.reacting.config import Rule
from agents.replay.kafka.market_publisher import MarketPublisher
from agents.replay.play.backend import LocalBackend
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from agents.stages.engine import save_engine
from streams.codec import Record, canonical_json
from streams.events import SECOND_NS, Alert, Clock, Mention, Reject
from streams.messages import to_message
from streams.publisher import Publisher
from streams.topics import (
    ALERTS,
    APPS,
    DELIVER,
    HEADLINES,
    MARKET,
    REACT,
    REACTIONS,
    REJECTS,
    SCORE,
)
from tests.integration.broker import make_topics, read_topic
from tests.integration.conftest import wait_until
from tests.integration.worker_process import Worker
from tests.running import demo_day, records

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
    whole, _ = demo_day(base)
    return read_inputs(whole / "replay", (Rule(),), lambda _: None)


@pytest.fixture
def start(kafka: Account, prefix: str, tmp_path: Path) -> Iterator[Start]:
    make_topics(kafka.bootstrap, prefix, PARTITIONS)
    workers: list[Worker] = []

    def started(kind: str, *words: object) -> Worker:
        log = tmp_path / f"{kind}-{len(workers)}.log"
        workers.append(Worker(log, kind, kafka.bootstrap, prefix, *words))
        return workers[-1]

    yield started
    for worker in workers:
        worker.end()


def send(kafka: Account, topic: str, sent: list[tuple[int, Record | bytes | None]]) -> None:
    """Send records, or the very bytes of a message without headers, each to a partition."""
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", linger_ms=5)
    try:
        futures = []
        for partition, record in sent:
            plain = record is None or isinstance(record, bytes)
            value, headers = (record, ()) if plain else to_message(record)
            futures.append(
                producer.send(topic, value, key=b"k", partition=partition, headers=list(headers))
            )
        for future in futures:
            future.get(30)
    finally:
        producer.close()


def caught_up(admin: KafkaAdminClient, prefix: str, app: str, partitions: int) -> bool:
    lag = lag_of(admin, f"{prefix}{app}", f"{prefix}{APPS[app]}", partitions)
    return lag is not None and 0 < lag.done == lag.total


def found(kafka: Account, topic: str) -> list[Any]:
    return [got.record for each in read_topic(kafka.bootstrap, topic).values() for got in each]


def test_the_score_worker_says_what_the_replay_says(
    base: Path, day: Inputs, kafka: Account, admin: KafkaAdminClient, prefix: str,
    tmp_path: Path, start: Start,
) -> None:  # fmt: skip
    """The same `headlines` topic, the same Mentions: killed once on the way, and fed poison."""
    whole, _ = demo_day(base)
    config = tmp_path / "newsquake.toml"
    config.write_text(f'[universe]\nfile = "{whole / "replay" / "universe.csv"}"\n')
    worker = start("score", "--instance", f"{prefix}score-1", "--config", config)
    half = len(day.headlines) // 2
    clocks = [(0, Clock(ts_ns=number * SECOND_NS)) for number in range(2)]
    poison: list[tuple[int, Any]] = [(0, b"\xff\x00"), (0, None), (0, b"{}"), (0, Clock(ts_ns=5))]
    first = [(0, headline) for headline in day.headlines[:half]]
    send(kafka, f"{prefix}{HEADLINES}", [*first, clocks[0], *poison])
    wait_until(lambda: len(found(kafka, f"{prefix}{MARKET}")) > 0, 60.0)
    worker.kill()
    worker.start()
    rest: list[tuple[int, Any]] = [(0, headline) for headline in day.headlines[half:]]
    send(kafka, f"{prefix}{HEADLINES}", [*rest, clocks[1], (0, Clock(ts_ns=9, final=True))])
    wait_until(lambda: caught_up(admin, prefix, SCORE, 1), 60.0)

    wanted = {canonical_json(row) for row in records(whole, "mentions")}
    got = [each for each in found(kafka, f"{prefix}{MARKET}") if isinstance(each, Mention)]
    assert {canonical_json(mention) for mention in got} == wanted
    rejects = found(kafka, f"{prefix}{REJECTS}")
    assert {reject.reason for reject in rejects} == {"undecodable"}
    assert len({reject.detail for reject in rejects}) == 3


POISON = [
    b"",
    b"\x00\x01\x02",
    b"not json",
    b'{"listing": 5}',
    b'{"listing": "BABA.XNYS", "price": 1e300, "ts_ns": 1}',
    None,
]


def lethal() -> list[Any]:
    """Return Mentions and ticks that decode, and whose numbers are as odd as they can be."""
    fields: dict[str, Any] = {
        "revision": 0, "issuer": "BABA", "relevance": 1.0, "evidence": (), "vader": None,
        "direction": None, "scorer": "x", "event_types": (), "story_id": "s", "novelty": 1.0,
        "published_ns": None, "received_ns": None, "title": "t",
    }  # fmt: skip
    times = (-(2**63), -1, 0, 2**62, 2**63 - 1)
    mentions = [Mention(headline_id=f"odd{t}", event_ns=t, known_ns=t, **fields) for t in times]
    ticks = [
        json.dumps({"listing": "BABA.XNYS", "price": price, "size": size, "ts_ns": t}).encode()
        for t in times
        for price, size in ((1e-9, 0), (-1.0, -5), (8e12, 2**62))
    ]
    return [*mentions, *ticks]


def test_poison_in_market_harms_nothing(
    base: Path, day: Inputs, kafka: Account, admin: KafkaAdminClient, prefix: str,
    tmp_path: Path, start: Start,
) -> None:  # fmt: skip
    """Between the records of the Alibaba day, in both partitions: the same reactions and alerts."""
    engine = tmp_path / "engine.json"
    save_engine(day.engine, engine)
    worker = start("react", "--engine", engine)
    market = f"{prefix}{MARKET}"
    publisher = Publisher(Connection(servers=(kafka.bootstrap,)).client_options())
    remote = MarketPublisher(day.engine, publisher, market, PARTITIONS, day.name)
    options = ReplayOptions(frame=1000)
    replay = Replay(day, tmp_path / "unused", LocalBackend(remote), options)
    bad: list[tuple[int, Any]] = [(p, each) for p in range(PARTITIONS) for each in POISON]
    odd: list[tuple[int, Any]] = [(p, each) for p in range(PARTITIONS) for each in lethal()]
    for number, _ in enumerate(replay.steps()):
        if number in {3, 60}:
            publisher.flush()
            send(kafka, market, [*bad, *odd])
    publisher.close()
    wait_until(lambda: caught_up(admin, prefix, REACT, PARTITIONS), 120.0)
    assert worker.process.poll() is None, worker.said()

    whole, _ = demo_day(base)
    got = [json.loads(canonical_json(r)) for r in found(kafka, f"{prefix}{REACTIONS}")]
    ours = [r for r in got if not r["headline_id"].startswith("odd")]
    key = ("headline_id", "listing", "horizon")
    wanted = {tuple(r[k] for k in key): r["return_bps"] for r in records(whole, "reactions")}
    assert {tuple(r[k] for k in key): r["return_bps"] for r in ours} == wanted
    alerts = {a.alert_id: a.level_pct for a in found(kafka, f"{prefix}{ALERTS}")}
    assert alerts == {a["alert_id"]: a["level_pct"] for a in records(whole, "alerts")}
    rejects = [r for r in found(kafka, f"{prefix}{REJECTS}") if r.stage == "decode"]
    refused = [*POISON, *(each for each in lethal() if isinstance(each, bytes))]
    assert len({r.detail for r in rejects}) == 2 * PARTITIONS * len(refused)


def test_alerts_are_delivered_once_each(
    base: Path, kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path, start: Start
) -> None:
    """In order, over a kill and repeats; what is no alert goes to rejects."""
    whole, _ = demo_day(base)
    alerts = [msgspec.convert(row, Alert) for row in records(whole, "alerts_log")]
    told = tmp_path / "told.jsonl"
    worker = start("deliver", "--out", told, "--instance", f"{prefix}deliver-1")
    half = len(alerts) // 2
    topic = f"{prefix}{ALERTS}"
    send(kafka, topic, [(0, alert) for alert in alerts[:half]])
    wait_until(lambda: told.exists() and len(told.read_bytes().splitlines()) == half, 60.0)
    wait_until(lambda: caught_up(admin, prefix, DELIVER, PARTITIONS), 60.0)
    worker.kill()
    worker.start()
    again: list[tuple[int, Any]] = [(0, b"poison"), *((0, a) for a in alerts)]
    send(kafka, topic, again)
    wait_until(lambda: caught_up(admin, prefix, DELIVER, PARTITIONS), 60.0)
    lines = told.read_bytes().splitlines()
    assert [canonical_json(json.loads(line)) for line in lines] == [
        canonical_json(alert) for alert in alerts
    ]
    assert [r.reason for r in found(kafka, f"{prefix}{REJECTS}")] == ["undecodable"]


def test_nothing_is_lost_where_nothing_was_committed(
    day: Inputs, kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path, start: Start
) -> None:
    """Workers come and go before the first Clock, so before any checkpoint and any commit."""
    engine = tmp_path / "engine.json"
    save_engine(day.engine, engine)
    unknown = [f'{{"listing": "NOBODY{n}.XNYS", "price": 1, "ts_ns": 1}}' for n in range(3000)]
    sent: list[tuple[int, Any]] = [(n % PARTITIONS, u.encode()) for n, u in enumerate(unknown)]
    market = f"{prefix}{MARKET}"
    first = start("react", "--engine", engine)
    send(kafka, market, sent[:1500])
    first.wait_until_it_says("from_offset=0")
    second = start("react", "--engine", engine)
    second.wait_until_it_says("from_offset=0")
    send(kafka, market, sent[1500:])
    second.stop()
    final = Clock(ts_ns=day.rows.known_ns[0].item() // SECOND_NS * SECOND_NS, final=True)
    send(kafka, market, [(p, final) for p in range(PARTITIONS)])
    wait_until(lambda: caught_up(admin, prefix, REACT, PARTITIONS), 60.0)
    rejects = [r for r in found(kafka, f"{prefix}{REJECTS}") if isinstance(r, Reject)]
    assert len({r.record for r in rejects}) == 3000


def test_a_commit_that_was_cut_off_is_made_up_for(
    day: Inputs, kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path, start: Start
) -> None:
    """The state knows all records, the group does not: no Clock follows that would tell it."""
    engine = tmp_path / "engine.json"
    save_engine(day.engine, engine)
    worker = start("react", "--engine", engine, "--instance", f"{prefix}react-1")
    final = Clock(ts_ns=day.rows.known_ns[0].item() // SECOND_NS * SECOND_NS, final=True)
    send(kafka, f"{prefix}{MARKET}", [(p, final) for p in range(PARTITIONS)])
    wait_until(lambda: caught_up(admin, prefix, REACT, PARTITIONS), 60.0)
    worker.stop()
    group = f"{prefix}{REACT}"
    places = [TopicPartition(f"{prefix}{MARKET}", p) for p in range(PARTITIONS)]
    wait_until(lambda: not admin.describe_groups([group])[group]["members"], 60.0)
    admin.alter_group_offsets(group, {place: OffsetAndMetadata(0, "", -1) for place in places})
    assert not caught_up(admin, prefix, REACT, PARTITIONS)
    worker.start()
    wait_until(lambda: caught_up(admin, prefix, REACT, PARTITIONS), 60.0)
