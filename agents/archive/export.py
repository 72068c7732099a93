"""`newsquake journal export`: a range of topics into a folder, byte for byte."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    KafkaError,
)

from agents.archive.folder import FORMAT, Kept, Manifest, Range, TopicKept, begun, journal_of
from agents.broker.connection import Connection, admin_client
from agents.broker.topics import widths
from agents.machine.clock import elapsed_s, now_ns
from agents.machine.progress_bar import ProgressBar
from agents.machine.terminal import print_json
from streams.errors import NewsquakeError, UsageError
from streams.events import SECOND_NS
from streams.journal import Journal
from streams.times import parse_time
from streams.topics import ALERTS, HEADLINES, MARKET, MOVES, REACTIONS, REJECTS, prefixed

RUN_TOPICS: Final = (HEADLINES, MARKET, REACTIONS, MOVES, ALERTS, REJECTS)
POLL_MS: Final = 500
POLL_RECORDS: Final = 2000
STALL_S: Final = 30.0  # without one record, after which the broker is given up
_MS_NS: Final = 1_000_000
_DATE: Final = re.compile(r"\d{4}-\d")


class Offset(NamedTuple):
    """A border by number."""

    number: int


class Instant(NamedTuple):
    """A border by the time of appending, ms UTC."""

    ms: int


Border = Offset | Instant


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What to take: topics by their names in the run, of all partitions or of one."""

    topics: tuple[str, ...] = RUN_TOPICS
    partition: int | None = None
    first: Border | None = None  # None: the oldest
    end: Border | None = None  # itself not taken; None: what is there now


