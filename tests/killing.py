"""Kill a replay in mid-run, at a moment that its own files show, and prove that it was one."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from agents.replay.play.own_results import JOURNAL
from tests.running import COMMAND, ROOT, environment

Moment = Literal["begun", "saved", "writing"]
POLL_S = 0.005
PATIENCE_S = 60.0
# A run saves a checkpoint every two seconds, so `begun` comes before its first, `saved` after.
AFTER_S: dict[Moment, float] = {"begun": 1.5, "saved": 0.9, "writing": 0.05}


class Running:
    """A replay in a process of its own; what it says goes to `OUT.stderr` beside OUT."""

    def __init__(self, folder: Path, out: Path, *words: object) -> None:
        self.out = out
        self.told = out.with_name(out.name + ".stderr")
        self._checkpoint = _stamp(out)
        with self.told.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*COMMAND, "replay", str(folder), "--out", str(out), *map(str, words)],
                cwd=ROOT,
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    def kill_at(self, moment: Moment, rng: random.Random) -> None:
        """SIGKILL it a random while after `moment`; it was alive and had not finished."""
        self.wait_for(moment)
        self._live_until(time.monotonic() + rng.uniform(0, AFTER_S[moment]))
        self.kill()

    def kill(self) -> None:
        """SIGKILL it, and assert that it was this that ended it, before it had a result."""
        assert self.process.poll() is None, f"it ended before it was killed: {self.said()}"
        self.process.kill()
        assert self.process.wait(PATIENCE_S) == -signal.SIGKILL
        assert not (self.out / "summary.json").exists()
        assert (self.out / JOURNAL).is_dir()

    def wait_for(self, moment: Moment) -> None:
        """Wait until the files show the moment: play begun, a checkpoint saved, results written."""
        until: dict[Moment, Callable[[], bool]] = {
            "begun": self._has_begun,
            "saved": lambda: _stamp(self.out) not in (None, self._checkpoint),
            "writing": lambda: "writing results" in self.said(),
        }
        deadline = time.monotonic() + PATIENCE_S
        while not until[moment]():
            assert time.monotonic() < deadline, f"never {moment}: {self.said()}"
            assert self.process.poll() is None, f"it ended before {moment}: {self.said()}"
            time.sleep(POLL_S)

    def said(self) -> str:
        """Return what it wrote to standard error so far."""
        return self.told.read_text("utf-8")

    def _has_begun(self) -> bool:
        """Tell whether this process, not the one killed before it, has the journal and plays."""
        lock = self.out / JOURNAL / "lock"
        holds = lock.exists() and lock.read_text() == str(self.process.pid)
        return holds and (self._checkpoint is None or "resuming at row" in self.said())

    def _live_until(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"it ended by itself: {self.said()}"
            time.sleep(POLL_S)


def _stamp(out: Path) -> tuple[int, int] | None:
    """Return what tells one checkpoint file from the next; None: there is none."""
    try:
        status = (out / JOURNAL / "checkpoint").stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
