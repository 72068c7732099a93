"""A worker's guard: records at which three starts in a row died are told instead of being tried again."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from faust.types import TP

from agents.stages.applying import MOST_DEATHS, ApplyingMark
from agents.workers.asides import PartitionAsides
from agents.workers.checkpoints import CheckpointIndex
from agents.workers.guard import StageGuard, WorkerWatch, mark_of
from streams.errors import EngineFaultError

PLACE = TP("newsquake.market", 0)


class Watch:
    """A watch that nothing hangs under."""

    def begin(self, guard: StageGuard) -> None:
        """Note nothing."""

    def end(self) -> None:
        """Note nothing."""


def guard_at(home: Path) -> StageGuard:
    index = CheckpointIndex(0, 1, None, {})
    mark = mark_of(home, PLACE)
    assert mark is not None
    return StageGuard(PLACE, index, PartitionAsides(0, {}), cast("WorkerWatch", Watch()), mark)


def dies(home: Path, first: int, last: int) -> None:
    guard_at(home).applying(first, last).__enter__()


def refused(home: Path, first: int, last: int) -> tuple[int, int] | None:
    """Return which records are told, None where these may be applied."""
    try:
        with guard_at(home).applying(first, last):
            return None
    except EngineFaultError as fault:
        return fault.first, fault.number


def test_two_deaths_are_nobodys_fault(tmp_path: Path) -> None:
    for _ in range(MOST_DEATHS - 1):
        dies(tmp_path, 7, 7)
    assert refused(tmp_path, 7, 7) is None


def test_the_record_of_three_deaths_is_told(tmp_path: Path) -> None:
    for _ in range(MOST_DEATHS):
        dies(tmp_path, 7, 7)
    guard = guard_at(tmp_path)
    with guard.applying(6, 6):
        pass
    with pytest.raises(EngineFaultError, match="3 starts in a row died"), guard.applying(7, 7):
        raise AssertionError("it must not be applied")


@pytest.mark.parametrize("again", [(238, 240), (240, 240), (241, 250)])
def test_records_that_died_together_are_told_together(
    tmp_path: Path, again: tuple[int, int]
) -> None:
    """However they come together now: one of them is not known to be the one."""
    dies(tmp_path, 240, 243)
    dies(tmp_path, 239, 246)
    dies(tmp_path, 240, 244)
    assert refused(tmp_path, *again) == (240, 244)


def test_other_records_than_those_that_died_together_are_applied(tmp_path: Path) -> None:
    for _ in range(MOST_DEATHS):
        dies(tmp_path, 240, 244)
    guard = guard_at(tmp_path)
    for first, last in ((236, 239), (245, 250)):
        with guard.applying(first, last):
            pass


def test_a_folder_that_takes_no_mark_is_said_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "home").write_text("a file")
    assert mark_of(tmp_path / "home", PLACE) is None
    assert "a record that ends the process cannot be known" in caplog.text


def test_what_raises_is_a_fault_and_no_death(tmp_path: Path) -> None:
    guard = guard_at(tmp_path)
    with pytest.raises(EngineFaultError, match="ZeroDivisionError"), guard.applying(7, 7):
        raise ZeroDivisionError
    assert ApplyingMark(tmp_path / "newsquake.market-0.applying").death is None
