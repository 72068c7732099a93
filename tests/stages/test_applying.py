"""The mark of the record being applied, and who looks that it ends."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agents.stages import applying
from agents.stages.applying import ApplyingMark, Death, HangWatch


def died_at(
    path: Path, number: int, stop: int | None = None, *, hung: bool = False
) -> Death | None:
    """Return what the next start finds where this one ends while it applies a record."""
    mark = ApplyingMark(path)
    mark.begin(number, number + 1 if stop is None else stop, 7)
    if hung:
        mark.hang()
    return ApplyingMark(path).death


def test_a_start_that_ended_between_records_is_no_death(tmp_path: Path) -> None:
    mark = ApplyingMark(tmp_path / "m")
    mark.begin(3, 4)
    mark.end()
    assert ApplyingMark(tmp_path / "m").death is None


def test_the_third_start_in_a_row_that_dies_at_a_record_is_its_fault(tmp_path: Path) -> None:
    deaths = []
    for _ in range(3):
        mark = ApplyingMark(tmp_path / "m")
        deaths.append(mark.death)
        mark.begin(5, 6, 7)
    deaths.append(ApplyingMark(tmp_path / "m").death)
    assert [each and (each.number, each.kept, each.starts, each.is_fault) for each in deaths] == [
        None, (5, 7, 1, False), (5, 7, 2, False), (5, 7, 3, True),
    ]  # fmt: skip


def test_deaths_elsewhere_do_not_count(tmp_path: Path) -> None:
    for number in (5, 6, 5):
        ApplyingMark(tmp_path / "m").begin(number, number + 1)
    death = ApplyingMark(tmp_path / "m").death
    assert death is not None
    assert death.starts == 1


def test_deaths_within_what_was_applied_together_count(tmp_path: Path) -> None:
    ApplyingMark(tmp_path / "m").begin(10, 20)
    for _ in range(2):
        ApplyingMark(tmp_path / "m").begin(13, 14)
    death = ApplyingMark(tmp_path / "m").death
    assert death is not None
    assert (death.number, death.stop, death.starts) == (13, 14, 3)


def test_a_hang_is_a_fault_at_once(tmp_path: Path) -> None:
    death = died_at(tmp_path / "m", 9, hung=True)
    assert death is not None
    assert death.is_fault
    assert death.said() == "the engine hung"
    assert ApplyingMark(tmp_path / "m").death is None


def test_a_file_of_another_size_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"junk")
    assert ApplyingMark(tmp_path / "m").death is None
    assert died_at(tmp_path / "m", 2) is not None


def test_what_does_not_end_is_told_once_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "HUNG_S", 0.2)
    monkeypatch.setattr(applying, "LOOK_S", 0.01)
    told: list[str] = []
    watch = HangWatch(told.append)
    watch.begin()
    while not told:  # burns what is counted
        sum(range(1000))
    watch.end()
    assert Path(__file__).name in told[0]


def test_what_ends_is_not_told_however_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "HUNG_S", 0.2)
    monkeypatch.setattr(applying, "LOOK_S", 0.01)
    told: list[str] = []
    watch, done = HangWatch(told.append), threading.Event()
    timer = threading.Timer(1.0, done.set)
    timer.start()
    while not done.is_set():
        watch.begin()
        sum(range(1000))
        watch.end()
    watch.close()
    assert told == []
