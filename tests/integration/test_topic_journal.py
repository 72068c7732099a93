"""`newsquake journal`: topics into a folder and back on a real broker, byte for byte."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from agents.archive import export as topic_export
from agents.archive import restore
from agents.archive.export import RUN_TOPICS, Selection, bound
from agents.archive.folder import Manifest, journal_of
from agents.broker.connection import Connection
from agents.dev.kafka import Account
from agents.machine.progress_bar import ProgressBar
from streams.errors import NewsquakeError, UsageError
from streams.topics import ALERTS, HEADLINES, MARKET
from tests.integration.conftest import producer, wait_until
from tests.integration.test_doctor import create_topics
from tests.integration.test_topics import closed
from tests.running import COMMAND, environment, newsquake, refusal

pytestmark = [
    # kafka-python leaves a socket to the collector when it is closed while it connects once more.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.usefixtures("refused_sockets"),
]

WIDTH = 3
Record = tuple[bytes | None, list[tuple[str, bytes | None]], bytes | None]


def exported(kafka: Account, folder: Path, prefix: str, *words: object) -> dict[str, Any]:
    return worked("export", kafka, prefix, *words, folder)


def worked(verb: str, kafka: Account, prefix: str | None, *words: object) -> dict[str, Any]:
    more = () if prefix is None else ("--prefix", prefix)
    done = newsquake("journal", verb, "--broker", kafka.bootstrap, *more, "--json", *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def refused(verb: str, kafka: Account, *words: object, code: int = 1) -> str:
    done = newsquake("journal", verb, "--broker", kafka.bootstrap, *words)
    assert done.returncode == code, done.stdout + done.stderr
    return refusal(done)


def refusal_of(kafka: Account, folder: Path, prefix: str) -> str:
    """Import without a process of its own, and return why not."""
    broker = Connection(servers=(kafka.bootstrap,), prefix=prefix)
    with ProgressBar(silent=True) as count, pytest.raises(NewsquakeError) as fault:
        restore.imported(broker, folder, None, append=False, count=count)
    return str(fault.value)


def content(kafka: Account, topic: str) -> dict[int, list[Record]]:
    """Return all that a topic holds, by partition, in order."""
    found: dict[int, list[Record]] = defaultdict(list)
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=None)
    try:
        parts = [TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(parts)
        consumer.assign(parts)
        consumer.seek_to_beginning()
        while any(consumer.position(part) < ends[part] for part in parts):
            for part, records in consumer.poll(500).items():
                found[part.partition] += [(r.key, list(r.headers), r.value) for r in records]
    finally:
        consumer.close()
    return dict(found)


def odd_bytes(seed: int, longest: int = 40) -> bytes:
    return random.Random(seed).randbytes(seed % longest)


def fill(kafka: Account, topic: str, width: int, count: int) -> list[Any]:
    """Send records with any bytes, and with none, into every partition."""
    with producer(kafka) as sender:
        sent = []
        for number in range(count):
            key = odd_bytes(number) if number % 3 else None
            value = odd_bytes(number * 7, 5000) if number % 5 or key is None else None
            headers = [("type", b"TickFrame"), ("\u00e9", odd_bytes(number))] * (number % 3)
            part = number % width
            sent.append(sender.send(topic, value, key, headers=headers, partition=part))
        sender.flush()
        return [each.get(timeout=10) for each in sent]


@pytest.mark.slow
def test_a_run_is_the_same_under_another_prefix(
    kafka: Account, prefix: str, tmp_path: Path
) -> None:
    create_topics(kafka, prefix, WIDTH)
    fill(kafka, f"{prefix}{MARKET}", WIDTH, 3000)
    fill(kafka, f"{prefix}{HEADLINES}", 1, 50)
    fill(kafka, f"{prefix}{ALERTS}", WIDTH, 0)
    told = exported(kafka, tmp_path / "kept", prefix)
    assert told["records"] == 3050
    manifest = (tmp_path / "kept" / "manifest.json").read_text()
    assert [each["topic"] for each in json.loads(manifest)["topics"]] == list(RUN_TOPICS)
    assert prefix not in manifest
    assert kafka.bootstrap not in manifest

    other = f"{prefix}b."
    create_topics(kafka, other, WIDTH)
    assert worked("import", kafka, other, tmp_path / "kept")["records"] == 3050
    for name in (MARKET, HEADLINES, ALERTS):
        assert content(kafka, f"{other}{name}") == content(kafka, f"{prefix}{name}")


@pytest.mark.slow
def test_what_kafka_allows_and_no_client_sends(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    """A record of nothing at all, a header without a value, a record larger than a batch."""
    records: list[Record] = [
        (None, [], None),
        (b"", [("h", None), ("h", b""), ("", b"\xff\x00")], b""),
        (b"key", [("only", None)], None),
        (None, [], random.Random(1).randbytes(900_000)),
        (b"\x00" * 300, [("h", b"1")] * 50, b"\xff"),
    ]
    wide = {"num_partitions": 2}
    names = [f"{prefix}{each}" for each in ("odd", "again", "once.more")]
    admin.create_topics(dict.fromkeys(names, wide), wait_for_metadata=True)
    send_as_they_are(kafka, names[0], records)
    assert content(kafka, names[0]) == {1: records}
    for before, after in pairwise(names):
        folder = tmp_path / after
        exported(kafka, folder, "", "--topic", before)
        said = newsquake(
            "journal", "import", "--broker", kafka.bootstrap, "--topic", after, folder
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        assert said.stdout.splitlines()[-1] == f"5 records from {folder}"
        assert content(kafka, after) == {1: records}


def send_as_they_are(kafka: Account, topic: str, records: list[Record]) -> None:
    """Send by the batches of aiokafka, which refuse nothing; ours go by kafka-python."""
    import asyncio

    from aiokafka import AIOKafkaProducer

    async def send() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as sender:
            for key, headers, value in records:
                batch = sender.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
                await (await sender.send_batch(batch, topic, partition=1))

    asyncio.run(send())


@pytest.mark.slow
def test_ranges_by_offset_and_by_time(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    topic = f"{prefix}t"
    admin.create_topics({topic: {"num_partitions": WIDTH}}, wait_for_metadata=True)
    fill(kafka, topic, WIDTH, 30)
    border_ms = time.time_ns() // 1_000_000 + 1
    wait_until(lambda: time.time_ns() // 1_000_000 > border_ms)
    fill(kafka, topic, WIDTH, 60)
    moment = f"{border_ms / 1000:.3f}"
    instant = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(border_ms // 1000)) + moment[-4:] + "Z"
    whole = content(kafka, topic)

    def taken(**what: Any) -> dict[int, tuple[int, int, int]]:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        more = {key: bound("", str(value)) for key, value in what.items() if key != "partition"}
        (kept,) = kept_in(kafka, folder, prefix, **(what | more)).topics
        return {each.partition: (each.first, each.end, each.records) for each in kept.ranges}

    def everywhere(*what: int) -> dict[int, tuple[int, ...]]:
        return dict.fromkeys(range(WIDTH), what)

    assert taken() == everywhere(0, 30, 30)
    assert taken(first=instant) == everywhere(10, 30, 20)
    assert taken(end=instant) == everywhere(0, 10, 10)
    assert taken(first=instant, end=13, partition=1) == {1: (10, 13, 3)}
    assert taken(first=28, end=900) == everywhere(28, 30, 2)
    assert taken(first=900) == everywhere(30, 30, 0)
    assert taken(first=9, end=2) == everywhere(9, 9, 0)
    assert taken(first="2037-01-01") == everywhere(30, 30, 0)
    with pytest.raises(UsageError, match="no 3"):
        taken(partition=3)

    folder = tmp_path / "some"
    exported(kafka, folder, prefix, "--topic", "t", "--from", 5, "--to", 12, "--partition", 2)
    admin.create_topics({f"{topic}2": {"num_partitions": WIDTH}}, wait_for_metadata=True)
    worked("import", kafka, None, "--topic", f"{topic}2", folder)
    assert content(kafka, f"{topic}2") == {2: whole[2][5:12]}


def kept_in(kafka: Account, folder: Path, prefix: str, **what: Any) -> Manifest:
    """Export topic `t` without a process of its own."""
    broker = Connection(servers=(kafka.bootstrap,), prefix=prefix)
    with ProgressBar(silent=True) as count:
        return topic_export.exported(broker, Selection(topics=("t",), **what), folder, count)


@pytest.mark.slow
def test_compaction_leaves_gaps(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    topic = f"{prefix}t"
    configs = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.001",
    }
    admin.create_topics({topic: {"num_partitions": 1, "configs": configs}}, wait_for_metadata=True)
    with producer(kafka) as sender:
        for number in range(200):
            sender.send(topic, b"%d" % number, key=b"%d" % (number % 3), partition=0)
        sender.flush()

    def compacted() -> bool:
        with producer(kafka) as sender:  # a new record closes the segment before it
            sender.send(topic, b"last", key=b"last", partition=0).get(timeout=10)
        return len(content(kafka, topic)[0]) < 100

    wait_until(compacted, limit_s=90)
    left = content(kafka, topic)
    told = exported(kafka, tmp_path / "kept", prefix, "--topic", "t")
    (kept,) = told["topics"][0]["ranges"]
    assert kept["records"] == len(left[0]) < kept["end"] - kept["first"]
    copy = {"num_partitions": 1}
    admin.create_topics({f"{topic}2": copy}, wait_for_metadata=True)
    worked("import", kafka, None, "--topic", f"{topic}2", tmp_path / "kept")
    assert content(kafka, f"{topic}2") == left


@pytest.mark.slow
def test_what_a_transaction_took_back_does_not_come_true(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    topic = f"{prefix}t"
    admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
    sender = KafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=topic)
    try:
        sender.init_transactions()
        for value, end in ((b"a", "commit"), (b"b", "abort"), (b"c", "commit"), (b"d", "abort")):
            sender.begin_transaction()
            sender.send(topic, value, partition=0).get(timeout=10)
            getattr(sender, f"{end}_transaction")()
    finally:
        sender.close()
    told = exported(kafka, tmp_path / "kept", prefix, "--topic", "t")
    assert told["topics"][0]["ranges"] == [{"partition": 0, "first": 0, "end": 8, "records": 2}]


@pytest.mark.slow
def test_a_killed_export_is_begun_anew(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    for name in ("t", "copy"):
        admin.create_topics({f"{prefix}{name}": {"num_partitions": 2}}, wait_for_metadata=True)
    with producer(kafka) as sender:
        for number in range(60_000):
            sender.send(f"{prefix}t", b"%d" % number * 40, partition=number % 2)
        sender.flush()
    folder = tmp_path / "kept"
    words = ["journal", "export", "--broker", kafka.bootstrap, "--prefix", prefix, "--topic", "t"]
    run = subprocess.Popen([*COMMAND, *words, str(folder)], env=environment())
    log = journal_of(folder, "t") / f"{0:020}.log"
    wait_until(lambda: log.exists() and log.stat().st_size > 0)
    run.kill()
    assert run.wait() == -9
    assert not (folder / "manifest.json").exists()
    copy = ("--topic", f"{prefix}copy", folder)
    assert "did not finish; run it again" in refused("import", kafka, *copy)

    assert exported(kafka, folder, prefix, "--topic", "t")["records"] == 60_000
    assert "holds a finished export" in refused("export", kafka, *words[4:], folder, code=2)
    assert worked("import", kafka, None, *copy)["records"] == 60_000
    assert content(kafka, f"{prefix}copy") == content(kafka, f"{prefix}t")


@pytest.mark.slow
def test_an_import_that_does_not_fit_is_refused_whole(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    create_topics(kafka, prefix, WIDTH)
    fill(kafka, f"{prefix}{MARKET}", WIDTH, 9)
    fill(kafka, f"{prefix}{HEADLINES}", 1, 2)
    folder = tmp_path / "kept"
    exported(kafka, folder, prefix, "--topic", MARKET, "--topic", HEADLINES)

    other = f"{prefix}b."
    said = refusal_of(kafka, folder, other)
    assert f"no topic {other}{MARKET}: newsquake topics create" in said
    assert f"--prefix {other}" in said
    narrow = {"num_partitions": WIDTH - 1}
    admin.create_topics({f"{other}{MARKET}": narrow}, wait_for_metadata=True)
    admin.create_topics({f"{other}{HEADLINES}": {"num_partitions": 1}}, wait_for_metadata=True)
    said = refusal_of(kafka, folder, other)
    assert f"{other}{MARKET} has 2 partitions and the export 3" in said
    assert content(kafka, f"{other}{HEADLINES}") == {}

    said = refusal_of(kafka, folder, prefix)
    assert f"{prefix}{MARKET} holds 9 records already: --append" in said
    before = content(kafka, f"{prefix}{MARKET}")
    worked("import", kafka, prefix, "--append", folder)
    twice = {part: records * 2 for part, records in before.items()}
    assert content(kafka, f"{prefix}{MARKET}") == twice

    assert "--topic x" in refused("import", kafka, "--topic", "x", folder, code=2)
    both = ("--topic", "x", "--prefix", "y.")
    assert "one of the two" in refused("import", kafka, *both, folder, code=2)


@pytest.mark.slow
def test_nothing_of_a_damaged_folder_is_written(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    create_topics(kafka, prefix, WIDTH)
    fill(kafka, f"{prefix}{HEADLINES}", 1, 2)
    fill(kafka, f"{prefix}{MARKET}", WIDTH, 30)
    folder = tmp_path / "kept"
    exported(kafka, folder, prefix, "--topic", HEADLINES, "--topic", MARKET)
    log = journal_of(folder, MARKET) / f"{0:020}.log"
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    other = f"{prefix}b."
    create_topics(kafka, other, WIDTH)
    said = refusal_of(kafka, folder, other)
    assert f"{log}: record " in said
    assert "is damaged or missing" in said
    assert content(kafka, f"{other}{HEADLINES}") == {}


@pytest.mark.slow
def test_a_record_that_the_broker_does_not_take_is_named(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    small = {"num_partitions": 1, "configs": {"max.message.bytes": "1000"}}
    admin.create_topics({f"{prefix}t": {"num_partitions": 1}}, wait_for_metadata=True)
    admin.create_topics({f"{prefix}small": small}, wait_for_metadata=True)
    with producer(kafka) as sender:
        for size in (10, 10, 5000):
            sender.send(f"{prefix}t", random.Random(size).randbytes(size), partition=0)
    exported(kafka, tmp_path / "kept", prefix, "--topic", "t")
    said = refused("import", kafka, "--topic", f"{prefix}small", tmp_path / "kept")
    assert f"{prefix}small: the record of partition 0, offset" in said
    assert "was not taken" in said


@pytest.mark.slow
def test_a_broker_that_is_not_there_is_said(tmp_path: Path) -> None:
    with closed() as address:
        done = newsquake("journal", "export", "--broker", address, tmp_path / "kept")
    assert done.returncode == 1
    assert "no Kafka broker answers" in refusal(done)
    assert not (tmp_path / "kept").exists()
