"""Who follows a replay as it goes: the terminal, metrics, deliveries."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agents.stages.observer import Observer
from streams.events import Headline, Mention, Output


class ReplayProgress(msgspec.Struct, frozen=True):
    """How far a replay has come."""

    rows: int
    total_rows: int
    headlines: int
    total_headlines: int
    event_ns: int


class Watcher:
    """What a replay calls as it goes on; this one does nothing, subclasses override what they need."""

    def progress(self, progress: ReplayProgress) -> None:
        """Take note of how far the replay has come."""

    def record(self, record: Headline | Mention | Output) -> None:
        """Take note of one record that came out."""

    def note(self, text: str) -> None:
        """Take note of a stage that begins."""

    def share(self, done: float, text: str) -> None:
        """Take note of how much of a stage is done, in [0, 1]."""


class Watchers(Watcher):
    """Several watchers; each is called in the order of the list."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = tuple(watchers)

    def progress(self, progress: ReplayProgress) -> None:
        """Pass on how far the replay has come."""
        for watcher in self._watchers:
            watcher.progress(progress)

    def record(self, record: Headline | Mention | Output) -> None:
        """Pass on a record."""
        for watcher in self._watchers:
            watcher.record(record)

    def note(self, text: str) -> None:
        """Pass on the stage that begins."""
        for watcher in self._watchers:
            watcher.note(text)

    def share(self, done: float, text: str) -> None:
        """Pass on how much of a stage is done."""
        for watcher in self._watchers:
            watcher.share(done, text)


class ObservingWatcher(Watcher):
    """Gives what comes out of a replay to the observer that counts for the metrics."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._mentions: list[Mention] | None = None  # of the newest headline; they follow it

    def note(self, text: str) -> None:  # noqa: ARG002 - which stage it is does not matter
        """Count the newest headline: at a stage's end it is whole."""
        self._count_headline()

    def record(self, record: Headline | Mention | Output) -> None:
        """Count a record; a headline once its Mentions are known."""
        if isinstance(record, Headline):
            self._count_headline()
            self._mentions = []
        elif isinstance(record, Mention) and self._mentions is not None:
            self._mentions.append(record)
        self._observer.made(record)

    def _count_headline(self) -> None:
        if self._mentions is not None:
            self._observer.scored(self._mentions)
        self._mentions = None
