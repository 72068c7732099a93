"""`newsquake journal import`: the records of a folder into topics, byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from agents.archive.folder import ArchivedRecord, ArchivedTopic, kept_records, read_manifest, verify
from agents.broker.connection import Admin, BrokerError, Connection, admin_client
from agents.broker.reading import held_of
from agents.broker.topics import creation, widths
from agents.broker.writing import RawRecord, TopicWriter
from agents.machine.clock import elapsed_s
from agents.machine.progress_bar import ProgressBar
from agents.machine.terminal import print_json
from streams.errors import NewsquakeError, UsageError
from streams.logs import logger
from streams.topics import prefixed

log = logger(__name__)


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
    with closing(TopicWriter(broker, count.add)) as writer:
        for name, kept in targets.items():
            count.begin(f"writing {name}", kept.records)
            try:
                _send(writer, name, kept_records(folder, kept))
            except BrokerError as fault:
                raise _refused(fault) from fault
            log.debug("topic restored", topic=name, records=kept.records, folder=str(folder))
    return [Imported(name, kept.records) for name, kept in targets.items()]


def _targets(folder: Path, topic: str | None, prefix: str) -> dict[str, ArchivedTopic]:
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
    admin: Admin,
    broker: Connection,
    targets: dict[str, ArchivedTopic],
    *,
    append: bool,
    say: Callable[[str], None],
) -> None:
    """Refuse, all at once, the topics that are not there, too narrow, or not empty."""
    found = widths(broker, list(targets))
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
        elif not append and (there := sum(map(len, held_of(admin, name, width).values()))):
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


def _missing(broker: Connection, name: str, kept: ArchivedTopic) -> str:
    return f"no topic {name}: {creation(broker)}, with the {kept.partitions} partitions it had"


# -- sending


def _send(writer: TopicWriter, topic: str, records: Iterable[ArchivedRecord]) -> None:
    """Send all records and wait until the broker has every one of them."""
    for each in records:
        name = f"{topic}: the record of partition {each.partition}, offset {each.offset}"
        writer.send(topic, RawRecord(each.partition, each.key, each.value, each.headers, name))
    writer.flush()


def _refused(fault: BrokerError) -> NewsquakeError:
    return NewsquakeError(
        f"{fault}. Some of the others were: delete and make the topic again before another import"
    )
