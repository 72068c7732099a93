"""Which states of alerts were told, beside the journals of a day: one line each, behind its telling.

The outputs say it as well, but they can be damaged, cut, or made again by another version of the
stages, which may count them otherwise. A line here outlives all of that: what a run does again, it
does not tell again. A line that is damaged has one state told twice at worst.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from streams.errors import JournalError
from streams.events import Alert
from streams.files import open_file

TOLD: Final = "told"  # the file


class ToldAlerts:
    """The file of one day, open for writing. JournalError: the disk does not take a line."""

    def __init__(self, folder: Path, before: Path | None = None) -> None:
        """`before`: the folder of the day before, whose alerts may still be open."""
        self._path = folder / TOLD
        self.is_new = not self._path.exists()
        earlier = _lines(before / TOLD) if before else []
        try:
            own = _lines(self._path)
            self._file = open_file(self._path, "ab", private=True)
        except OSError as fault:
            raise self._refused(fault) from fault
        self._told = Counter([*earlier, *own])
        self._left: Counter[str] = Counter()
        self._torn, self._unsynced = _is_torn(self._path), False

    def add(self, alert: Alert) -> None:
        """Note that a state was told."""
        self.add_all([alert])

    def add_all(self, alerts: Iterable[Alert]) -> None:
        """Note what an earlier release has told, or one state."""
        keys = [_key(alert) for alert in alerts]
        text = "".join(f"{key}\n" for key in keys)
        data = memoryview(f"\n{text}".encode() if self._torn else text.encode())
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as fault:
            raise self._refused(fault) from fault
        self._told.update(keys)
        self._torn, self._unsynced = False, True

    def begin_again(self) -> None:
        """Begin to ask what was told, from the first state that may come again."""
        self._left = self._told.copy()

    def was_told(self, alert: Alert) -> bool:
        """Tell whether a state was told before this start; as often as it was, and no more.

        It may come again long after the start: where inputs were lost, their sources send them again.
        """
        key = _key(alert)
        if not self._left[key]:
            return False
        self._left[key] -= 1
        return True

    def sync(self) -> None:
        """Have what was noted outlive a loss of power."""
        if self._unsynced:
            try:
                os.fsync(self._file.fileno())
            except OSError as fault:
                raise self._refused(fault) from fault
            self._unsynced = False

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _refused(self, fault: OSError) -> JournalError:
        return JournalError(str(self._path), f"cannot be written: {fault}")


def _key(alert: Alert) -> str:
    """Return what a state is known by: an alert opens once, passes a level once, ends once.

    Only its updates are many; they are told apart by their time.
    """
    when = alert.updated_ns if alert.transition == "updated" else "-"
    return f"{alert.alert_id} {alert.transition} {alert.level_pct} {when}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []


def _is_torn(path: Path) -> bool:
    return path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
