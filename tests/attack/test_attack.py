"""The two minutes of the attacks that every change is checked with; `python -m tests.attack` plays all."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.attack import fuzzing
from tests.attack.referee import play
from tests.attack.registry import KINDS, Attack, attacks, hold

CHECKED = [each for each in attacks() if each.ci]
COUNTS = {"fuzz-lines": 20_000, "fuzz-documents": 1_000, "fuzz-records": 5_000, "fuzz-histories": 200}  # fmt: skip


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("each", CHECKED, ids=lambda each: each.name)
def test_it_holds(each: Attack) -> None:
    result = play(each, each.limit_s)
    if result.verdict == "not played":
        pytest.skip(result.reason)
    assert result.verdict == "held", result.reason


@pytest.mark.slow
@pytest.mark.parametrize("what", fuzzing.KINDS)
def test_nothing_fuzzed_raises_hangs_or_lacks_a_name(what: str) -> None:
    tally = fuzzing.fuzz(what, COUNTS[what], seed=1)
    assert not tally.faults, dict(tally.examples)


def test_every_kind_is_attacked() -> None:
    assert {each.kind for each in attacks()} == set(KINDS)
    assert len({each.item for each in attacks()} & set("123456789")) == 9


def _attack(play_: object) -> Attack:
    return Attack("own", "own", "1", "it holds", 3.0, ci=False, play=play_)  # type: ignore[arg-type]


def _breaks(_: Path) -> None:
    hold(false := [], f"this did not: {false}")


def _raises(_: Path) -> None:
    raise KeyError("x\x1b[31m")


def _hangs(_: Path) -> None:
    while True:
        pass


@pytest.mark.parametrize(
    ("how", "verdict", "reason"),
    [
        (lambda _: "a remark", "held", "a remark"),
        (_breaks, "BROKEN", "this did not: []"),
        (_raises, "BROKEN", "KeyError: 'x\\x1b[31m' (test_attack.py:N)"),
        (_hangs, "BROKEN", "no end within 1 s"),
    ],
)
def test_the_referee_sees_what_does_not_hold(how: object, verdict: str, reason: str) -> None:
    result = play(_attack(how), 1.0 if how is _hangs else 20.0)
    told = re.sub(r"\.py:\d+", ".py:N", result.reason)
    assert (result.verdict, told) == (verdict, reason)


def test_what_an_attack_leaves_running_is_ended(tmp_path: Path) -> None:

    note = tmp_path / "pid"

    def leaves(_: Path) -> None:
        left = subprocess.Popen(["sleep", "600"])
        note.write_text(str(left.pid))

    assert play(_attack(leaves), 20.0).verdict == "held"
    status = Path(f"/proc/{note.read_text()}/stat")
    deadline_s = time.monotonic() + 10
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline_s, "it still runs"
