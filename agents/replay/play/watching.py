"""Who follows a replay as it goes: the terminal, metrics, deliveries."""

from __future__ import annotations

import msgspec

from agents.stages.observer import Observer
from streams.events import Headline, Mention, Output


class Progress(msgspec.Struct, frozen=True):
    """How far a replay has come."""

    rows: int
    total_rows: int
    headlines: int
    total_headlines: int
    event_ns: int


class Watcher:
    """What a replay tells whoever looks on; this one does not look."""

    def progress(self, progress: Progress) -> None:
        """Take note of how far the replay has come."""

    def record(self, record: Headline | Mention | Output) -> None:
        """Take note of one record that came out."""

    def note(self, text: str) -> None:
        """Take note of a stage that begins."""

    def share(self, done: float, text: str) -> None:
        """Take note of how much of a stage is done, in [0, 1]."""


class Onlooker(Watcher):
    """One who looks on beside another, and passes on all that he is told."""

    def __init__(self, view: Watcher) -> None:
        self._view = view

    def progress(self, progress: Progress) -> None:
        """Pass on how far the replay has come."""
        self._view.progress(progress)

    def record(self, record: Headline | Mention | Output) -> None:
        """Pass on a record."""
        self._view.record(record)

    def note(self, text: str) -> None:
        """Pass on the stage that begins."""
        self._view.note(text)

    def share(self, done: float, text: str) -> None:
        """Pass on how much of a stage is done."""
        self._view.share(done, text)


class Counting(Onlooker):
    """Whoever looks on at a replay, and an observer of what comes out of it."""

    def __init__(self, view: Watcher, observer: Observer) -> None:
        super().__init__(view)
        self._observer = observer
        self._mentions: list[Mention] | None = None  # of the newest headline; they follow it

    def note(self, text: str) -> None:
        """Pass it on; the headline before a stage's end is whole."""
        super().note(text)
        self._count_headline()

    def record(self, record: Headline | Mention | Output) -> None:
        """Count a record, and pass it on."""
        super().record(record)
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
