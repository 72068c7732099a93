"""What a person sees of a replay as it runs: a bar and lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from agents.machine.clock import elapsed_s
from agents.replay.play.watching import ReplayProgress, Watcher
from streams.events import Alert, Headline, Mention, Output
from streams.times import utc

PLAIN_EVERY_S = 5.0
BAR_EVERY_S = 0.05
SHOWN = ("opened", "escalated")


class SilentView(Watcher):
    """Say nothing: for machines."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class PlainView(SilentView):
    """Lines to standard error: one a stage, one every few seconds, one an alert."""

    def __init__(self, console: Console, *, alerts: bool) -> None:
        self._console, self._alerts = console, alerts
        self._last_s = elapsed_s()

    def note(self, text: str) -> None:
        """Print the stage that begins."""
        self.say(text)

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, markup=False, highlight=False)

    def progress(self, progress: ReplayProgress) -> None:
        """Print how far the replay has come, every few seconds."""
        if elapsed_s() - self._last_s >= PLAIN_EVERY_S:
            self._last_s = elapsed_s()
            self.say(_line(progress))

    def share(self, done: float, text: str) -> None:
        """Print how much of a stage is done, every few seconds."""
        if elapsed_s() - self._last_s >= PLAIN_EVERY_S:
            self._last_s = elapsed_s()
            self.say(f"{done * 100:.0f} %  {text}")

    def record(self, record: Headline | Mention | Output) -> None:
        """Print an alert that opens or escalates."""
        if self._alerts and isinstance(record, Alert) and record.transition in SHOWN:
            self.say(f"{utc(record.updated_ns)}  {record.transition:9}  {record.sentence}")


class LiveView(PlainView):
    """A bar that moves with the event clock, alerts above it as they come."""

    def __init__(self, console: Console, *, alerts: bool) -> None:
        super().__init__(console, alerts=alerts)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(None),
            TextColumn("{task.percentage:3.0f} %"),
        )
        self._bar = Bar(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._task = self._bar.add_task("starting", total=1.0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """Say beside the bar which stage begins."""
        self._bar.update(self._task, description=text)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text, markup=False, highlight=False)

    def progress(self, progress: ReplayProgress) -> None:
        """Move the bar."""
        if elapsed_s() - self._last_s < BAR_EVERY_S:
            return
        self._last_s = elapsed_s()
        text = (
            f"{utc(progress.event_ns)}  {progress.rows:,} ticks  {progress.headlines:,} headlines"
        )
        self._bar.update(self._task, completed=_share(progress), description=text)

    def share(self, done: float, text: str) -> None:
        """Move the bar, which begins anew with each stage."""
        self._bar.update(self._task, completed=done, description=text)


def view_of(console: Console, *, alerts: bool, silent: bool) -> SilentView:
    """Return the view that suits the place the output goes to."""
    if silent:
        return SilentView()
    return (LiveView if console.is_terminal else PlainView)(console, alerts=alerts)


def _share(progress: ReplayProgress) -> float:
    total = progress.total_rows + progress.total_headlines
    return (progress.rows + progress.headlines) / total if total else 1.0


def _line(progress: ReplayProgress) -> str:
    return (
        f"{utc(progress.event_ns)}  {_share(progress) * 100:.0f} %  "
        f"{progress.rows:,} of {progress.total_rows:,} ticks, "
        f"{progress.headlines:,} of {progress.total_headlines:,} headlines"
    )
