"""Damaged journals: the remedy that is printed is done to the letter, and kills follow."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from pathlib import Path

from streams.segment import loaded, segment_of, spans
from tests.attack.registry import BrokenError, attack, hold
from tests.attack.running import Run, System, free_port, inbox, posted, until
from tests.ingest.newsroom import release

REMEDY = re.compile(r"truncate -s \d+ .*\.log")


def damage(path: Path, at: float) -> int:
    """Change a byte of the record that lies `at` (0 to 1) of the way; return the number of the record."""
    ends = [*spans(loaded(segment_of(path.parent, int(path.stem))))]
    number = min(int(len(ends) * at), len(ends) - 2)
    data = bytearray(path.read_bytes())
    data[ends[number][0]] ^= 0xFF
    path.write_bytes(data)
    return number


def mended(system: System) -> Run | None:
    """Start a run that must refuse, and do what it says; None where it starts in spite of the damage."""
    with system.run() as run:
        until(lambda: run.process.poll() is not None or "followed" in run.said(), 30, "no start")
        if run.process.poll() is None:
            return None
        said = run.said()
    hold("Traceback" not in said, f"a traceback: {said[-200:]}")
    printed = REMEDY.search(said)
    if printed is None:
        raise BrokenError(f"no remedy is printed: {said[-200:]}")
    subprocess.run(shlex.split(printed[0]), check=True)
    return run


def post_all(run: Run, port: int, names: list[str]) -> list[str]:
    """Post a document of each name; return those that were acknowledged."""
    run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
    return [name for name in names if posted(port, release(f"Posted {name}", name))[0] == 202]


@attack(8, "whatever was acknowledged since the remedy outlives the kills that follow", limit_s=200, ci=True)  # fmt: skip
def damaged_inputs(base: Path) -> None:
    """Damage near the beginning of the inputs; the remedy; then posts and six kills."""
    port = free_port()
    system = System(base, inbox(port))
    with system.run() as run:
        run.up()
        post_all(run, port, [f"before {n}" for n in range(8)])
        run.answers()
        run.ends()
    damage(next(system.home.glob("????-??-??/inputs/*.log")), 0.3)
    for _ in range(3):
        if mended(system) is None:
            break
    acknowledged: list[str] = []
    for life in range(4):
        with system.run() as run:
            run.up()
            acknowledged += post_all(run, port, [f"after {life}.{n}" for n in range(5)])
            run.process.send_signal(signal.SIGKILL)
            run.process.wait()
    with system.run() as last:
        last.up()
        last.answers()
        lost = [name for name in acknowledged if f"Posted {name}" not in system.titles()]
        last.ends()
    hold(acknowledged, "nothing was acknowledged after the remedy")
    hold(not lost, f"{len(lost)} of {len(acknowledged)} acknowledged are lost: {lost[:3]}")


@attack(8, "nothing is told again", limit_s=120)
def damaged_outputs(base: Path) -> None:
    """Damage before the alerts of the outputs; the remedy; the next starts."""
    system = System(base)
    with system.run() as run:
        run.up()
        for _ in range(4):
            run.answers()
        run.rise()
        run.until(system.told, 20, "a rise of 10 % raises no alert")
        run.answers()
        run.ends()
    told = system.told()
    damage(next(system.home.glob("????-??-??/outputs/*.log")), 0.2)
    for _ in range(3):
        if mended(system) is None:
            break
    for _ in range(2):
        with system.run() as again:
            again.up()
            again.answers()
            again.kill()
    twice = len(system.told()) - len(told)
    hold(not twice, f"{twice} states told again")
