"""Reading a topic to its end, and how far a group is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from agents.broker.connection import Connection
from streams.errors import NewsquakeError

POLL_MS: Final = 500

SILENT_POLLS: Final = 60  # half a minute without a record that must be there


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
