"""The numbers of live rows, kept so that no number is ever given to two rows, whatever happens."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from streams.errors import JournalError
from streams.files import PRIVATE_FILE, make_folder, replace_file
from streams.logs import logger

AHEAD: Final = 100_000  # numbers reserved in one write: a write every few seconds of a busy market
MOST: Final = 2**62  # a number kept above it is none of ours; what is counted on from it fits int64
_RUN: Final = re.compile(r"[0-9a-f]{16}")

log = logger(__name__)


class _Kept(msgspec.Struct, frozen=True):
    """The file: every number that may have been used lies below these."""

    run: str
    rows: tuple[int, ...]  # one a partition
    points: dict[str, int]  # one a broadcast listing


class Numbering:
    """Where the rows of a run go on, in a small file (None: nowhere, for tests and dry runs).

    The file holds bounds, not counts, and is written before a number at or above its bound leaves;
    so after kill -9 numbering goes on above all that was used: some numbers are skipped, which
    receivers count as a gap, and none is used again. After `close` it goes on where it stopped.
    Another number of partitions, or a file that is no numbering, begins another run. JournalError:
    the file cannot be written.
    """

    def __init__(self, path: Path | None, partitions: int) -> None:
        self._path = path
        kept = _read(path) if path else None
        if kept is None or len(kept.rows) != partitions:
            kept = _Kept(uuid.uuid4().hex[:16], (0,) * partitions, {})
        self.run, self.rows, self.points = kept.run, list(kept.rows), dict(kept.points)
        self._bound = kept

    def reserve(self, rows: Sequence[int], points: Mapping[str, int]) -> None:
        """Let all numbers below `rows` (by partition) and `points` (by listing) be used."""
        covered = self._bound
        if all(map(int.__le__, rows, covered.rows)) and all(
            number <= covered.points.get(listing, 0) for listing, number in points.items()
        ):
            return
        above = {listing: number + AHEAD for listing, number in points.items()}
        self._write(tuple(number + AHEAD for number in rows), covered.points | above)

    def close(self, rows: Sequence[int], points: Mapping[str, int]) -> None:
        """Remember exactly what was used: the next process goes on without a gap."""
        self._write(tuple(rows), self._bound.points | dict(points))

    def _write(self, rows: tuple[int, ...], points: dict[str, int]) -> None:
        self._bound = _Kept(self.run, rows, points)
        if self._path is None:
            return
        part = self._path.with_suffix(".part")
        try:
            if not self._path.parent.is_dir():
                make_folder(self._path.parent, private=True)
            data = msgspec.json.encode(self._bound)
            replace_file(self._path, data, mode=PRIVATE_FILE, part=part)
        except OSError as fault:
            raise JournalError(str(self._path), f"cannot be written: {fault}") from fault


def _read(path: Path) -> _Kept | None:
    """Return what is kept, None where nothing is or it is no numbering: then it is said."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as fault:
        why = str(fault)
    else:
        numbers = (*kept.rows, *kept.points.values())
        if _RUN.fullmatch(kept.run) and all(0 <= number <= MOST for number in numbers):
            return kept
        why = "a name of a run or a number that was never given"
    log.warning("numbers of rows begin again, for another run", file=str(path), why=why)
    return None
