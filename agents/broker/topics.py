"""Make and check the topics on a broker. What is there is never changed: a wrong topic is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Literal

import msgspec
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    InvalidTopicError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from rich.table import Table

from agents.broker.connection import (
    ANSWER_MS,
    SCHEME,
    BrokerError,
    Connection,
    admin_client,
    broker_errors,
)
from agents.machine.terminal import plain_console, print_json
from streams.errors import NewsquakeError
from streams.topics import DEFAULT_PARTITIONS, MARKET, Topic, prefixed, topics

WIDTH = (
    "partitions: never changed in place, for keys would move away from their state. Use another "
    "--prefix or the right --partitions, or delete the topic and its records, then create it again"
)

State = Literal["ok", "created", "missing", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """What the broker has of one topic: what is wrong with it, and how to mend that."""

    name: str
    state: State
    partitions: int
    faults: tuple[str, ...] = ()
    mend: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """What the broker has of all topics of one run."""

    broker: str
    ok: bool
    topics: tuple[Finding, ...]


def run_topics_create(broker: Connection, partitions: int | None, *, as_json: bool) -> int:
    """Make the topics that are missing; refuse, making none, where one is wrong."""
    with _admin(broker) as admin:
        report = create_topics(admin, broker.address, partitions, broker.prefix)
    return _tell(report, as_json=as_json)


def run_topics_check(broker: Connection, partitions: int | None, *, as_json: bool) -> int:
    """Compare the topics with what they must be; exit code 1 where one is missing or wrong."""
    with _admin(broker) as admin:
        report = check_topics(admin, broker.address, partitions, broker.prefix)
    return _tell(report, as_json=as_json)


def create_topics(
    admin: KafkaAdminClient, broker: str, partitions: int | None, prefix: str
) -> Report:
    """Make what is missing and wait until it can be used; None: as many partitions as `market` has."""
    wanted = _wanted(admin, partitions, prefix)
    found = [_survey(admin, broker, each) for each in wanted]
    missing = [topic for topic, each in zip(wanted, found, strict=True) if each.state == "missing"]
    if any(each.state == "wrong" for each in found):
        found = [_withheld(each) for each in found]
    elif missing:
        made = _make(admin, missing)
        found = [made.get(each.name, each) for each in found]
    return _report(broker, found)


def _withheld(finding: Finding) -> Finding:
    if finding.state != "missing":
        return finding
    return msgspec.structs.replace(finding, mend=("missing: none is made while another is wrong",))


def check_topics(
    admin: KafkaAdminClient, broker: str, partitions: int | None, prefix: str
) -> Report:
    """Compare every topic with its declaration."""
    return _report(broker, [_survey(admin, broker, t) for t in _wanted(admin, partitions, prefix)])


@contextmanager
def _admin(broker: Connection) -> Iterator[KafkaAdminClient]:
    """Connect, or say what to do; NewsquakeError within 15 s where nothing answers."""
    admin = admin_client(broker)
    try:
        yield admin
    except KafkaError as fault:
        raise NewsquakeError(
            f"{broker.address}: {type(fault).__name__}: {fault}. Run it again: what is made "
            "already is kept"
        ) from fault
    finally:
        admin.close()


def _wanted(admin: KafkaAdminClient, partitions: int | None, prefix: str) -> tuple[Topic, ...]:
    """Return the declarations, as wide as `market` is where nobody said how wide."""
    if partitions is None:
        described = _described(admin, prefixed(prefix, MARKET))
        partitions = len(described["partitions"]) if described else DEFAULT_PARTITIONS
    return topics(partitions, prefix)


def creation(broker: Connection) -> str:
    """Return the command that makes what is missing."""
    prefix = ("--prefix", broker.prefix) if broker.prefix else ()
    words = ("newsquake topics create --broker", broker.address, *prefix, *broker.words())
    return " ".join(words)


def _described(admin: KafkaAdminClient, name: str) -> dict[str, Any] | None:
    (described,) = admin.describe_topics([name])
    fault = for_code(described["error_code"])
    if fault is UnknownTopicOrPartitionError:
        return None
    if described["error_code"]:
        raise fault(name)
    return dict(described)


def _survey(admin: KafkaAdminClient, broker: str, topic: Topic) -> Finding:
    described = _described(admin, topic.name)
    if described is None:
        remedy = f"missing: newsquake topics create --broker {broker}"
        return Finding(topic.name, "missing", topic.partitions, mend=(remedy,))
    count = len(described["partitions"])
    wrong = _wrong_settings(admin, topic)
    faults = [f"{key}={value} instead of {topic.settings[key]}" for key, value in wrong.items()]
    mend = [_alteration(broker, topic, list(wrong))] if wrong else []
    if count != topic.partitions:
        faults.insert(0, f"{count} partitions instead of {topic.partitions}")
        mend.insert(0, WIDTH)
    return Finding(topic.name, "wrong" if faults else "ok", count, tuple(faults), tuple(mend))


def _wrong_settings(admin: KafkaAdminClient, topic: Topic) -> dict[str, str | None]:
    """Return what the broker has of the settings that differ."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    present = admin.describe_configs([resource], config_filter="all")["topic"][topic.name]
    values = {key: present.get(key, {}).get("value") for key in topic.settings}
    return {key: value for key, value in values.items() if value != topic.settings[key]}


