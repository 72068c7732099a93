"""One file of the journal: frames of u32 length, u32 crc32 (both little-endian), payload.

A segment is named by the number of its first record: `00000000000000000000.log`.
"""

from __future__ import annotations

import re
import shlex
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from streams.errors import JournalError
from streams.files import open_file

FRAME: Final = struct.Struct("<II")
MAX_RECORD: Final = 256 * 2**20  # bytes; a length above it is damage
# The crc starts from the length and this word, so that a flipped length is found as well, and a
# run of zero bytes (what a file system may leave after a power cut) is not a run of empty records.
_SEED: Final = 0x4E51
_SEARCH_BYTES: Final = 2**30  # of checksums, about a second, before a search gives up
SEGMENT_NAME: Final = re.compile(r"\d{20}\.log")


class Segment(NamedTuple):
    """A file of records; `first` is the number of its first one."""

    first: int
    path: Path


def segment_of(folder: Path, first: int) -> Segment:
    """Return the segment that begins with record `first`, whether it exists or not."""
    return Segment(first, folder / f"{first:020d}.log")


def segments(folder: Path, *, private: bool = True) -> list[Segment]:
    """Return the folder's segments in order, an empty one made where there are none.

    JournalError: the first records are missing.
    """
    names = sorted(each.name for each in folder.iterdir() if SEGMENT_NAME.fullmatch(each.name))
    found = [segment_of(folder, int(name[:20])) for name in names] or [segment_of(folder, 0)]
    if not names:
        open_file(found[0].path, "ab", private=private).close()
    if found[0].first:
        last = found[0].first - 1
        raise JournalError(str(folder), f"records 0..{last} are gone; put their .log files back")
    return found


def loaded(segment: Segment) -> memoryview:
    """Return the bytes of the file; JournalError: it cannot be read."""
    try:
        return memoryview(segment.path.read_bytes())
    except OSError as fault:
        raise JournalError(str(segment.path), f"cannot be read: {fault}") from fault


def records(segment: Segment, end: int) -> Iterator[tuple[int, memoryview]]:
    """Yield (number, payload) up to record `end`; JournalError where one is not there."""
    offset, position, data = segment.first, 0, loaded(segment)
    for start, stop in spans(data):
        if offset == end:
            return
        position = stop
        yield offset, data[start:stop]
        offset += 1
    if offset < end:
        raise damaged(segment, offset, position)


def position_of(segment: Segment, offset: int) -> int:
    """Return the byte at which record `offset` begins or would; JournalError: damage before it."""
    number, position = segment.first, 0
    for _, stop in spans(loaded(segment)):
        if number == offset:
            break
        number, position = number + 1, stop
    if number < offset:
        raise damaged(segment, number, position)
    return position


def damaged(segment: Segment, offset: int, position: int) -> JournalError:
    """Return the error that names the place and both ways to mend it."""
    return JournalError(
        str(segment.path),
        f"record {offset} at byte {position} is damaged or missing, and records follow it. Put "
        f"back a copy of the file, or give up this record and all after it: remove the later .log "
        f"files and run: truncate -s {position} {shlex.quote(str(segment.path))}",
    )


def framed_head(payload: bytes | memoryview) -> bytes:
    """Return the eight bytes that go before `payload`."""
    size = len(payload)
    return FRAME.pack(size, zlib.crc32(payload, _SEED ^ size))


def spans(data: memoryview) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of each payload, up to the first record that is not intact."""
    unpack, head, total = FRAME.unpack_from, FRAME.size, len(data)
    position = 0
    while position + head <= total:
        size, crc = unpack(data, position)
        start = position + head
        position = start + size
        if position > total or size > MAX_RECORD:
            return
        if zlib.crc32(data[start:position], _SEED ^ size) != crc:
            return
        yield start, position


def intact_after(data: memoryview, position: int) -> bool:
    """Tell whether any intact record begins after `position`, where one is damaged.

    It tells a torn tail from damage in the middle. True as well when the search would take too
    long: then nothing may be cut without being asked.
    """
    tail = bytes(data[position + 1 :])
    beginnings = len(tail.rstrip(b"\0"))  # a record's head is never all zeros
    budget = _SEARCH_BYTES
    for start, size in _plausible(tail, beginnings):
        end = start + FRAME.size + size
        if zlib.crc32(tail[start + FRAME.size : end], _SEED ^ size) == _crc_at(tail, start):
            return True
        budget -= FRAME.size + size
        if budget < 0:
            return True
    return False


def _crc_at(tail: bytes, start: int) -> int:
    crc: int = FRAME.unpack_from(tail, start)[1]
    return crc


def _plausible(tail: bytes, beginnings: int) -> Iterator[tuple[int, int]]:
    """Yield (start, size) wherever four bytes, read as a length, stay inside `tail`."""
    for shift in range(4):
        words = (len(tail) - shift) // 4
        sizes = np.frombuffer(tail, "<u4", max(words, 0), min(shift, len(tail)))
        starts = np.arange(len(sizes), dtype=np.int64) * 4 + shift
        fits = (starts + FRAME.size + sizes <= len(tail)) & (starts < beginnings)
        yield from zip(starts[fits].tolist(), sizes[fits].tolist(), strict=True)
