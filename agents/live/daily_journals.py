"""A pair of journals a day, so that a run which goes on for months gives its disk back."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path
from typing import Final

from streams.errors import JournalError
from streams.events import SECOND_NS
from streams.journal import Journal

KEPT_DAYS: Final = 7  # with the one at work
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
        # A day without a checkpoint is one whose beginning was cut off: the day before has it all.
        names = self._names()
        begun = [name for name in names if (self._path(name) / "outputs" / "checkpoint").exists()]
        return self._open((begun or names or [_date(now_ns)])[-1])

    @property
    def path(self) -> Path:
        """Return the folder of the day at work."""
        return self._path(self._day)

    def over(self, now_ns: int) -> bool:
        """Tell whether the day at work is past."""
        return _date(now_ns) > self._day

    def begin(self, now_ns: int, state: bytes) -> Pair:
        """Return the journals of a new day, whose first checkpoint is `state`; close the old ones."""
        self.close()
        day = _date(now_ns)
        shutil.rmtree(self._path(day), ignore_errors=True)  # begun before, and cut off
        inputs, outputs = self._open(day)
        outputs.checkpoint(state)
        for name in self._names()[:-KEPT_DAYS]:
            shutil.rmtree(self._path(name), ignore_errors=True)
        return inputs, outputs

    def close(self) -> None:
        """Let others open the journals."""
        for journal in self._pair or ():
            journal.close()
        self._pair = None

    def _open(self, day: str) -> Pair:
        path = self._path(day)
        inputs = Journal.open(path / "inputs", fsync="checkpoint")
        try:
            outputs = Journal.open(path / "outputs", fsync="checkpoint")
        except JournalError:
            inputs.close()
            raise
        self._day, self._pair = day, (inputs, outputs)
        return self._pair

    def _names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(each.name for each in self._folder.iterdir() if _NAME.fullmatch(each.name))

    def _path(self, day: str) -> Path:
        return self._folder / day


def _date(now_ns: int) -> str:
    return dt.datetime.fromtimestamp(now_ns // SECOND_NS, dt.UTC).date().isoformat()
