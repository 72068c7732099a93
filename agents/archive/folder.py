"""Topics kept in a folder: `manifest.json` and a journal a topic. Written whole, checked when read.

`NAME.journal` holds the records of topic NAME in the order in which they were read, which is that
of the topic within each partition. `manifest.json` comes last: a folder without it is unfinished.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from streams.errors import InputError, UsageError
from streams.files import part_of, replace_file, taken
from streams.segment import Segment, loaded, spans

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
UNFINISHED: Final = "unfinished.json"  # what an export that was killed leaves instead
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")  # as Kafka has it
_SEGMENT: Final = re.compile(r"\d{20}\.log")


class ArchivedRecord(msgspec.Struct, array_like=True, frozen=True):
    """One record of a topic, as it stands in the journal: a msgpack array."""

    partition: int
    offset: int  # in the topic it came from
    appended_ms: int  # the broker's time where the topic has LogAppendTime
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes | None


class Range(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was taken of a partition: the offsets in [first, end), as many as there were."""

    partition: int
    first: int
    end: int
    records: int


class ArchivedTopic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One topic in the folder, by its name without the run's prefix."""

    topic: str
    partitions: int  # that it had, taken or not
    ranges: tuple[Range, ...]

    @property
    def records(self) -> int:
        """Return how many records its journal holds."""
        return sum(each.records for each in self.ranges)


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a finished folder holds."""

    format: int
    made: str  # ISO-8601, UTC
    topics: tuple[ArchivedTopic, ...]

    @property
    def records(self) -> int:
        """Return how many records all journals hold."""
        return sum(each.records for each in self.topics)


def journal_of(folder: Path, topic: str) -> Path:
    """Return the folder of a topic's journal."""
    return folder / f"{topic}.journal"


# -- writing


@contextmanager
def begun(folder: Path, topics: Sequence[str]) -> Iterator[Callable[[Manifest], None]]:
    """Make `folder` ready for the journals of `topics`; give what completes it, at the end.

    What a killed export has left there is removed. UsageError: it holds something else, or another
    export is at work in it. InputError: it cannot be written.
    """
    with _locked(folder):
        with _writing(folder):
            _cleared(folder)
            replace_file(folder / UNFINISHED, msgspec.json.encode(list(topics)))
        yield lambda manifest: _complete(folder, manifest)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    try:
        with _writing(folder):
            if not taken(handle):
                raise UsageError(f"{folder}: another export is at work in it")
        yield
    finally:
        os.close(handle)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise InputError(str(folder), f"cannot be written: {fault.strerror}") from fault


def _cleared(folder: Path) -> None:
    if (folder / MANIFEST).exists():
        raise UsageError(f"{folder} holds a finished export; name another folder, or remove it")
    marker = folder / UNFINISHED
    if marker.exists():
        for topic in msgspec.json.decode(marker.read_bytes(), type=list[str]):
            shutil.rmtree(journal_of(folder, topic), ignore_errors=True)
    for part in (MANIFEST, UNFINISHED):
        part_of(folder / part).unlink(missing_ok=True)
    others = sorted(each.name for each in folder.iterdir() if each != marker)
    if others:
        raise UsageError(f"{folder} is not empty ({others[0]}); name an empty or a new folder")


def _complete(folder: Path, manifest: Manifest) -> None:
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    with _writing(folder):
        replace_file(folder / MANIFEST, data)
        (folder / UNFINISHED).unlink()


# -- reading


def read_manifest(folder: Path) -> Manifest:
    """Return what a folder holds; InputError: it is not a finished export, or of another format."""
    path = folder / MANIFEST
    if not path.is_file():
        why = "the export did not finish; run it again" if (folder / UNFINISHED).exists() else (
            "`newsquake journal export` makes such a folder"
        )  # fmt: skip
        raise InputError(str(folder), f"holds no {MANIFEST}: {why}")
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as fault:
        raise InputError(str(path), f"cannot be read: {fault}") from fault
    if manifest.format != FORMAT:
        raise InputError(str(path), f"has format {manifest.format}; this program reads {FORMAT}")
    for each in manifest.topics:
        if not _TOPIC.fullmatch(each.topic):
            raise InputError(str(path), f"{each.topic!r} is not the name of a topic")
    return manifest


def kept_records(folder: Path, topic: ArchivedTopic) -> Iterator[ArchivedRecord]:
    """Yield the records of a topic in their order, without touching a file.

    InputError, while iterating: a record is damaged or missing, with its file, number and byte.
    """
    segments = _segments(journal_of(folder, topic.topic))
    decoder = msgspec.msgpack.Decoder(ArchivedRecord)
    ends = [segment.first for segment in segments[1:]] + [topic.records]
    for segment, end in zip(segments, ends, strict=True):
        for number, payload in _numbered(segment, end):
            try:
                yield decoder.decode(payload)
            except msgspec.DecodeError as fault:
                raise InputError(str(segment.path), f"record {number}: {fault}") from fault


def verify(folder: Path, topic: ArchivedTopic, seen: Callable[[int], None]) -> None:
    """Read a whole topic and compare it with the manifest; InputError: where they differ."""
    path = str(journal_of(folder, topic.topic))
    counts: Counter[int] = Counter()
    following = {each.partition: each.first for each in topic.ranges}
    ends = {each.partition: each.end for each in topic.ranges}
    for number, record in enumerate(kept_records(folder, topic)):
        least = following.get(record.partition)
        if least is None or not least <= record.offset < ends[record.partition]:
            where = f"partition {record.partition}, offset {record.offset}"
            raise InputError(path, f"record {number} ({where}) is none of those in {MANIFEST}")
        following[record.partition] = record.offset + 1
        counts[record.partition] += 1
        seen(1)
    for each in topic.ranges:
        if counts[each.partition] != each.records:
            said = f"{counts[each.partition]} records instead of {each.records}"
            raise InputError(path, f"partition {each.partition} has {said} of {MANIFEST}")


def _segments(journal: Path) -> list[Segment]:
    try:
        names = sorted(each.name for each in journal.iterdir() if _SEGMENT.fullmatch(each.name))
    except OSError as fault:
        raise InputError(str(journal), f"cannot be read: {fault}") from fault
    found = [Segment(int(name[:20]), journal / name) for name in names]
    if not found or found[0].first:
        raise InputError(str(journal), "its first records are missing; put its .log files back")
    return found


def _numbered(segment: Segment, end: int) -> Iterator[tuple[int, memoryview]]:
    """Yield (number, payload) up to record `end`, and nothing may follow that."""
    number, position, data = segment.first, 0, loaded(segment)
    for start, stop in spans(data):
        yield number, data[start:stop]
        number, position = number + 1, stop
    if number != end or position != len(data):
        raise InputError(
            str(segment.path),
            f"record {number} at byte {position} is damaged or missing (the file should end with "
            f"record {end - 1}); put a good copy of the file there, or export again",
        )
