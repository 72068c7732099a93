"""What a replay's workers have made, read back from the topics: each output once.

Workers deliver at least once. Every output names its origin: the partition of `market`, the epoch
of the worker, the record it followed from. The state says whose work counts up to which record
(`ledger.valid_turns`), so that what was done again after a crash is told from what it replaces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, cast

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from agents.broker.connection import Connection
from agents.reacting.engine import EngineHead
from agents.workers.checkpoints import found, newer, valid_turns
from agents.workers.partition import ORIGIN
from streams.errors import NewsquakeError
from streams.events import Alert, Move, Output, Reaction, Reject
from streams.messages import from_message
from streams.topics import ALERTS, MOVES, REACTIONS, REJECTS, prefixed

TOPICS: Final[dict[str, type]] = {
    REACTIONS: Reaction,
    MOVES: Move,
    ALERTS: Alert,
    REJECTS: Reject,
}
POLL_MS: Final = 500
SILENT_POLLS: Final = 60  # half a minute without a record that must be there


class Origin(NamedTuple):
    """Where an output comes from."""

    partition: int  # of the topic its worker reads
    epoch: int
    offset: int
    number: int  # within the epoch


class Lag(NamedTuple):
    """How far a group is behind on a topic."""

    done: int  # records acknowledged
    total: int


def lag_of(admin: KafkaAdminClient, group: str, topic: str, partitions: int) -> Lag | None:
    """Return how many records of a topic a group has acknowledged, and how many there are.

    None: nobody can tell just now, as while a broker starts or nobody has joined the group yet.
    """
    places = [TopicPartition(topic, number) for number in range(partitions)]
    try:
        ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        committed = admin.list_group_offsets({group: places})[group]
    except KafkaError as fault:
        if not fault.retriable:
            raise
        return None
    done = [committed[place].offset for place in places if place in committed]
    return Lag(sum(max(each, 0) for each in done), sum(ends[place].offset for place in places))


def state_of(broker: Connection, changelog: str) -> dict[bytes, bytes]:
    """Return the newest version of every key in a changelog, as a worker reads it back."""
    table: dict[bytes, bytes] = {}
    for message in records_of(broker, changelog):
        if message.value is None:
            table.pop(message.key, None)
        elif newer(message.value, table.get(message.key)):
            table[message.key] = message.value
    return table


class Collected(NamedTuple):
    """All outputs of a run, and what its engines have counted."""

    outputs: list[Output]
    counts: Counter[str]


def collect(broker: Connection, changelog: str, partitions: int) -> Collected:
    """Return what the react workers of a finished run have made; each partition's in its order."""
    table = state_of(broker, changelog)
    valid: dict[tuple[int, int], tuple[int, int]] = {}
    counts: Counter[str] = Counter()
    for partition in range(partitions):
        kept = found(partition, table)
        if kept is None:
            raise NewsquakeError(f"{changelog}: no checkpoint of partition {partition}")
        head, cells = kept
        for epoch, first, last in valid_turns(head.turns):
            valid[partition, epoch] = first, last
        for name, count in msgspec.msgpack.decode(cells["head"], type=EngineHead).counts.items():
            counts[name] += count
    return Collected(_outputs(broker, valid), counts)


def _outputs(broker: Connection, valid: dict[tuple[int, int], tuple[int, int]]) -> list[Output]:
    outputs: dict[Origin, Output] = {}
    for topic, kind in TOPICS.items():
        for message in records_of(broker, prefixed(broker.prefix, topic)):
            origin = origin_of(message.headers)
            if origin is None:  # of somebody else
                continue
            first, last = valid.get((origin.partition, origin.epoch), (1, 0))
            if first <= origin.offset <= last:
                record = from_message(message.value, message.headers, kind)
                outputs[origin] = cast("Output", record)
    return [outputs[origin] for origin in sorted(outputs)]


def origin_of(headers: Any) -> Origin | None:  # noqa: ANN401 - a list of pairs, or None
    """Return where an output says it comes from."""
    text = dict(headers or ()).get(ORIGIN)
    return Origin(*map(int, text.split(b":"))) if text else None


def records_of(broker: Connection, topic: str) -> Iterator[Any]:
    """Yield the messages that a topic holds now, each partition's in order.

    NewsquakeError: the topic is not there, or the broker stops answering.
    """
    consumer = KafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=16 * 2**20,
        **broker.client_options(),
    )
    try:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise NewsquakeError(f"no topic {topic} at {broker.address}")
        places = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        yield from _until(consumer, consumer.end_offsets(places), topic)
    finally:
        consumer.close()


def _until(consumer: KafkaConsumer, ends: dict[TopicPartition, int], topic: str) -> Iterator[Any]:
    silent = 0
    while any(consumer.position(place) < end for place, end in ends.items()):
        found_now = consumer.poll(timeout_ms=POLL_MS)
        silent = 0 if found_now else silent + 1
        if silent > SILENT_POLLS:
            raise NewsquakeError(f"{topic}: the broker does not hand out what it holds")
        for place, messages in found_now.items():
            for message in messages:
                if message.offset < ends[place]:
                    yield message
