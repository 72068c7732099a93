"""Power cuts: what no fsync had put on the disk is gone, at any byte."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

from tests.attack.hosting import feeds, hosted, rising
from tests.attack.registry import BrokenError, attack, hold
from tests.attack.remedies import post_all
from tests.attack.running import System, free_port, inbox

ACKNOWLEDGED = "no acknowledged document is lost"


def cut_power(system: System, chance: random.Random | None) -> None:
    """Leave of each journal what was synced, and some bytes more by chance."""
    synced: dict[str, int] = {}
    for line in system.synced.read_text().splitlines():
        size, _, name = line.partition(" ")
        synced[name] = int(size)
    for path in system.home.glob("????-??-??/*puts/*.log"):
        data = path.read_bytes()
        safe = min(synced.get(str(path), 0), len(data))
        path.write_bytes(data[: safe if chance is None else chance.randint(safe, len(data))])


def _note_all(system: System) -> None:
    """Note of all files that they are synced as they are: they were put there by us."""
    logs = system.home.rglob("*.log")
    system.synced.write_text("".join(f"{path.stat().st_size} {path}\n" for path in logs))


@attack("power", ACKNOWLEDGED, limit_s=120)
def cut_after_202(base: Path) -> None:
    """Five posts are answered 202; the power goes at once, and with it what was not synced."""
    port = free_port()
    system = System(base, inbox(port))
    with system.run() as run:
        run.up()
        run.until(lambda: post_all(run, port, ["first"]), 20, "nothing is acknowledged")
        taken = post_all(run, port, [f"n{n}" for n in range(5)])
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
    cut_power(system, None)
    with system.run() as again:
        again.up()
        again.answers()
        lost = [name for name in taken if f"Posted {name}" not in system.titles()]
        again.ends()
    hold(not lost, f"{len(lost)} of {len(taken)} answered 202 are lost")


@attack("power", "the item of a feed comes again: what was noted is not ahead of what is safe", limit_s=120)  # fmt: skip
def cut_after_an_item_was_noted(base: Path) -> None:
    """A feed's item is told and noted; the power goes before the journal's next sync."""
    with hosted({"/good": rising("good")}) as server:
        system = System(base, feeds(server, good="127.0.0.1"))
        with system.run() as run:
            run.up()
            run.until(lambda: any("Good" in x for x in system.titles()), 25, "no feed is read")
            time.sleep(0.1)  # the book notes it once the journal has it
            run.process.send_signal(signal.SIGKILL)
            run.process.wait()
        cut_power(system, None)
        with system.run() as again:
            again.up()
            again.until(
                lambda: any("Good" in x for x in system.titles()), 40, "it never comes again"
            )
            again.ends()


@attack("power", "it starts by itself, and all that a checkpoint knew is there", limit_s=400)
def cut_at_any_byte(base: Path) -> None:
    """Twelve cuts of both journals, each at a byte of its own, and of the temporary checkpoint."""
    port = free_port()
    system = System(base, inbox(port))
    with system.run() as run:
        run.up()
        taken = post_all(run, port, [f"n{n}" for n in range(20)])
        run.rise()
        run.until(system.told, 20, "a rise of 10 % raises no alert")
        run.answers()
        run.ends()
    kept = base / "kept"
    shutil.copytree(system.home, kept)
    chance, faults = random.Random(1), []
    for number in range(12):
        shutil.rmtree(system.home)
        shutil.copytree(kept, system.home)
        _note_all(system)
        with system.run() as more:
            more.up()
            post_all(more, port, [f"m{n}" for n in range(5)])
            more.kill()
        cut_power(system, chance)
        for folder in system.home.glob("????-??-??/*puts"):
            (folder / "checkpoint.tmp").write_bytes(chance.randbytes(chance.randint(0, 99)))
        told = len(system.told())
        try:
            with system.run() as again:
                again.up()
                again.answers()
                again.ends()
            lost = [name for name in taken if f"Posted {name}" not in system.titles()]
            hold(not lost, f"{len(lost)} lost")
            hold(len(system.told()) == told, "told again")
        except BrokenError as fault:
            faults.append(f"cut {number}: {fault}")
    hold(not faults, f"{len(faults)} of 12: {' | '.join(faults)}")
