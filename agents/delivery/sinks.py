"""Where each new state of an alert is written: lines on standard output, a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Protocol

from agents.delivery.earlier import alert_json
from streams.events import Alert
from streams.times import utc


class Sink(Protocol):
    """Where each new state of an alert goes."""

    def deliver(self, alert: Alert) -> None:
        """Return once the alert is safely there; OSError: it is not."""


class LineSink:
    """A line on standard output: when, what, and why, for a person."""

    def deliver(self, alert: Alert) -> None:
        """Write the alert's sentence."""
        line = f"{utc(alert.updated_ns)}  {alert.transition:9}  {alert.sentence}"
        sys.stdout.write(line.encode("ascii", "backslashreplace").decode() + "\n")
        sys.stdout.flush()


class FileSink:
    """A file of JSON Lines that only grows; on disk before `deliver` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def deliver(self, alert: Alert) -> None:
        """Append the alert."""
        self._file.write(alert_json(alert) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def sinks_of(out: Path | None) -> list[Sink]:
    """Return whom alerts are delivered to: standard output, and the file `out`."""
    return [LineSink(), *([FileSink(out)] if out else [])]
