"""Worker processes: started, started again when they die, and ended with us whatever ends us.

A worker is held on a leash: its standard input is a pipe from this process. When we are gone, even
by kill -9, the pipe ends and so does the worker (`hold_leash`); no orphan works beside its successor.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from agents.machine.clock import elapsed_s
from streams import logs
from streams.errors import NewsquakeError

LEASH: Final = "--leash"
END_LIMIT_S: Final = 10.0
WATCH_S: Final = 0.05
# A worker that lives this long had a good start; the others are given up after a few in a row.
GOOD_START_S: Final = 20.0
MOST_BAD_STARTS: Final = 25


class Job(msgspec.Struct, frozen=True):
    """A worker to keep running: its name and the words after `newsquake`; it logs as we do."""

    name: str
    words: tuple[str, ...]
    shown: bool = False  # what it writes to standard output is ours


class _Worker:
    def __init__(self, job: Job, log: Path) -> None:
        self.job, self._log = job, log
        self.starts = self.bad_starts = 0
        self.process = self._start()

    def look(self) -> int | None:
        """Start it again if it has ended; return its exit code then."""
        code = self.process.poll()
        if code is None:
            return None
        lived = elapsed_s() - self.began_s >= GOOD_START_S
        self.bad_starts = 0 if lived else self.bad_starts + 1
        if self.bad_starts < MOST_BAD_STARTS:
            self.process = self._start()
        return code

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        self.began_s = elapsed_s()
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-m", "agents.cli", *self.job.words, *logs.words(), LEASH],
                stdin=subprocess.PIPE,
                stdout=None if self.job.shown else log,
                stderr=log,
                start_new_session=True,  # an interrupt of ours is ours to pass on
            )


class Supervisor:
    """Keep jobs running from `start` to `end`; each writes to a log of its own in `folder`."""

    def __init__(self, jobs: Sequence[Job], folder: Path, note: Callable[[str], None]) -> None:
        self._jobs, self._folder, self._note = jobs, folder, note
        self._workers: list[_Worker] = []
        self._ending = threading.Event()
        self._watch = threading.Thread(target=self._keep, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start every job and watch over them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._workers = [_Worker(job, self._folder / f"{job.name}.log") for job in self._jobs]
        self._watch.start()

    @property
    def restarts(self) -> int:
        """Return how often a worker had to be started again."""
        return sum(worker.starts - 1 for worker in self._workers)

    def check(self) -> None:
        """Raise NewsquakeError where a worker does not come up at all."""
        for worker in self._workers:
            if worker.bad_starts >= MOST_BAD_STARTS:
                raise NewsquakeError(
                    f"{worker.job.name} ended {worker.bad_starts} times in a row, soon after its start. "
                    f"Its last words:\n{self._last_words(worker.job.name)}"
                )

    def end(self) -> None:
        """End every worker: by SIGTERM, by SIGKILL those that stay."""
        self._ending.set()
        if self._watch.is_alive():
            self._watch.join()
        for worker in self._workers:
            worker.process.terminate()
        deadline_s = elapsed_s() + END_LIMIT_S
        for worker in self._workers:
            try:
                worker.process.wait(max(deadline_s - elapsed_s(), 0.1))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            if worker.process.stdin:
                worker.process.stdin.close()

    def _keep(self) -> None:
        while not self._ending.wait(WATCH_S):
            for worker in self._workers:
                code = worker.look()
                if code is not None:
                    self._note(f"{worker.job.name} ended with {code}: started again")

    def _last_words(self, name: str) -> str:
        lines = (self._folder / f"{name}.log").read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-5:])


def hold_leash() -> None:
    """End this process as soon as the other end of its standard input is gone."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os._exit(0)

    threading.Thread(target=wait, name="leash", daemon=True).start()
