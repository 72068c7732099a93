"""`newsquake journal export`: a range of topics into a folder, byte for byte."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from agents.archive.folder import (
    FORMAT,
    ArchivedRecord,
    ArchivedTopic,
    Manifest,
    Range,
    begun,
    journal_of,
)
from agents.broker.connection import Connection, broker_errors
from agents.broker.reading import TopicReader
from agents.broker.topics import widths
from agents.machine.clock import elapsed_s, now_ns
from agents.machine.progress_bar import ProgressBar
from agents.machine.terminal import print_json
from streams.errors import NewsquakeError, UsageError
from streams.events import SECOND_NS
from streams.journal import Journal
from streams.logs import logger
from streams.times import parse_time
from streams.topics import ALERTS, HEADLINES, MARKET, MOVES, REACTIONS, REJECTS, prefixed

RUN_TOPICS: Final = (HEADLINES, MARKET, REACTIONS, MOVES, ALERTS, REJECTS)
_MS_NS: Final = 1_000_000
_DATE: Final = re.compile(r"\d{4}-\d")

log = logger(__name__)


class OffsetBound(NamedTuple):
    """A bound by number."""

    number: int


class TimeBound(NamedTuple):
    """A bound by the time of appending, ms UTC."""

    ms: int


Bound = OffsetBound | TimeBound


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What to take: topics by their names in the run, of all partitions or of one."""

    topics: tuple[str, ...] = RUN_TOPICS
    partition: int | None = None
    first: Bound | None = None  # None: the oldest
    end: Bound | None = None  # itself not taken; None: what is there now


def bound(option: str, text: str | None) -> Bound | None:
    """Read an offset or an ISO-8601 time (without a zone: UTC); UsageError: neither."""
    if text is None:
        return None
    if text.isdigit() and len(text) < 19:
        return OffsetBound(int(text))
    instant_ns = parse_time(text) if _DATE.match(text) else None
    if instant_ns is None:
        raise UsageError(
            f"{option} {text}: neither an offset nor a time such as 2025-09-24T02:00:00Z"
        )
    return TimeBound(-(-instant_ns // _MS_NS))


def run_export(broker: Connection, selection: Selection, folder: Path, *, as_json: bool) -> int:
    """Write the records into `folder` and tell how many they are.

    UsageError: no such partition, a folder that holds something. NewsquakeError: no such topic, the
    broker stops answering, records are deleted by their retention before they were read.
    """
    began_s = elapsed_s()
    with ProgressBar(silent=as_json) as count:
        manifest = exported(broker, selection, folder, count)
    if as_json:
        said = {"folder": str(folder), "records": manifest.records, "topics": manifest.topics}
        said["seconds"] = round(elapsed_s() - began_s, 3)
        print_json(said)
    else:
        for topic in manifest.topics:
            sys.stdout.write(f"{topic.topic}: {topic.records:,} records\n")
        sys.stdout.write(f"{manifest.records:,} records in {folder}\n")
    return 0


def exported(
    broker: Connection, selection: Selection, folder: Path, count: ProgressBar
) -> Manifest:
    """Write the records into `folder` and return its manifest."""
    width = _widths(broker, selection)
    names = {name: prefixed(broker.prefix, name) for name in width}
    with begun(folder, list(width)) as complete, closing(_reader(broker)) as reader:
        try:
            with broker_errors(broker):
                # Where each ends is settled for all of them at one moment.
                plans = {n: _plan(reader, names[n], width[n], selection) for n in names}
                topics = [
                    _topic(reader, name, names[name], width[name], plan, folder, count)
                    for name, plan in plans.items()
                ]
        except UnicodeError as fault:  # a header's name, not by our rules
            raise NewsquakeError(f"{broker.address}: {type(fault).__name__}: {fault}") from fault
        made = dt.datetime.fromtimestamp(now_ns() // SECOND_NS, dt.UTC).isoformat()
        manifest = Manifest(format=FORMAT, made=made, topics=tuple(topics))
        complete(manifest)
    return manifest


def _widths(broker: Connection, selection: Selection) -> dict[str, int]:
    """Return how many partitions each topic has; NewsquakeError: one is not there."""
    names = {name: prefixed(broker.prefix, name) for name in dict.fromkeys(selection.topics)}
    found = widths(broker, list(names.values()))
    missing = [name for name in names.values() if not found[name]]
    if missing:
        raise NewsquakeError(
            f"no topic {', '.join(missing)} at {broker.address}; is --prefix right?"
        )
    for name in names.values():
        if selection.partition is not None and selection.partition >= found[name]:
            raise UsageError(
                f"{name} has partitions 0 to {found[name] - 1}, no {selection.partition}"
            )
    return {short: found[name] for short, name in names.items()}


def _reader(broker: Connection) -> TopicReader:
    # Put back, what was aborted would come true; what retention deletes before it was read is missing.
    return TopicReader(broker, committed=True, gaps_are_errors=True)


# -- where to begin and to end


def _plan(reader: TopicReader, topic: str, width: int, selection: Selection) -> dict[int, range]:
    """Return the offsets to take of each partition, within those that there are."""
    numbers = range(width) if selection.partition is None else [selection.partition]
    held = reader.held(topic, numbers)
    firsts = _offsets(reader, topic, selection.first, {n: held[n].start for n in numbers})
    ends = _offsets(reader, topic, selection.end, {n: held[n].stop for n in numbers})
    return {
        n: range(
            min(max(firsts[n], held[n].start), held[n].stop),
            min(ends[n], held[n].stop),
        )
        for n in numbers
    }


def _offsets(
    reader: TopicReader, topic: str, at: Bound | None, otherwise: dict[int, int]
) -> dict[int, int]:
    match at:
        case None:
            return otherwise
        case OffsetBound(number):
            return dict.fromkeys(otherwise, number)
        case TimeBound(ms):
            return reader.first_since(topic, otherwise, ms)


# -- copying


def _topic(
    reader: TopicReader,
    name: str,
    topic: str,
    width: int,
    plan: dict[int, range],
    folder: Path,
    count: ProgressBar,
) -> ArchivedTopic:
    """Copy a topic's records into its journal; `name` is the topic's without the run's prefix."""
    count.begin(f"reading {name}", sum(map(len, plan.values())))
    encoder, counts = msgspec.msgpack.Encoder(), Counter[int]()
    with Journal.open(journal_of(folder, name), private=False) as journal:
        for message in reader.read(topic, plan):
            journal.append(encoder.encode(_archived(message)))
            counts[message.partition] += 1
            count.add(1)
    ranges = tuple(
        Range(partition=n, first=span.start, end=max(span.stop, span.start), records=counts[n])
        for n, span in plan.items()
    )
    log.debug("topic archived", topic=topic, partitions=len(plan), records=sum(counts.values()))
    return ArchivedTopic(topic=name, partitions=width, ranges=ranges)


def _archived(message: Any) -> ArchivedRecord:  # noqa: ANN401 - kafka-python has no types
    return ArchivedRecord(
        message.partition,
        message.offset,
        message.timestamp,
        message.key,
        tuple(message.headers),
        message.value,
    )
