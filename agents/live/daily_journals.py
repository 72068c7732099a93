"""A pair of journals a day, so that a run which goes on for months gives its disk back."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from agents.live.told_alerts import TOLD
from streams.checkpoint_file import BEFORE, NEWEST, CheckpointFile
from streams.errors import JournalError
from streams.events import SECOND_NS
from streams.journal import Journal
from streams.journal_files import LOCK, is_journal, remove_empty, remove_journal

KEPT_DAYS: Final = 7  # with the one at work
INPUTS: Final = "inputs"
OUTPUTS: Final = "outputs"
_NAME: Final = re.compile(r"\d{4}-\d\d-\d\d")
Pair = tuple[Journal, Journal]  # inputs, outputs


class Days:
    """The folders of the days, named by the UTC date on which each began."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._day = ""
        self._pair: Pair | None = None

    def newest(self, now_ns: int) -> Pair:
        """Return the journals of the newest day, made if there is none. JournalError: in use."""
        # One in which nothing was done yet is one whose beginning was cut off: the day before has it all.
        begun = [name for name in self._names() if _is_begun(self._path(name))]
        return self._open(begun[-1] if begun else _date(now_ns))

    @property
    def path(self) -> Path:
        """Return the folder of the day at work."""
        return self._path(self._day)

    @property
    def before(self) -> Path | None:
        """Return the folder of the day before the one at work, None where there is none."""
        names = [name for name in self._names() if name < self._day]
        return self._path(names[-1]) if names else None

    def state_before(self) -> bytes | None:
        """Return the state with which the day before has ended and this one begun, None: it is not there."""
        if self.before is None:
            return None
        with suppress(OSError, ValueError):
            if kept := CheckpointFile(self.before / OUTPUTS, private=True).read():
                return kept.state
        return None

    def over(self, now_ns: int) -> bool:
        """Tell whether the day at work is past."""
        return _date(now_ns) > self._day

    def begin(self, now_ns: int, state: bytes) -> Pair:
        """Return the journals of a new day, whose first checkpoint is `state`; close the old ones."""
        self.close()
        day = _date(now_ns)
        if not _is_begun(self._path(day)):
            self._remove(day)  # its beginning was cut off
        inputs, outputs = self._open(day)
        outputs.checkpoint(state)
        for name in self._names()[:-KEPT_DAYS]:
            self._remove(name)
        return inputs, outputs

    def _remove(self, day: str) -> None:
        """Remove what a run has made in a day's folder, and the folder if nothing else is there."""
        path = self._path(day)
        with suppress(OSError):  # what stays is found when the next day begins
            for name in (INPUTS, OUTPUTS):
                remove_journal(path / name)
            (path / TOLD).unlink(missing_ok=True)
        remove_empty([path])

    def close(self) -> None:
        """Let others open the journals."""
        for journal in self._pair or ():
            journal.close()
        self._pair = None

    def _open(self, day: str) -> Pair:
        path = self._path(day)
        inputs = Journal.open(path / INPUTS)
        try:
            outputs = Journal.open(path / OUTPUTS, outlives=True)
        except JournalError:
            inputs.close()
            raise
        self._day, self._pair = day, (inputs, outputs)
        return self._pair

    def _names(self) -> list[str]:
        """Return the days of which there are journals, and folders that are named so by others not."""
        if not self._folder.is_dir():
            return []
        days = (each for each in self._folder.iterdir() if _NAME.fullmatch(each.name))
        return sorted(each.name for each in days if _is_day(each))

    def _path(self, day: str) -> Path:
        return self._folder / day


def _date(now_ns: int) -> str:
    return dt.datetime.fromtimestamp(now_ns // SECOND_NS, dt.UTC).date().isoformat()


def _is_day(path: Path) -> bool:
    return not path.is_symlink() and is_journal(path / INPUTS) and (path / INPUTS / LOCK).exists()


def _is_begun(path: Path) -> bool:
    """Tell whether a run has done anything on that day: then it holds what no other day has."""
    checkpoints = (path / OUTPUTS / name for name in (NEWEST, BEFORE))
    return any(each.exists() for each in checkpoints) or any(
        each.stat().st_size for each in (path / INPUTS).glob("*.log")
    )
