"""The net below: a record at which the engine dies or hangs is set aside, and the run goes on.

No input is known that does it for ever, so a fault is put into the engine of a real process: it
raises, or hangs, at a row of one price (tests/attack/shifted.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from streams.events import Reject
from tests.attack.registry import BrokenError, attack, hold
from tests.attack.running import Run, System
from tests.attack.shifted import POISON
from tests.replay.small_folder import write_small_folder
from tests.running import ROOT, environment

FAULT = "engine_fault"
STARTS = 4  # the first, and three that die: the next one must know
HANGS_S = 12.0  # of doing nothing, before somebody kills it
PRICE = POISON / 1_000_000
ASIDE = f"within three more starts it is a reject {FAULT}, once, and all else goes on"


def _poisoned(base: Path, way: str) -> None:
    system = System(base)
    with system.run(poison=way) as run:
        run.up()
        run.answers()
        run.line(listing="JD.XNAS", price=PRICE, ts_ns=system.now_ns(), size=1)
        _falls(run)
    for _ in range(STARTS):
        with system.run(poison=way) as again:
            if _comes_up(again):
                again.answers()
                again.rise()
                again.until(system.alerts, 15, "rows behind it are not applied")
                hold("Traceback" not in again.said() or FAULT in again.said(), "it is not told")
                again.ends_somehow()
                break
    else:
        raise BrokenError(f"{STARTS} starts later it still {way}s at the record")
    with system.run(poison=way) as last:
        last.up()
        last.answers()
        last.ends_somehow()
    faults = [x for x in system.records() if isinstance(x, Reject) and x.reason == FAULT]
    hold(len(faults) == 1, f"{len(faults)} rejects {FAULT}")
    hold("JD.XNAS" in faults[0].record + faults[0].detail, "the reject does not hold the record")


def _falls(run: Run) -> None:
    """Wait until it has died, or has hung for a while and is killed; or lives on, which is best."""
    end_s = time.monotonic() + HANGS_S
    while run.process.poll() is None and time.monotonic() < end_s:
        time.sleep(0.1)


def _comes_up(run: Run) -> bool:
    end_s = time.monotonic() + 2 * HANGS_S
    while run.process.poll() is None and time.monotonic() < end_s:
        if "followed" in run.said():
            return True
        time.sleep(0.1)
    return False


@attack(3, ASIDE, limit_s=200, ci=True)
def embedded_engine_raises(base: Path) -> None:
    """`newsquake run`."""
    _poisoned(base, "raise")


@attack(3, ASIDE, limit_s=300)
def embedded_engine_hangs(base: Path) -> None:
    """`newsquake run`, killed each time."""
    _poisoned(base, "hang")


@attack(3, ASIDE, limit_s=200)
def embedded_engine_dies(base: Path) -> None:
    """`newsquake run`, which the row kills each time."""
    _poisoned(base, "die")


def _replay(base: Path, way: str) -> None:
    folder, out = write_small_folder(base / "in"), base / "out"
    with (folder / "prices.csv").open("a") as file:
        file.write(f"IBM,2007-01-04T16:00:00Z,{PRICE:.6f}\nIBM,2007-01-04T16:01:00Z,104.00\n")
    words = ["-m", "tests.attack.shifted", "0", "--poison", way, "replay", str(folder), "--out"]
    said = ""
    for _ in range(STARTS):
        process = subprocess.Popen(
            [sys.executable, *words, str(out)], cwd=ROOT, env=environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        try:
            said = process.communicate(timeout=2 * HANGS_S)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[1] + " (it hung)"
        if process.returncode == 0:
            break
    else:
        raise BrokenError(f"{STARTS} runs later it still {way}s: {said.strip()[-150:]}")
    reasons = [json.loads(line)["reason"] for line in (out / "rejects.jsonl").open()]
    hold(reasons.count(FAULT) == 1, f"{reasons.count(FAULT)} rejects {FAULT}")


@attack(3, ASIDE, limit_s=150)
def replay_engine_raises(base: Path) -> None:
    """`newsquake replay`, started again and again."""
    _replay(base, "raise")


@attack(3, ASIDE, limit_s=200)
def replay_engine_hangs(base: Path) -> None:
    """`newsquake replay`, killed each time."""
    _replay(base, "hang")


@attack(3, ASIDE, limit_s=150)
def replay_engine_dies(base: Path) -> None:
    """`newsquake replay`, which the row kills each time."""
    _replay(base, "die")
