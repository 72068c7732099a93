"""Reading topics: to their end, in a range, or as they grow; and how far a group is behind.

The one place that polls a consumer. Messages are kafka-python's own, which have no types: `topic`,
`partition`, `offset`, `timestamp` (ms), `key`, `value`, `headers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from agents.broker.connection import Admin, Connection
from agents.machine.clock import elapsed_s
from streams.errors import NewsquakeError

POLL_MS: Final = 500
POLL_RECORDS: Final = 2000
STALL_S: Final = 30.0  # without one record, after which the broker is given up
FETCH_BYTES: Final = 16 * 2**20  # of one partition: a cell of a changelog may have 8 MiB


class Lag(NamedTuple):
    """How far a group is behind on a topic."""

    done: int  # records acknowledged
    total: int


def lag_of(admin: Admin, group: str, topic: str, partitions: int) -> Lag | None:
    """Return how many records of a topic a group has acknowledged, and how many there are.

    None: nobody can tell just now, as while a broker starts or nobody has joined the group yet.
    """
    places = _places(topic, range(partitions))
    try:
        ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        committed = admin.list_group_offsets({group: places})[group]
    except KafkaError as fault:
        if not fault.retriable:
            raise
        return None
    done = [committed[place].offset for place in places if place in committed]
    return Lag(sum(max(each, 0) for each in done), sum(ends[place].offset for place in places))


def unread_of(admin: Admin, group: str | None, topic: str, partitions: int) -> dict[int, int]:
    """Return the records of each partition that a group has not acknowledged; None: of no group."""
    places = _places(topic, range(partitions))
    held = held_of(admin, topic, partitions)
    read = admin.list_group_offsets({group: places})[group] if group else {}
    done = {place.partition: read[place].offset for place in places if place in read}
    return {
        number: each.stop - max(done.get(number, 0), each.start) for number, each in held.items()
    }


def held_of(admin: Admin, topic: str, partitions: int) -> dict[int, range]:
    """Return the offsets that each partition holds, from the oldest to behind the newest."""
    places = _places(topic, range(partitions))
    oldest = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    newest = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    return {p.partition: range(oldest[p].offset, newest[p].offset) for p in places}


class TopicReader:
    """A consumer in no group: what it has read is for its caller to remember."""

    def __init__(
        self, broker: Connection, *, committed: bool = False, gaps_are_errors: bool = False
    ) -> None:
        """`committed`: leave out what a transaction has aborted.

        `gaps_are_errors`: raise where retention deletes what was not read yet; else go on with the
        oldest there is.
        """
        self._consumer = KafkaConsumer(
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none" if gaps_are_errors else "earliest",
            isolation_level="read_committed" if committed else "read_uncommitted",
            allow_auto_create_topics=False,
            max_poll_records=POLL_RECORDS,
            max_partition_fetch_bytes=FETCH_BYTES,
            **broker.client_options(),
        )

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def partitions(self, topic: str) -> list[int]:
        """Return the partitions of a topic, none where it is not there."""
        return sorted(self._consumer.partitions_for_topic(topic) or ())

    def held(self, topic: str, partitions: Iterable[int]) -> dict[int, range]:
        """Return the offsets that each partition holds, from the oldest to behind the newest."""
        places = _places(topic, partitions)
        oldest = self._consumer.beginning_offsets(places)
        newest = self._consumer.end_offsets(places)
        return {p.partition: range(oldest[p], newest[p]) for p in places}

    def first_since(self, topic: str, partitions: Iterable[int], ms: int) -> dict[int, int]:
        """Return the first offset appended at a time (ms UTC) or later, the end where there is none."""
        places = _places(topic, partitions)
        found = self._consumer.offsets_for_times(dict.fromkeys(places, ms))
        ends = self._consumer.end_offsets(places)
        return {p.partition: found[p].offset if found.get(p) else ends[p] for p in places}

    def read(self, topic: str, spans: Mapping[int, range]) -> Iterator[Any]:
        """Yield the messages in a range of offsets of each partition, each partition's in order.

        Compaction and transactions leave gaps in them. NewsquakeError: the broker hands out nothing
        for half a minute.
        """
        unread = {TopicPartition(topic, n): span for n, span in spans.items() if span}
        self._consumer.assign(list(unread))
        for place, span in unread.items():
            self._consumer.seek(place, span.start)
        heard_s = elapsed_s()
        while unread:
            polled = self._consumer.poll(POLL_MS)
            for place, messages in polled.items():
                yield from (each for each in messages if each.offset in spans[place.partition])
            at = {place: self._consumer.position(place) for place in unread}
            for place in [place for place in unread if at[place] >= unread[place].stop]:
                self._consumer.pause(place)
                del unread[place]
            if polled:
                heard_s = elapsed_s()
            elif elapsed_s() - heard_s > STALL_S:
                place = next(iter(unread))
                raise NewsquakeError(
                    f"{topic}: nothing has come for {STALL_S:.0f} s, with partition "
                    f"{place.partition} at {at[place]} of {unread[place].stop}; run it again"
                )

    def follow(self, places: Iterable[tuple[str, int]]) -> None:
        """Read these partitions (topic, number) from now on by `poll`, each from where `seek` says."""
        self._consumer.assign([TopicPartition(topic, number) for topic, number in places])

    def seek(self, topic: str, partition: int, offset: int | None) -> None:
        """Go on with an offset of a followed partition; None: with the oldest there is."""
        place = TopicPartition(topic, partition)
        if offset is None:
            self._consumer.seek_to_beginning(place)
        else:
            self._consumer.seek(place, offset)

    def poll(self, limit_ms: int) -> Iterator[tuple[str, int, list[Any]]]:
        """Yield what has come of the followed partitions: topic, number, messages in order."""
        for place, messages in self._consumer.poll(limit_ms).items():
            yield place.topic, place.partition, messages


def records_of(broker: Connection, topic: str) -> Iterator[Any]:
    """Yield the messages that a topic holds now, each partition's in order.

    NewsquakeError: the topic is not there, or the broker stops answering.
    """
    with closing(TopicReader(broker)) as reader:
        numbers = reader.partitions(topic)
        if not numbers:
            raise NewsquakeError(f"no topic {topic} at {broker.address}")
        yield from reader.read(topic, reader.held(topic, numbers))


def _places(topic: str, partitions: Iterable[int]) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in partitions]
