"""`newsquake journal import`: the records of a folder into topics, byte for byte."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError
from kafka.serializer import Serializer

from agents.archive.folder import Kept, TopicKept, kept_records, read_manifest, verify
from agents.broker.connection import Connection, admin_client
from agents.broker.topics import creation, widths
from agents.machine.clock import elapsed_s
from agents.machine.progress_bar import ProgressBar
from agents.machine.terminal import print_json
from streams.errors import NewsquakeError, UsageError
from streams.segment import MAX_RECORD
from streams.topics import prefixed

BATCH_BYTES: Final = 2**18  # a quarter of what a topic takes unless it says otherwise
UNANSWERED_BYTES: Final = 32 * 2**20  # sent and not yet acknowledged: the memory this takes
UNANSWERED_RECORDS: Final = 10_000  # each future weighs more than a small record
DELIVERY_MS: Final = 60_000
RECORD_BYTES: Final = 100  # a record without key and value, about


class Imported(msgspec.Struct, frozen=True):
    """What was written into one topic."""

    topic: str
    records: int


def run_import(
    broker: Connection, folder: Path, topic: str | None, *, append: bool, as_json: bool
) -> int:
    """Write the records into the topics of the run, or of one topic into `topic`; tell how many.

    Nothing is written unless the folder is whole and every topic fits: UsageError, InputError or
    NewsquakeError otherwise. NewsquakeError as well where the broker does not take a record.
    """
    began_s = elapsed_s()
    with ProgressBar(silent=as_json) as count:
        done = imported(broker, folder, topic, append=append, count=count)
    total = sum(each.records for each in done)
    if as_json:
        said = {"broker": broker.address, "records": total, "topics": done}
        said["seconds"] = round(elapsed_s() - began_s, 3)
        print_json(said)
    else:
        for each in done:
            sys.stdout.write(f"{each.topic}: {each.records:,} records\n")
        sys.stdout.write(f"{total:,} records from {folder}\n")
    return 0


def imported(
    broker: Connection, folder: Path, topic: str | None, *, append: bool, count: ProgressBar
) -> list[Imported]:
    """Check the folder and the topics, then write; return what each topic has got."""
    targets = _targets(folder, topic, broker.prefix)
    with closing(admin_client(broker)) as admin:
        _check_topics(admin, broker, targets, append=append, say=count.say)
    for kept in targets.values():
        count.begin(f"checking {kept.topic}", kept.records)
        verify(folder, kept, count.add)
    with closing(_producer(broker)) as producer:
        for name, kept in targets.items():
            count.begin(f"writing {name}", kept.records)
            _send(producer, name, kept_records(folder, kept), count)
    return [Imported(name, kept.records) for name, kept in targets.items()]


def _targets(folder: Path, topic: str | None, prefix: str) -> dict[str, TopicKept]:
    """Return what goes into which topic."""
    held = read_manifest(folder).topics
    if topic is None:
        return {prefixed(prefix, each.topic): each for each in held}
    if len(held) != 1:
        names = ", ".join(each.topic for each in held)
        raise UsageError(f"--topic {topic}: {folder} holds {names}; --prefix renames them all")
    return {topic: held[0]}


# -- do the topics fit?


def _check_topics(
    admin: KafkaAdminClient,
    broker: Connection,
    targets: dict[str, TopicKept],
    *,
    append: bool,
    say: Callable[[str], None],
) -> None:
    """Refuse, all at once, the topics that are not there, too narrow, or not empty."""
    found = widths(admin, list(targets))
    faults = []
    for name, kept in targets.items():
        width = found[name]
        if not width:
            faults.append(_missing(broker, name, kept))
        elif width < kept.partitions:
            faults.append(
                f"{name} has {width} partitions and the export {kept.partitions}: use another "
                f"--prefix, or delete the topic and its records and make it as wide"
            )
        elif not append and (there := _records(admin, name, width)):
            faults.append(
                f"{name} holds {there:,} records already: --append puts these behind them; or "
                f"delete and make the topic again, after an import that broke off"
            )
        if width > kept.partitions:
            say(
                f"{name} has {width} partitions and the export {kept.partitions}: each record keeps "
                f"its number, new ones of the same key may go elsewhere"
            )
    if faults:
        raise NewsquakeError("; ".join(faults))


def _missing(broker: Connection, name: str, kept: TopicKept) -> str:
    return f"no topic {name}: {creation(broker)}, with the {kept.partitions} partitions it had"


def _records(admin: KafkaAdminClient, topic: str, width: int) -> int:
    """Return how many offsets lie between the oldest and the newest record."""
    parts = [TopicPartition(topic, number) for number in range(width)]
    oldest = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.EARLIEST))
    newest = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.LATEST))
    return sum(newest[part].offset - oldest[part].offset for part in parts)


# -- sending


class _Headers(list[tuple[str, bytes | None]]):
    """Headers that the serializer fills in, and that pass for none where they are measured.

    kafka-python's producer can write a header without a value, as the protocol allows, but refuses
    one when called and cannot add up its size for the answer.
    """

    def __bool__(self) -> bool:
        return False


class _KeyOf(Serializer):  # type: ignore[misc]  # kafka-python has no types
    def serialize(self, topic: str, headers: _Headers, data: Kept) -> bytes | None:  # noqa: ARG002 - the interface
        return data.key


class _ValueOf(Serializer):  # type: ignore[misc]  # kafka-python has no types
    """Give the value; in between, the way in for a record with neither key nor value."""

    def serialize(self, topic: str, headers: _Headers, data: Kept) -> bytes | None:  # noqa: ARG002 - the interface
        headers.extend(data.headers)
        return data.value


def _producer(broker: Connection) -> KafkaProducer:
    return KafkaProducer(
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        batch_size=BATCH_BYTES,
        linger_ms=5,
        max_request_size=MAX_RECORD,  # the broker knows how much a topic takes
        delivery_timeout_ms=DELIVERY_MS,
        max_block_ms=DELIVERY_MS,
        allow_auto_create_topics=False,
        key_serializer=_KeyOf(),
        value_serializer=_ValueOf(),
        **broker.client_options(),
    )


def _send(producer: KafkaProducer, topic: str, records: Iterable[Kept], count: ProgressBar) -> None:
    """Send all records and wait until the broker has every one of them."""
    unanswered: deque[tuple[Kept, int, Any]] = deque()
    held = 0
    for record in records:
        size = RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
        try:
            sent = producer.send(
                topic, record, record, headers=_Headers(), partition=record.partition
            )
        except KafkaError as fault:
            raise _refused(topic, record, fault) from fault
        unanswered.append((record, size, sent))
        held += size
        while held > UNANSWERED_BYTES or len(unanswered) > UNANSWERED_RECORDS:
            held -= _await_first(topic, unanswered, count)
    while unanswered:
        _await_first(topic, unanswered, count)


def _await_first(topic: str, unanswered: deque[tuple[Kept, int, Any]], count: ProgressBar) -> int:
    """Wait for the oldest answer; return how many bytes it sets free."""
    record, size, sent = unanswered.popleft()
    try:
        sent.get(timeout=DELIVERY_MS / 1000 + 1)
    except KafkaError as fault:
        raise _refused(topic, record, fault) from fault
    count.add(1)
    return size


def _refused(topic: str, record: Kept, fault: KafkaError) -> NewsquakeError:
    return NewsquakeError(
        f"{topic}: the record of partition {record.partition}, offset {record.offset} was not "
        f"taken: {type(fault).__name__}: {fault}. Some of the others were: delete and make the "
        f"topic again before another import"
    )
