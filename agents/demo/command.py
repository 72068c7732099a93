"""`newsquake demo`: the Alibaba day, written and replayed."""

from __future__ import annotations

from pathlib import Path

from agents.demo import write_alibaba_day
from agents.replay.command import ReplayRun, run_replay
from streams.errors import InputError


def run_demo(out: Path, speed: float | None, *, as_json: bool) -> int:
    """Write the Alibaba day into OUT/replay, replay it, and tell what happened."""
    folder = out / "replay"
    try:
        write_alibaba_day(folder)
    except OSError as fault:
        raise InputError(str(folder), f"cannot be written: {fault}") from fault
    return run_replay(ReplayRun(folder=folder, out=out, speed=speed, as_json=as_json, tell=True))
