"""The topics: what they are declared to be, and what a real broker makes of that."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from agents.broker.connection import broker_addresses
from agents.dev.kafka import Account
from streams import topics
from streams.errors import UsageError
from streams.reference.universe import builtin_universe
from tests.integration.conftest import producer, wait_until
from tests.running import COMMAND, environment, newsquake, refusal

DAY_MS = 86_400_000
LOG_APPEND_TIME = 1  # timestampType in the record batch format
# DESIGN 5: partitions for P = 6 and days kept; None: compacted.
DECLARED = {
    "newsquake.headlines": (1, 7),
    "newsquake.market": (6, 2),
    "newsquake.reactions": (6, 30),
    "newsquake.moves": (6, 30),
    "newsquake.alerts": (6, None),
    "newsquake.rejects": (1, 7),
    "newsquake-score-state-changelog": (1, None),
    "newsquake-react-state-changelog": (6, None),
    "newsquake-deliver-state-changelog": (6, None),
}


# -- declarations


def test_the_declarations_are_those_of_the_design() -> None:
    found = {topic.name: topic for topic in topics.topics(6)}
    assert found.keys() == DECLARED.keys()
    for name, (partitions, days) in DECLARED.items():
        topic = found[name]
        assert topic.partitions == partitions
        assert topic.settings["message.timestamp.type"] == "LogAppendTime"
        if days is None:
            assert topic.settings["cleanup.policy"] == "compact"
        else:
            assert topic.settings["cleanup.policy"] == "delete"
            assert int(topic.settings["retention.ms"]) == days * DAY_MS
            assert int(topic.settings["segment.ms"]) * 4 <= days * DAY_MS


def test_a_changelog_keeps_stale_writes_for_minutes() -> None:
    changelog = topics.changelog("app", "table", 3)
    assert (changelog.name, changelog.partitions) == ("app-table-changelog", 3)
    assert int(changelog.settings["min.compaction.lag.ms"]) >= 60_000


def test_a_prefix_goes_before_every_name() -> None:
    names = [topic.name for topic in topics.topics(2, "run7.")]
    assert names == [f"run7.{name}" for name in DECLARED]


@pytest.mark.parametrize("prefix", ["a b", "a/b", "a:", "\u00e4", "x" * 240])
def test_a_prefix_that_kafka_refuses_is_refused(prefix: str) -> None:
    with pytest.raises(UsageError, match="prefix"):
        topics.topics(1, prefix)


def test_partitions_are_murmur2_as_java_has_it() -> None:
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2 of Apache Kafka: -973932308 for "21".
    assert topics.partition_of("21", 1_000_003) == (-973932308 & 0x7FFFFFFF) % 1_000_003
    assert topics.partition_of("anything", 1) == 0


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("127.0.0.1:9092", ["127.0.0.1:9092"]),
        ("kafka://a:1,b.example:65535", ["a:1", "b.example:65535"]),
        ("[::1]:9092", ["[::1]:9092"]),
    ],
)
def test_addresses_are_read(text: str, servers: list[str]) -> None:
    assert broker_addresses(text) == servers


@pytest.mark.parametrize(
    "text", ["", "host", "host:", "host:0", "host:65536", "a:1,", "http://a:1"]
)
def test_what_is_no_address_is_wrong_usage(text: str) -> None:
    done = newsquake("topics", "check", f"--broker={text}")
    assert done.returncode == 2
    assert "host:port" in refusal(done)


# -- on a broker


def findings(verb: str, broker: str, prefix: str, *words: str, code: int = 0) -> dict[str, Any]:
    done = newsquake("topics", verb, "--broker", broker, "--prefix", prefix, "--json", *words)
    assert done.returncode == code, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] == (code == 0)
    return {each["name"].removeprefix(prefix): each for each in report["topics"]}


def states(found: dict[str, Any]) -> set[str]:
    return {each["state"] for each in found.values()}


@pytest.mark.slow
def test_create_twice_then_check(kafka: Account, prefix: str) -> None:
    broker = kafka.bootstrap
    assert states(findings("check", broker, prefix, code=1)) == {"missing"}
    made = findings("create", broker, prefix, "--partitions", "6")
    assert states(made) == {"created"}
    assert {name: each["partitions"] for name, each in made.items()} == {
        name: partitions for name, (partitions, _) in DECLARED.items()
    }
    # How wide it is need not be said again: market says it.
    assert states(findings("create", broker, prefix)) == {"ok"}
    assert states(findings("check", f"kafka://{broker}", prefix)) == {"ok"}
    table = newsquake("topics", "check", "--broker", broker, "--prefix", prefix)
    assert table.returncode == 0
    assert f"{prefix}newsquake.market" in table.stdout


@pytest.mark.slow
def test_a_deleted_topic_is_seen_and_made_again(
    kafka: Account, admin: KafkaAdminClient, prefix: str
) -> None:
    findings("create", kafka.bootstrap, prefix, "--partitions", "2")
    admin.delete_topics([f"{prefix}{topics.MOVES}"])
    wait_until(lambda: f"{prefix}{topics.MOVES}" not in admin.list_topics())
    found = findings("check", kafka.bootstrap, prefix, code=1)
    assert [name for name, each in found.items() if each["state"] == "missing"] == [topics.MOVES]
    assert "newsquake topics create" in found[topics.MOVES]["mend"][0]
    again = findings("create", kafka.bootstrap, prefix)
    assert [name for name, each in again.items() if each["state"] == "created"] == [topics.MOVES]


@pytest.mark.slow
def test_a_wrong_topic_is_refused_and_nothing_is_made(
    kafka: Account, admin: KafkaAdminClient, prefix: str
) -> None:
    name = f"{prefix}{topics.MARKET}"
    configs = {"retention.ms": "1000", "message.timestamp.type": "CreateTime"}
    admin.create_topics({name: {"num_partitions": 3, "configs": configs}}, wait_for_metadata=True)
    found = findings("create", kafka.bootstrap, prefix, "--partitions", "4", code=1)
    assert found[topics.MARKET]["faults"][0] == "3 partitions instead of 4"
    assert f"retention.ms=1000 instead of {2 * DAY_MS}" in found[topics.MARKET]["faults"]
    assert "message.timestamp.type=CreateTime instead of LogAppendTime" in " ".join(
        found[topics.MARKET]["faults"]
    )
    assert states(found) == {"wrong", "missing"}
    assert [each for each in admin.list_topics() if each.startswith(prefix)] == [name]

    done = newsquake("topics", "create", "--broker", kafka.bootstrap, "--prefix", prefix)
    assert done.returncode == 1
    assert "kafka-configs.sh" in done.stdout
    assert f"--add-config cleanup.policy=delete,retention.ms={2 * DAY_MS}" not in done.stdout
    assert f"--add-config retention.ms={2 * DAY_MS}" in done.stdout


@pytest.mark.slow
def test_a_changed_retention_is_seen_and_its_mending_accepted(
    kafka: Account, admin: KafkaAdminClient, prefix: str
) -> None:
    findings("create", kafka.bootstrap, prefix, "--partitions", "1")
    name = f"{prefix}{topics.REJECTS}"

    def set_retention(value: str) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": value})
        admin.alter_configs([resource])

    set_retention("5000")
    wait_until(lambda: retention(admin, name) == "5000")
    found = findings("check", kafka.bootstrap, prefix, code=1)
    assert found[topics.REJECTS]["faults"] == [f"retention.ms=5000 instead of {7 * DAY_MS}"]
    set_retention(str(7 * DAY_MS))
    wait_until(lambda: retention(admin, name) == str(7 * DAY_MS))
    assert states(findings("check", kafka.bootstrap, prefix)) == {"ok"}


def retention(admin: KafkaAdminClient, name: str) -> str:
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    answer = admin.describe_configs([resource], config_filter="all")
    return str(answer["topic"][name]["retention.ms"]["value"])


@pytest.mark.alone
@pytest.mark.slow
def test_a_broker_that_does_not_answer_is_given_up(kafka: Account) -> None:
    with silent() as mute, closed() as refused:
        addresses = [mute, refused, kafka.sasl_ssl.bootstrap, "no-such-host.invalid:9092"]
        began_s = time.monotonic()
        runs = [
            subprocess.Popen(
                [*COMMAND, "topics", "check", "--broker", address],
                env=environment(),
                stderr=subprocess.PIPE,
                text=True,
            )
            for address in addresses
        ]
        for run, address in zip(runs, addresses, strict=True):
            _, err = run.communicate(timeout=30)
            assert run.returncode == 1, err
            assert address in err
            assert "newsquake dev up" in err
            assert len(err.splitlines()) == 1
        assert time.monotonic() - began_s < 15


@contextmanager
def silent() -> Iterator[str]:
    """Listen, and never say a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def closed() -> Iterator[str]:
    """Hold a port on which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


# -- what the rest of the system builds on


def secured(kafka: Account, password: str) -> KafkaAdminClient:
    login = kafka.sasl_ssl
    return KafkaAdminClient(
        bootstrap_servers=login.bootstrap,
        bootstrap_timeout_ms=4000,
        security_protocol="SASL_SSL",
        ssl_cafile=login.ca_file,
        sasl_mechanism=login.mechanism,
        sasl_plain_username=login.username,
        sasl_plain_password=password,
    )


@pytest.mark.slow
def test_a_login_with_the_password_and_none_without(kafka: Account) -> None:
    password = Path(kafka.sasl_ssl.password_file).read_text()
    client = secured(kafka, password)
    assert client.describe_cluster()["brokers"]
    client.close()
    # kafka-python tells of a time-out only; the broker says why.
    with pytest.raises(KafkaError):
        secured(kafka, password + "x")
    log = Path(kafka.sasl_ssl.password_file).with_name("kafka.log").read_text()
    assert f"invalid credentials with SASL mechanism {kafka.sasl_ssl.mechanism}" in log


@pytest.mark.slow
def test_an_issuer_goes_where_a_producer_sends_it(
    kafka: Account, admin: KafkaAdminClient, prefix: str
) -> None:
    name, width = f"{prefix}keys", 7
    admin.create_topics({name: {"num_partitions": width}}, wait_for_metadata=True)
    keys = [*sorted(builtin_universe().issuers), "\u4e2d\u56fd"]
    keys += [f"issuer-{number}" for number in range(1000 - len(keys))]
    with producer(kafka) as sender:
        sent = {key: sender.send(name, key=key.encode(), value=b"") for key in keys}
        sender.flush()
        found = {key: future.get(timeout=10).partition for key, future in sent.items()}
    assert len(found) == 1000
    assert found == {key: topics.partition_of(key, width) for key in keys}
    assert set(found.values()) == set(range(width))


@pytest.mark.slow
def test_a_record_stamped_2007_survives(
    kafka: Account, admin: KafkaAdminClient, prefix: str
) -> None:
    stamp_ms = 1_167_746_400_000  # 2007-01-02 14:00 UTC
    findings("create", kafka.bootstrap, prefix, "--partitions", "1")
    ours, theirs = f"{prefix}{topics.MARKET}", f"{prefix}stamped"
    stamped = {"message.timestamp.type": "CreateTime", "retention.ms": str(2 * DAY_MS)}
    admin.create_topics({theirs: {"num_partitions": 1, "configs": stamped}}, wait_for_metadata=True)
    now_ms = int(time.time() * 1000)
    with producer(kafka) as sender:
        for name in (ours, theirs):
            sender.send(name, b"2007", timestamp_ms=stamp_ms)
        sender.send(ours, b"tomorrow", timestamp_ms=now_ms + DAY_MS).get(timeout=10)
        sender.flush()

    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=None)
    try:
        other, mine = TopicPartition(theirs, 0), TopicPartition(ours, 0)
        # The broker's retention has been at work once the other topic's record is gone.
        wait_until(lambda: consumer.beginning_offsets([other])[other] == 1, limit_s=60)
        consumer.assign([mine])
        consumer.seek_to_beginning()
        records = consumer.poll(timeout_ms=5000)[mine]
    finally:
        consumer.close()
    assert [record.value for record in records] == [b"2007", b"tomorrow"]
    assert {record.timestamp_type for record in records} == {LOG_APPEND_TIME}
    assert all(abs(record.timestamp - now_ms) < 60_000 for record in records)


@pytest.mark.slow
def test_nothing_makes_a_topic_by_being_misspelt(kafka: Account, prefix: str) -> None:
    with producer(kafka) as sender, pytest.raises(KafkaError):
        sender.send(f"{prefix}newsquake.markte", b"x").get(timeout=10)
