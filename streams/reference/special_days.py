"""Read the days on which a venue does not keep its regular hours: the tables and `overrides.csv`.

Kinds: `closed`; `half` (the venue's planned short day); `late_open` and `early_close` (hours the
venue cut on the day itself: weather, mourning); `regular` (an override that says so).
"""

from __future__ import annotations

import csv
import datetime as dt
import importlib.resources
from collections.abc import Iterator
from typing import NamedTuple

from streams.errors import InputError

FIRST_DAY = dt.date(2000, 1, 1)  # DESIGN: a stamp before 2000 is rejected as `past`
LAST_DAY = dt.date(2027, 12, 31)
EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
COLUMNS = ("date", "kind", "open", "close")
KINDS_WITHOUT_HOURS = ("closed", "regular")
KINDS_WITH_HOURS = ("half", "late_open", "early_close")

Row = dict[str, str]


class SpecialDay(NamedTuple):
    """One such day; `open_min` and `close_min` are minutes after local midnight, 0 if none."""

    kind: str
    open_min: int = 0
    close_min: int = 0


def epoch_day(day: dt.date) -> int:
    """Return the days between 1970-01-01 and `day`."""
    return day.toordinal() - EPOCH_ORDINAL


def special_days(table: str) -> dict[int, SpecialDay]:
    """Return the special days of a venue's table by epoch day, overrides applied.

    `table` is the venue's MIC. Raises InputError for a row that says no known kind or time.
    """
    found = dict(_parsed(f"{table.lower()}.csv", None))
    found.update(_parsed("overrides.csv", table))
    return found


def override_days(table: str) -> frozenset[int]:
    """Return the epoch days on which `overrides.csv` speaks for this venue."""
    return frozenset(day for day, _ in _parsed("overrides.csv", table))


def _parsed(file: str, mic: str | None) -> Iterator[tuple[int, SpecialDay]]:
    for line, row in _rows(file):
        if mic is None or row["mic"] == mic:
            try:
                yield _special_day(row)
            except (KeyError, ValueError) as error:
                raise InputError(f"{file}:{line}", f"not a special day: {error}") from error


def _rows(file: str) -> Iterator[tuple[int, Row]]:
    """Yield each data row of a packaged table with its line number, comments left out."""
    text = (importlib.resources.files("streams.reference") / file).read_text(encoding="utf-8")
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if not line.startswith("#"))
    reader = csv.DictReader(lines[first:])
    for row in reader:
        yield first + reader.line_num, row


def _special_day(row: Row) -> tuple[int, SpecialDay]:
    day, kind = epoch_day(dt.date.fromisoformat(row["date"])), row["kind"]
    if kind in KINDS_WITHOUT_HOURS:
        return day, SpecialDay(kind)
    if kind not in KINDS_WITH_HOURS:
        raise ValueError(f"kind {kind!r}")
    return day, SpecialDay(kind, _minutes(row["open"]), _minutes(row["close"]))


def _minutes(text: str) -> int:
    clock = dt.time.fromisoformat(text)
    return 60 * clock.hour + clock.minute