def border(option: str, text: str | None) -> Border | None:
    """Read an offset or an ISO-8601 time (without a zone: UTC); UsageError: neither."""
    if text is None:
        return None
    if text.isdigit() and len(text) < 19:
        return Offset(int(text))
    instant_ns = parse_time(text) if _DATE.match(text) else None
    if instant_ns is None:
        raise UsageError(
            f"{option} {text}: neither an offset nor a time such as 2025-09-24T02:00:00Z"
        )
    return Instant(-(-instant_ns // _MS_NS))


def run_export(broker: Connection, taken: Taken, folder: Path, *, as_json: bool) -> int:
    """Write the records into `folder` and tell how many they are.

    UsageError: no such partition, a folder that holds something. NewsquakeError: no such topic, the
    broker stops answering, records are deleted by their retention before they were read.
    """
    began_s = elapsed_s()
    with ProgressBar(silent=as_json) as count:
        manifest = exported(broker, taken, folder, count)
    if as_json:
        said = {"folder": str(folder), "records": manifest.records, "topics": manifest.topics}
        said["seconds"] = round(elapsed_s() - began_s, 3)
        print_json(said)
    else:
        for topic in manifest.topics:
            sys.stdout.write(f"{topic.topic}: {topic.records:,} records\n")
        sys.stdout.write(f"{manifest.records:,} records in {folder}\n")
    return 0


def exported(broker: Connection, taken: Taken, folder: Path, count: ProgressBar) -> Manifest:
    """Write the records into `folder` and return its manifest."""
    width = _widths(broker, taken)
    names = {name: prefixed(broker.prefix, name) for name in width}
    with begun(folder, list(width)) as complete, closing(_consumer(broker)) as consumer:
        try:
            # Where each ends is settled for all of them at one moment.
            plans = {name: _plan(consumer, names[name], width[name], taken) for name in names}
            topics = [
                _topic(consumer, name, width[name], plan, folder, count)
                for name, plan in plans.items()
            ]
        except (KafkaError, UnicodeError) as fault:  # the latter: a header's name, not by our rules
            raise NewsquakeError(f"{broker.address}: {type(fault).__name__}: {fault}") from fault
        made = dt.datetime.fromtimestamp(now_ns() // SECOND_NS, dt.UTC).isoformat()
        manifest = Manifest(format=FORMAT, made=made, topics=tuple(topics))
        complete(manifest)
    return manifest


def _widths(broker: Connection, taken: Taken) -> dict[str, int]:
    """Return how many partitions each topic has; NewsquakeError: one is not there."""
    names = {name: prefixed(broker.prefix, name) for name in dict.fromkeys(taken.topics)}
    with closing(admin_client(broker)) as admin:
        found = widths(admin, list(names.values()))
    missing = [name for name in names.values() if not found[name]]
    if missing:
        raise NewsquakeError(
            f"no topic {', '.join(missing)} at {broker.address}; is --prefix right?"
        )
    for name in names.values():
        if taken.partition is not None and taken.partition >= found[name]:
            raise UsageError(f"{name} has partitions 0 to {found[name] - 1}, no {taken.partition}")
    return {short: found[name] for short, name in names.items()}


def _consumer(broker: Connection) -> KafkaConsumer:
    return KafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",  # what retention deletes before it was read is an error
        isolation_level="read_committed",  # put back, what was aborted would come true
        allow_auto_create_topics=False,
        max_poll_records=POLL_RECORDS,
        **broker.client_options(),
    )


# -- where to begin and to end


def _plan(
    consumer: KafkaConsumer, topic: str, width: int, taken: Taken
) -> dict[TopicPartition, range]:
    """Return the offsets to take of each partition, within those that there are."""
    numbers = range(width) if taken.partition is None else [taken.partition]
    parts = [TopicPartition(topic, number) for number in numbers]
    oldest, newest = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
    firsts = oldest if taken.first is None else _offsets(consumer, parts, taken.first, newest)
    ends = newest if taken.end is None else _offsets(consumer, parts, taken.end, newest)
    return {
        part: range(
            min(max(firsts[part], oldest[part]), newest[part]), min(ends[part], newest[part])
        )
        for part in parts
    }


def _offsets(
    consumer: KafkaConsumer,
    parts: Sequence[TopicPartition],
    at: Border,
    newest: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
    if isinstance(at, Offset):
        return dict.fromkeys(parts, at.number)
    found = consumer.offsets_for_times(dict.fromkeys(parts, at.ms))
    return {part: found[part].offset if found.get(part) else newest[part] for part in parts}


# -- copying


def _topic(
    consumer: KafkaConsumer,
    name: str,
    width: int,
    plan: dict[TopicPartition, range],
    folder: Path,
    count: ProgressBar,
) -> TopicKept:
    count.begin(f"reading {name}", sum(map(len, plan.values())))
    encoder, counts = msgspec.msgpack.Encoder(), Counter[int]()
    with Journal.open(journal_of(folder, name)) as journal:
        for record in _read(consumer, plan):
            journal.append(encoder.encode(_kept(record)))
            counts[record.partition] += 1
            count.add(1)
    ranges = tuple(
        Range(
            partition=part.partition,
            first=span.start,
            end=max(span.stop, span.start),
            records=counts[part.partition],
        )
        for part, span in plan.items()
    )
    return TopicKept(topic=name, partitions=width, ranges=ranges)


def _kept(record: Any) -> Kept:  # noqa: ANN401 - kafka-python has no types
    return Kept(
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        tuple(record.headers),
        record.value,
    )


def _read(consumer: KafkaConsumer, plan: dict[TopicPartition, range]) -> Iterator[Any]:
    """Yield the records of the ranges; compaction and transactions leave gaps in them."""
    unread = {part: span for part, span in plan.items() if span}
    consumer.assign(list(unread))
    for part, span in unread.items():
        consumer.seek(part, span.start)
    heard_s = elapsed_s()
    while unread:
        polled = consumer.poll(POLL_MS)
        for part, records in polled.items():
            yield from (record for record in records if record.offset in plan[part])
        at = {part: consumer.position(part) for part in unread}
        for part in [part for part in unread if at[part] >= plan[part].stop]:
            consumer.pause(part)
            del unread[part]
        if polled:
            heard_s = elapsed_s()
        elif elapsed_s() - heard_s > STALL_S:
            part = next(iter(unread))
            raise NewsquakeError(
                f"{part.topic}: nothing has come for {STALL_S:.0f} s, with partition "
                f"{part.partition} at {at[part]} of {plan[part].stop}; run it again"
            )