def _alteration(broker: str, topic: Topic, keys: Sequence[str]) -> str:
    settings = ",".join(f"{key}={topic.settings[key]}" for key in keys)
    tool = f"kafka-configs.sh --bootstrap-server {broker.removeprefix(SCHEME)} --alter"
    return f"settings: {tool} --topic {topic.name} --add-config {settings}"


def _make(admin: KafkaAdminClient, missing: Sequence[Topic]) -> dict[str, Finding]:
    """Make topics, with the broker's own default of replicas; return what came of each."""
    request = {
        topic.name: {"num_partitions": topic.partitions, "configs": dict(topic.settings)}
        for topic in missing
    }
    answer = admin.create_topics(request, raise_errors=False)
    refused = {}
    for each in answer["topics"]:
        fault = for_code(each["error_code"])
        if each["error_code"] and fault is not TopicAlreadyExistsError:  # made by another just now
            refused[each["name"]] = f"refused: {each.get('error_message') or fault.__name__}"
    admin.wait_for_topics([t.name for t in missing if t.name not in refused], timeout_ms=ANSWER_MS)
    return {
        topic.name: Finding(topic.name, "wrong", topic.partitions, (refused[topic.name],))
        if topic.name in refused
        else Finding(topic.name, "created", topic.partitions)
        for topic in missing
    }


def _report(broker: str, found: Sequence[Finding]) -> Report:
    ok = all(each.state in {"ok", "created"} for each in found)
    return Report(broker, ok, tuple(found))


def _tell(report: Report, *, as_json: bool) -> int:
    if as_json:
        print_json(report)
    else:
        _print_table(report)
    return 0 if report.ok else 1


def _print_table(report: Report) -> None:
    console = plain_console()
    table = Table("topic", "partitions", "state", box=None)
    for each in report.topics:
        table.add_row(each.name, str(each.partitions), each.state)
    console.print(table)
    for each in report.topics:
        for fault in each.faults:
            console.print(f"{each.name}: {fault}")
    advice = dict.fromkeys(line for each in report.topics for line in each.mend)
    for line in ("how to mend it:" if advice else "", *advice):
        if line:
            console.print(line)


def widths(broker: Connection, names: Sequence[str]) -> dict[str, int]:
    """Return how many partitions each topic has, 0 where there is none of that name.

    BrokerError: the broker does not tell, for want of permission, or does not answer.
    """
    found = {}
    with broker_errors(broker), closing(admin_client(broker)) as admin:
        described = admin.describe_topics(list(names))
    for each in described:
        fault = for_code(each["error_code"])
        if fault not in {NoError, UnknownTopicOrPartitionError, InvalidTopicError}:
            raise BrokerError(f"{each['name']}: {fault.__name__}: {fault.description}")
        found[each["name"]] = len(each["partitions"]) if fault is NoError else 0
    return found


def partitions(broker: Connection, topic: str, *needed: str) -> int:
    """Return how many partitions a topic of the run has.

    NewsquakeError: it, or one of those `needed` besides, is not there.
    """
    names = [prefixed(broker.prefix, name) for name in (topic, *needed)]
    found = widths(broker, names)
    if missing := [name for name in names if not found[name]]:
        raise NewsquakeError(
            f"{broker.address} has no {', '.join(missing)}; mend it: {creation(broker)}"
        )
    return found[names[0]]
