"""A replay of the small day in a process of its own, to be killed on its way."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.replay.play.own_results import JOURNAL
from tests.compatibility import day
from tests.compatibility.live import PATIENCE_S, until
from tests.compatibility.still import StillClock
from tests.running import COMMAND

SPEED = 200  # times real time: some five seconds until the news of the small day is told
SPEED_ON_A_BROKER = 40  # while a worker starts
SECRET = "a secret of these tests"


def environment_at(folder: Path, second: int = day.CUT) -> dict[str, str]:
    """Return the environment of a replay that is done at a second of the small day.

    What waits to be delivered is given up where it has waited for a day.
    """
    clock = StillClock(folder.parent / "clock")
    clock.set_second(second)
    return clock.environment(folder.parent / "state", HOOK_SECRET=SECRET)


def paced(folder: Path, out: Path, *words: object, speed: int = SPEED) -> subprocess.Popen[bytes]:
    """Start a replay that takes its time."""
    with (folder.parent / "log").open("ab") as errors:
        return subprocess.Popen(
            [*COMMAND, "replay", str(folder), "--out", str(out), "--speed", str(speed),
             *map(str, words)],
            env=environment_at(folder),
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )  # fmt: skip


@contextmanager
def killed_after_saving(process: subprocess.Popen[bytes], out: Path, saves: int) -> Iterator[None]:
    """Wait for so many checkpoints and for what the block waits for; then SIGKILL the replay."""
    checkpoint = out / JOURNAL / "checkpoint"
    seen: set[int] = set()

    def saved() -> bool:
        assert process.poll() is None, "it ended before it was killed"
        if checkpoint.exists():
            seen.add(checkpoint.stat().st_ino)
        return len(seen) >= saves

    try:
        until(saved)
        yield
        assert process.poll() is None, "it ended before it was killed"
    finally:
        process.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    assert not (out / "summary.json").exists()


def finished(folder: Path, out: Path, *words: object, second: int = day.CUT) -> dict[str, Any]:
    """Replay to the end and return the summary."""
    done = subprocess.run(
        [*COMMAND, "replay", str(folder), "--out", str(out), "--json", *map(str, words)],
        env=environment_at(folder, second),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary
