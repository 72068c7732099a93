"""Into a real broker: in order, complete, and still so when the broker or the sender goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from agents.broker.connection import Connection
from agents.config.newsquake import KafkaFile
from agents.dev.kafka import Account
from streams.errors import PublishError
from streams.events import Clock, Reject, Status
from streams.messages import to_message
from streams.publisher import Publisher
from streams.topics import MARKET, prefixed
from tests.integration.broker import (
    Broker,
    Got,
    make_topics,
    own_broker,
    read_topic,
)
from tests.integration.conftest import wait_until

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 4

pytestmark = [
    pytest.mark.slow,
    # kafka-python leaves the sockets of connections that were refused to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("refused_sockets"),
]


@pytest.fixture
def topic(kafka: Account, prefix: str) -> str:
    make_topics(kafka.bootstrap, prefix, PARTITIONS)
    return prefixed(prefix, MARKET)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with own_broker(tmp_path_factory.mktemp("broker")) as own:
        yield own


@pytest.fixture
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "spool" if request.param else None


both_ways = pytest.mark.parametrize(
    "spool", [False, True], indirect=True, ids=["direct", "spooled"]
)


def options(bootstrap: str) -> dict[str, object]:
    return Connection(servers=(bootstrap,)).client_options()


def send_range(publisher: Publisher, topic: str, first: int, stop: int) -> None:
    for number in range(first, stop):
        publisher.send(topic, number % PARTITIONS, Clock(ts_ns=number))


def numbers(got: list[Got]) -> list[int]:
    return [each.record.ts_ns for each in got]


def check_exact(bootstrap: str, topic: str, stop: int) -> None:
    """Each partition holds its numbers, once each, in order."""
    for partition, got in read_topic(bootstrap, topic).items():
        assert numbers(got) == list(range(partition, stop, PARTITIONS))


def without_repeats(found: list[int]) -> list[int]:
    """Drop what was sent before: a crash may step back, never leave out or overtake."""
    fresh: list[int] = []
    for before, number in zip([-1, *found], found, strict=False):
        if not fresh or number > fresh[-1]:
            assert not fresh or before == fresh[-1]
            fresh.append(number)
    return fresh


@both_ways
def test_everything_arrives_once_and_in_order(
    kafka: Account, topic: str, spool: Path | None
) -> None:
    publisher = Publisher(options(kafka.bootstrap), spool=spool, most_in_flight=500)
    send_range(publisher, topic, 0, 20_000)
    publisher.flush(60)
    assert publisher.backlog == 0
    publisher.close()
    check_exact(kafka.bootstrap, topic, 20_000)


@both_ways
def test_key_value_and_headers(kafka: Account, topic: str, spool: Path | None) -> None:
    publisher = Publisher(options(kafka.bootstrap), spool=spool)
    status = Status(listing="BABA.XNYS", ts_ns=5, action="halt", reason="na\u00efve")
    publisher.send(topic, 1, status, key="BABA \u963f")
    publisher.send(topic, 1, Clock(ts_ns=10**9))
    publisher.flush(30)
    publisher.close()
    first, second = read_topic(kafka.bootstrap, topic)[1]
    assert (first.record, first.key) == (status, "BABA \u963f".encode())
    assert first.headers == {"type": b"Status", "schema": b"1"}
    assert (second.record, second.key) == (Clock(ts_ns=10**9), None)
    assert second.timestamp_type == 1  # the broker's time


def test_the_secured_listener(kafka: Account, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    login = kafka.sasl_ssl
    monkeypatch.setenv("NEWSQUAKE_TEST_PASSWORD", Path(login.password_file).read_text())
    file = KafkaFile(
        security="sasl_ssl", ca_file=login.ca_file, username=login.username,
        password_env="NEWSQUAKE_TEST_PASSWORD",
    )  # fmt: skip
    publisher = Publisher(Connection(servers=(login.bootstrap,), file=file).client_options())
    send_range(publisher, topic, 0, 1000)
    publisher.close()
    check_exact(kafka.bootstrap, topic, 1000)


def test_a_topic_that_is_deleted_meanwhile(kafka: Account, topic: str, tmp_path: Path) -> None:
    publisher = Publisher(options(kafka.bootstrap), spool=tmp_path)
    send_range(publisher, topic, 0, 100)
    publisher.flush(30)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([topic])
    admin.close()

    def refused() -> bool:
        try:
            publisher.send(topic, 0, Clock(ts_ns=100))
        except PublishError as fault:
            prefix = topic.removesuffix(MARKET)
            assert f"create --broker {kafka.bootstrap} --prefix {prefix}; it stays" in str(fault)  # noqa: PT017
            return True
        return False

    wait_until(refused)
    publisher.close()


@both_ways
def test_a_missing_topic_says_how_to_mend_it(
    kafka: Account, prefix: str, spool: Path | None
) -> None:
    publisher = Publisher(options(kafka.bootstrap), spool=spool)
    with pytest.raises(PublishError, match="newsquake topics create --broker") as caught:  # noqa: PT012
        publisher.send(f"{prefix}nowhere", 0, Clock(ts_ns=1))
        publisher.flush(30)
    assert caught.value.topic == f"{prefix}nowhere"
    size = len(to_message(Clock(ts_ns=1)).value)
    assert caught.value.record == f"Clock of {size} bytes with no key for partition 0"
    with pytest.raises(PublishError):
        publisher.send(f"{prefix}nowhere", 0, Clock(ts_ns=2))
    if spool is None:
        with pytest.raises(PublishError):
            publisher.close()
        return
    publisher.close()
    make_topics(kafka.bootstrap, prefix, 1)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_topics([NewTopic(f"{prefix}nowhere", 1, 1)])
    admin.close()
    with_topic = Publisher(options(kafka.bootstrap), spool=spool)  # mended, it is sent after all
    with_topic.flush(30)
    with_topic.close()
    assert numbers(read_topic(kafka.bootstrap, f"{prefix}nowhere")[0]) == [1]


def test_a_partition_that_is_not_there(kafka: Account, topic: str) -> None:
    publisher = Publisher(options(kafka.bootstrap))
    with pytest.raises(PublishError, match="the topic has 4 partitions"):
        publisher.send(topic, 9, Clock(ts_ns=1))
    with pytest.raises(PublishError):
        publisher.close()


@both_ways
def test_a_record_too_large_is_refused_at_once(
    kafka: Account, topic: str, spool: Path | None
) -> None:
    publisher = Publisher(options(kafka.bootstrap), spool=spool)
    large = Reject(stage="read", reason="x", detail="x" * 1_100_000, ts_ns=None, record="")
    with pytest.raises(PublishError, match=r"more than 1,000,000 bytes"):
        publisher.send(topic, 0, large)
    send_range(publisher, topic, 0, 8)  # the others are not touched
    publisher.flush(30)
    publisher.close()
    check_exact(kafka.bootstrap, topic, 8)


@both_ways
def test_what_the_broker_refuses_is_not_overtaken(
    kafka: Account, prefix: str, spool: Path | None
) -> None:
    topic = f"{prefix}small"
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    narrow = NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": "2000"})
    admin.create_topics([narrow])
    admin.close()
    publisher = Publisher(options(kafka.bootstrap), spool=spool)
    noise = os.urandom(3000).hex()  # which lz4 does not make small
    with pytest.raises(PublishError, match=r"Reject of 6,\d+ bytes with key 'big'"):  # noqa: PT012
        for number in range(100_000):
            large = Reject(stage="read", reason="x", detail=noise, ts_ns=number, record="")
            key, record = ("big", large) if number == 2000 else (None, Clock(ts_ns=number))
            publisher.send(topic, 0, record, key=key)
        publisher.flush(30)
    if spool is None:
        with pytest.raises(PublishError):
            publisher.close()
    else:
        publisher.close()
    found = numbers(read_topic(kafka.bootstrap, topic)[0])
    assert found == list(range(len(found)))
    assert len(found) <= 2000


@both_ways
def test_a_broker_that_freezes_loses_and_reorders_nothing(
    broker: Broker, prefix: str, spool: Path | None
) -> None:
    bootstrap = broker.account.bootstrap
    make_topics(bootstrap, prefix, PARTITIONS)
    topic = prefixed(prefix, MARKET)
    publisher = Publisher(options(bootstrap), spool=spool, most_in_flight=2000)
    send_range(publisher, topic, 0, 1000)
    publisher.flush(30)
    broker.freeze()
    later = threading.Thread(target=send_range, args=(publisher, topic, 1000, 9000))
    try:
        later.start()
        wait_until(lambda: publisher.backlog > 0)
        with pytest.raises(PublishError, match="has not acknowledged"):
            publisher.flush(13)  # longer than a request waits: it is sent again
    finally:
        broker.thaw()
    later.join()
    publisher.flush(60)
    publisher.close()
    check_exact(bootstrap, topic, 9000)


@both_ways
def test_a_broker_that_stops_and_comes_back(
    broker: Broker, prefix: str, spool: Path | None
) -> None:
    bootstrap = broker.account.bootstrap
    make_topics(bootstrap, prefix, PARTITIONS)
    topic = prefixed(prefix, MARKET)
    publisher = Publisher(options(bootstrap), spool=spool, most_in_flight=2000)
    sent = 0

    def send_for(seconds: float) -> None:
        nonlocal sent
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            send_range(publisher, topic, sent, sent + 8)
            sent += 8
            time.sleep(0.002)  # the pace of a feed, not a wait for anything

    send_for(0.5)
    sending = threading.Thread(target=send_for, args=(6.0,))
    sending.start()
    broker.stop()
    if spool:  # far more than may be under way, and nobody had to wait
        wait_until(lambda: publisher.backlog > 4000)
    broker.start()
    sending.join()
    publisher.flush(60)
    publisher.close()
    check_exact(bootstrap, topic, sent)


@both_ways
def test_a_broker_that_is_killed(broker: Broker, prefix: str, spool: Path | None) -> None:
    bootstrap = broker.account.bootstrap
    make_topics(bootstrap, prefix, PARTITIONS)
    topic = prefixed(prefix, MARKET)
    publisher = Publisher(options(bootstrap), spool=spool, most_in_flight=2000)
    send_range(publisher, topic, 0, 3000)
    sending = threading.Thread(target=send_range, args=(publisher, topic, 3000, 12_000))
    sending.start()
    broker.stop(signal.SIGKILL)
    broker.start()
    sending.join()
    publisher.flush(60)
    publisher.close()
    check_exact(bootstrap, topic, 12_000)


SENDING = """
import sys
from pathlib import Path
from agents.broker.connection import Connection
from streams.events import Clock
from streams.publisher import Publisher
bootstrap, topic, folder, first = sys.argv[1:]
publisher = Publisher(Connection(servers=(bootstrap,)).client_options(), spool=Path(folder))
for number in range(int(first), 10**9):
    publisher.send(topic, number % 4, Clock(ts_ns=number))
    sys.stdout.write(f"{number}\\n")
    if number % 50 == 0:
        sys.stdout.flush()
