"""Read somebody's labelled file: JSON Lines, a bad row skipped and counted with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from agents.evaluation.agreement import Row
from streams.errors import InputError, RecordError

SHOWN_REASONS: Final = 5
Parsed = TypeVar("Parsed")


class Skipped:
    """Counts the rows that could not be used and keeps the first reasons."""

    def __init__(self) -> None:
        self.count = 0
        self.reasons: list[str] = []

    def add(self, line: int, reason: str) -> None:
        """Count a row."""
        self.count += 1
        if len(self.reasons) < SHOWN_REASONS:
            self.reasons.append(f"line {line}: {reason}")

    def report(self) -> dict[str, Any]:
        """Return what a result says of them."""
        return {"skipped": self.count, "skipped_reasons": self.reasons}


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the numbered lines of a file that are not blank."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                text = line.removeprefix(b"\xef\xbb\xbf").strip()
                if text:
                    yield number, text
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror or error}") from error


def _object(line: bytes) -> Row:
    """Decode one line; raises RecordError where it is no JSON object."""
    row = msgspec.json.decode(line)
    if not isinstance(row, dict):
        raise RecordError("not_an_object", "a row must be a JSON object")
    return row


def read_rows(path: Path, parse: Callable[[Row], Parsed]) -> tuple[list[Parsed], Skipped]:
    """Parse every row; raises InputError if not one of them can be used."""
    usable: list[Parsed] = []
    skipped = Skipped()
    for number, line in _lines(path):
        try:
            usable.append(parse(_object(line)))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            skipped.add(number, f"not JSON: {error}")
        except RecordError as error:
            skipped.add(number, str(error))
    if not usable:
        first = f"; {skipped.reasons[0]}" if skipped.reasons else ""
        raise InputError(str(path), f"has no usable row{first}")
    return usable, skipped
