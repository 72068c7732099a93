"""How far a long count has come: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from agents.machine.clock import elapsed_s
from agents.machine.terminal import plain_console

EVERY_S: Final = 5.0
BATCH: Final = 1000  # counts between two looks at the clock


class ProgressBar:
    """Progress on standard error; `silent` for `--json`."""

    def __init__(self, *, silent: bool) -> None:
        self._console = plain_console(stderr=True)
        self._silent = silent
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(None),
            TextColumn("{task.completed:,} of {task.total:,}"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=self._console, transient=True)
        self._task: TaskID | None = None
        self._what, self._total, self._done, self._untold = "", 0, 0, 0
        self._told_s = elapsed_s()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._silent:
            self._open.enter_context(self._bar)
            self._task = self._bar.add_task("", total=0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def begin(self, what: str, total: int) -> None:
        """Begin to count something else."""
        self._what, self._total, self._done, self._untold = what, total, 0, 0
        if self._task is not None:
            self._bar.reset(self._task, total=total, description=what)

    def add(self, count: int) -> None:
        """Count some more; cheap enough to be called for each record."""
        self._untold += count
        if self._untold >= BATCH:
            self._tell()

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        if not self._silent:
            self._console.print(text)

    def _tell(self) -> None:
        self._done, self._untold = self._done + self._untold, 0
        if self._task is not None:
            self._bar.update(self._task, completed=self._done)
        elif elapsed_s() - self._told_s >= EVERY_S:
            self._told_s = elapsed_s()
            self.say(f"{self._what}: {self._done:,} of {self._total:,}")