"""


def test_kill_9_loses_nothing_that_send_returned_for(
    kafka: Account, topic: str, tmp_path: Path
) -> None:
    first = 0
    for lines in (1, 3000, 20_000, 70_000):
        arguments = [kafka.bootstrap, topic, str(tmp_path), str(first)]
        with subprocess.Popen(
            [sys.executable, "-c", SENDING, *arguments], stdout=subprocess.PIPE, cwd=ROOT
        ) as child:
            assert child.stdout
            said = [child.stdout.readline() for _ in range(lines)]
            child.kill()
            said += [line for line in child.stdout if line.endswith(b"\n")]
        first = int(said[-1]) + 1  # a number that was sent and not said is sent again: a repeat
    publisher = Publisher(options(kafka.bootstrap), spool=tmp_path)
    publisher.flush(60)
    publisher.close()
    for partition, got in read_topic(kafka.bootstrap, topic).items():
        fresh = without_repeats(numbers(got))
        assert fresh[: len(range(partition, first, 4))] == list(range(partition, first, 4))


def test_a_spool_that_was_closed_repeats_nothing(
    kafka: Account, topic: str, tmp_path: Path
) -> None:
    for part in range(5):
        publisher = Publisher(options(kafka.bootstrap), spool=tmp_path)
        assert publisher.backlog == 0
        send_range(publisher, topic, part * 1000, part * 1000 + 1000)
        publisher.flush(30)
        publisher.close()
    check_exact(kafka.bootstrap, topic, 5000)


def test_nobody_answers(unused_port: int) -> None:
    with pytest.raises(PublishError, match=f"no Kafka broker answers at 127.0.0.1:{unused_port}"):
        Publisher(options(f"127.0.0.1:{unused_port}"))


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
