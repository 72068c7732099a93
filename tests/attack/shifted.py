"""`python -m tests.attack.shifted OFFSET_S [--poison raise|hang|die] [--synced FILE] WORD ...`: `newsquake WORD ...` at another time.

The things of a machine that a test may not turn are its clock and its power, and no input is left
that is known to harm the engine: all are put into a real process here, from outside, before it
starts. `--synced`: each fsync that has come back is noted, with the size that the file then had.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

POISON: Final = 666_000_001  # millionths: a row of this price is the poison
_wall_ns, _wall = time.time_ns, time.time


def shift(offset_s: float) -> None:
    """Let the time of day be another."""
    offset_ns = round(offset_s * 1e9)
    time.time_ns = lambda: _wall_ns() + offset_ns
    time.time = lambda: _wall() + offset_s


def poison(way: str) -> None:
    """Let the engine raise, hang or die at a row of one price; whichever way its rows come in."""
    from agents.reacting.engine import Engine

    def poisoned(name: str) -> None:
        sound = getattr(Engine, name)

        def apply(self: Engine, given: Any, *more: Any) -> Any:
            given = given if name != "apply_frames" else list(given)
            for each in given if isinstance(given, list) else [given]:
                prices = getattr(each, "price", None)
                if prices is not None and not isinstance(prices, int) and POISON in prices:
                    while way == "hang":
                        pass
                    if way == "die":
                        os.kill(os.getpid(), signal.SIGKILL)
                    raise ZeroDivisionError("poison")
            return sound(self, given, *more)

        setattr(Engine, name, apply)

    for name in ("apply", "apply_frames", "apply_run"):
        if hasattr(Engine, name):
            poisoned(name)


def note_syncs(path: str) -> None:
    """Note the file and its size at each fsync that comes back: what no loss of power takes."""
    sound = os.fsync
    notes = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def fsync(file: Any) -> None:
        handle = file if isinstance(file, int) else file.fileno()
        size = os.fstat(handle).st_size  # before: what is written meanwhile may not be on the disk
        sound(handle)
        os.write(notes, f"{size} {Path(f'/proc/self/fd/{handle}').readlink()}\n".encode())

    os.fsync = fsync


def main(words: list[str]) -> None:
    shift(float(words[0]))
    rest = words[1:]
    if rest[0] == "--poison":
        poison(rest[1])
        rest = rest[2:]
    if rest[0] == "--synced":
        note_syncs(rest[1])
        rest = rest[2:]
    sys.argv = ["newsquake", *rest]
    from agents.cli.main import main as run

    sys.exit(run())


if __name__ == "__main__":
    main(sys.argv[1:])
