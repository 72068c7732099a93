"""What a journal finds on opening: where it ends, what torn tail is cut, which checkpoint holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from streams.checkpoint_file import CheckpointFile
from streams.segment import Segment, damaged, intact_after, loaded, records, spans


class Recovery(NamedTuple):
    """The state of a journal's folder once it can be written."""

    next_offset: int
    position: int  # the end of the last segment, in bytes
    cut_bytes: int  # of torn tail
    problems: list[str]  # what was set aside


def recovered(segments: Sequence[Segment], checkpoint: CheckpointFile) -> Recovery:
    """Verify what reading will begin with, cut a torn tail, set an unusable checkpoint aside.

    JournalError: it is damaged before its tail. OSError: it cannot be read or cut.
    """
    problems: list[str] = []
    known: int | None = None
    try:
        found = checkpoint.read()
        known = found[0] if found else None
    except ValueError as fault:
        problems.append(checkpoint.set_aside(str(fault)))
    next_offset, position, cut_bytes = _verified(segments, known or 0)
    if known is not None and known > next_offset:
        problem = f"the checkpoint is at {known}, the journal ends at {next_offset}"
        problems.append(checkpoint.set_aside(problem))
    return Recovery(next_offset, position, cut_bytes, problems)


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
