"""Where the records of a replay are reacted to: an engine in this process, or workers behind a broker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from agents.replay.play.timeline import MarketLog
from streams.events import Output


class Backend(Protocol):
    """What a replay asks of the place that reacts; `agents/replay/kafka` has the other one."""

    @property
    def engine(self) -> MarketLog:
        """Return what takes the records, in the order of the replay."""

    @property
    def identity(self) -> str:
        """Return what a checkpoint depends on beside inputs and configuration; "": nothing."""

    def renew(self) -> bool:
        """Put an engine that knows nothing in the place of `engine`; False: it cannot be done."""

    def await_end(self, save: Callable[[], None]) -> None:
        """Return once every record has been reacted to; `save` writes a checkpoint before a long wait."""

    def outputs(self) -> Iterable[Output]:
        """Return the outputs that `engine.apply` did not return, after the end."""

    def counts(self) -> Mapping[str, int]:
        """Return what the engines have counted, after the end."""

    def figures(self) -> dict[str, Any]:
        """Return what only this place adds to the summary."""

    def clean_up(self) -> None:
        """Remove the files that only a restart of the replay would need."""


class LocalBackend:
    """An engine in this process: whatever comes of a record is returned at once."""

    identity = ""

    def __init__(self, engine: MarketLog, make: Callable[[], MarketLog] | None = None) -> None:
        """`make` makes another such engine, should this one fail half-way."""
        self.engine, self._make = engine, make

    def renew(self) -> bool:
        """Make another engine, where it was said how."""
        if self._make is None:
            return False
        self.engine = self._make()
        return True

    def await_end(self, save: Callable[[], None]) -> None:
        """Return at once: nothing is under way."""

    def outputs(self) -> Iterable[Output]:
        """Return none: all are in the replay's own journal."""
        return ()

    def counts(self) -> Mapping[str, int]:
        """Return the engine's own."""
        return self.engine.counts

    def figures(self) -> dict[str, Any]:
        """Return none."""
        return {}

    def clean_up(self) -> None:
        """Do nothing: there are no files beside the journal."""
