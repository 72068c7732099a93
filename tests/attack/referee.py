"""Play attacks, each in a process group of its own that is ended with it, and say what held."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Literal, NamedTuple

from tests.attack.registry import Attack, BrokenError, NotPlayedError

GRACE_S: Final = 15.0  # that an attack which is told to end has, to end what it started
WORDS: Final = 300
LEAST_S: Final = 10.0  # below which no attack is begun
LATE: Final = "no time was left"
ENDLESS: Final = "no end within"

Verdict = Literal["held", "BROKEN", "not played"]


class Result(NamedTuple):
    """What became of one attack."""

    attack: Attack
    verdict: Verdict
    reason: str
    seconds: float

    def plain(self) -> dict[str, object]:
        """Return it for machines."""
        own = self.attack
        return {
            "attack": own.name, "item": own.item, "holds": own.holds, "verdict": self.verdict,
            "reason": self.reason, "seconds": round(self.seconds, 2),
        }  # fmt: skip


def play_all(chosen: Iterable[Attack], deadline_s: float) -> Iterator[Result]:
    """Yield the result of each attack; those that `deadline_s` (monotonic) leaves no time for are not played."""
    for each in chosen:
        left_s = deadline_s - time.monotonic()
        result = Result(each, "not played", LATE, 0.0)
        if left_s > LEAST_S:
            result = play(each, min(each.limit_s, left_s))
        if left_s < each.limit_s and result.reason.startswith(ENDLESS):
            result = result._replace(verdict="not played", reason=LATE)  # it was we who cut it
        yield result


def play(attack: Attack, limit_s: float) -> Result:
    """Play one attack in a child process; whatever it leaves running is killed by the group's id."""
    folder = Path(tempfile.mkdtemp(prefix="newsquake-attack-"))
    forking = multiprocessing.get_context("fork")
    ours, theirs = forking.Pipe(duplex=False)
    began_s = time.monotonic()
    child = forking.Process(target=_in_child, args=(attack, folder, theirs))
    child.start()
    theirs.close()
    assert child.pid
    try:
        verdict, reason = _verdict(ours, limit_s)
        seconds = time.monotonic() - began_s
    finally:
        _end(child.pid, child.is_alive)
        child.join()
        ours.close()
        shutil.rmtree(folder, ignore_errors=True)
    return Result(attack, verdict, reason, seconds)


def _verdict(ours: Connection, limit_s: float) -> tuple[Verdict, str]:
    if not ours.poll(limit_s):
        return "BROKEN", f"{ENDLESS} {limit_s:.0f} s"
    try:
        verdict, reason = ours.recv()
    except EOFError:
        return "BROKEN", "the attack itself died"
    return verdict, reason


def _end(pid: int, alive: object) -> None:
    """End a child and all that it started: its group is its own."""
    for number, wait_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, 0.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, number) if number is signal.SIGTERM else os.killpg(pid, number)
        end_s = time.monotonic() + wait_s
        while time.monotonic() < end_s and callable(alive) and alive():
            time.sleep(0.02)


def _in_child(attack: Attack, folder: Path, answer: Connection) -> None:
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(quiet, descriptor)
    answer.send(judged(attack, folder))


def judged(attack: Attack, folder: Path) -> tuple[Verdict, str]:
    """Play an attack here and return the verdict and its reason in one line."""
    try:
        return "held", attack.play(folder) or ""
    except NotPlayedError as lacking:
        return "not played", str(lacking)
    except BrokenError as broken:
        return "BROKEN", one_line(str(broken))
    except Exception as fault:  # noqa: BLE001 - an attack may break in any way
        where = traceback.extract_tb(fault.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return "BROKEN", one_line(f"{type(fault).__name__}: {fault} ({place})")


def one_line(text: str, most: int = WORDS) -> str:
    """Return text without breaks, cut, in ASCII that no terminal obeys."""
    flat = " ".join(text.split())
    shown = flat.encode("ascii", "backslashreplace").decode()
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
    return shown if len(shown) <= most else shown[: most - 3] + "..."
