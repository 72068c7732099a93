"""What a journal finds on opening: where it ends, what torn tail is cut, which checkpoint holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from streams.checkpoint_file import CheckpointFile, JournalCheckpoint
from streams.segment import Segment, damaged, intact_after, loaded, records, spans


class Recovery(NamedTuple):
    """The state of a journal's folder once it can be written."""

    next_offset: int
    position: int  # the end of the last segment, in bytes
    cut_bytes: int  # of torn tail
    problems: list[str]  # what was set aside


def recovered(
    segments: Sequence[Segment], checkpoint: CheckpointFile, *, outlives: bool
) -> Recovery:
    """Verify what reading will begin with, cut a torn tail, set unusable checkpoints aside.

    `outlives`: a checkpoint whose records are gone is used all the same, as one of those left.
    JournalError: it is damaged before its tail. OSError: it cannot be read or cut.
    """
    problems: list[str] = []
    found = _usable(checkpoint, problems)
    next_offset, position, cut_bytes = _verified(segments, found.next_offset if found else 0)
    while found and found.next_offset > next_offset:
        lost = f"the checkpoint is at {found.next_offset}, the journal ends at {next_offset}"
        if outlives:
            problems.append(f"{lost}; its state is used, the records between are gone")
            checkpoint.write(next_offset, found.state, durable=True)
            break
        problems.append(checkpoint.set_aside(lost))
        found = _usable(checkpoint, problems)
        next_offset, position, _ = _verified(segments, found.next_offset if found else 0)
    return Recovery(next_offset, position, cut_bytes, problems)


def _usable(checkpoint: CheckpointFile, problems: list[str]) -> JournalCheckpoint | None:
    """Return the newest checkpoint that is whole; what is not is set aside, and noted."""
    if checkpoint.promote():
        problems.append("the newest checkpoint is gone; the one before it is used")
    while True:
        try:
            return checkpoint.read()
        except ValueError as fault:
            problems.append(checkpoint.set_aside(str(fault)))


def _verified(segments: Sequence[Segment], from_offset: int) -> tuple[int, int, int]:
    """Return (next offset, end of the last segment, bytes that were cut)."""
    *earlier, last = segments
    for segment, after in zip(earlier, segments[1:], strict=True):
        if after.first > from_offset:
            for _ in records(segment, after.first):
                pass
    count, position, cut_bytes, data = 0, 0, 0, loaded(last)
    for _, end in spans(data):
        count, position = count + 1, end
    if position < len(data):
        if intact_after(data, position):
            raise damaged(last, last.first + count, position)
        os.truncate(last.path, position)
        cut_bytes = len(data) - position
    return last.first + count, position, cut_bytes
