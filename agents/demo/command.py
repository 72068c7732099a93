"""`newsquake demo`: the Alibaba day, written and replayed."""

from __future__ import annotations

from pathlib import Path

from agents.demo import FOLDER, own_day, write_alibaba_day
from agents.replay.command import ReplayRun, run_replay
from agents.replay.play.own_results import refuse_overwriting
from streams.errors import InputError


def run_demo(out: Path, speed: float | None, *, as_json: bool) -> int:
    """Write the Alibaba day into OUT/replay, replay it, and tell what happened.

    UsageError: OUT holds files of somebody else where the demo's would be.
    """
    folder = out / FOLDER
    try:
        refuse_overwriting(out, ())  # before anything is written
        write_alibaba_day(folder, own_day(out))
    except OSError as fault:
        raise InputError(str(folder), f"cannot be written: {fault}") from fault
    return run_replay(ReplayRun(folder=folder, out=out, speed=speed, as_json=as_json, tell=True))
