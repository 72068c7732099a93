"""Damaged journals of an embedded run: what the message says is done to the letter, and the run goes on.

Compared with the same day without damage: nothing taken in since is lost, nothing is told again.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agents.live import embedded
from agents.live.embedded import Embedded
from agents.replay.play.inputs import Inputs
from streams.codec import decode
from streams.errors import JournalError, StateError
from streams.events import DAY_NS, SECOND_NS, Alert, Clock, Headline
from streams.journal import Journal
from streams.segment import loaded, segment_of, spans
from tests.live.test_embedded import Told, begun, outputs_of, send, taken_in
from tests.replay.small_folder import write_small_folder

Day = tuple[Inputs, list[Any]]

KILLS = 4
REMEDY = "give up this record and all after it: remove the later .log files and run: "


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    base = tmp_path_factory.mktemp("damage")
    return taken_in(write_small_folder(base / "replay"), base / "unused")


@pytest.fixture(scope="module")
def wanted(day: Day, tmp_path_factory: pytest.TempPathFactory) -> list[Alert]:
    """What is told of the day where nothing is damaged."""
    log = begun(day[0], tmp_path_factory.mktemp("whole"), told := Told())
    for record in day[1]:
        send(log, record)
    log.close()
    assert len(told.alerts) > 1
    return told.alerts


def until_told(log: Embedded, records: list[Any], told: Told) -> list[Any]:
    """Send records until one more alert is told; return those that are left."""
    before = len(told.alerts)
    number = 0
    while len(told.alerts) == before:
        send(log, records[number])
        number += 1
    return records[number:]


def damage(folder: Path, at: float) -> Path:
    """Change a byte of the record that lies `at` (0 to 1) of the way in a journal; return its file.

    The last one is left alone: it would be cut, as what a kill has torn.
    """
    (path,) = folder.glob("*.log")
    found = [*spans(loaded(segment_of(folder, int(path.stem))))]
    data = bytearray(path.read_bytes())
    data[found[int((len(found) - 1) * at)][0]] ^= 0xFF
    path.write_bytes(data)
    return path


def carry_out(said: str, damaged: Path) -> None:
    """Do what a message says, as whoever reads it types it into a shell; there is no later file."""
    assert said.startswith(f"{damaged}: record ")
    _, _, command = said.partition(REMEDY)
    assert command
    subprocess.run(["sh", "-c", command], check=True)


@pytest.mark.parametrize("saved", [True, False], ids=["saved", "unsaved"])
@pytest.mark.parametrize("journals", [("inputs",), ("outputs",), ("inputs", "outputs")])
@pytest.mark.parametrize("at", [0.05, 0.9])
def test_the_remedy_that_is_said_loses_nothing_that_follows_and_tells_nothing_again(
    day: Day, wanted: list[Alert], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    saved: bool, journals: tuple[str, ...], at: float,
) -> None:  # fmt: skip
    monkeypatch.setattr(embedded, "elapsed_s", lambda: 0.0)  # no checkpoint but those of the test
    (inputs, records), told = day, Told()
    folder = tmp_path / "a desk's state"
    log = begun(inputs, folder, told)
    left = until_told(log, records, told)
    if saved:
        log.flush()
    log.close()
    day_folder = next(folder.glob("????-??-??"))
    for name in journals:
        damaged = damage(day_folder / name, at)
        with pytest.raises(JournalError) as said:
            begun(inputs, folder, told)
        carry_out(str(said.value), damaged)
    if not saved:  # what was given up comes again, as from sources that send what was not kept
        with Journal.open(day_folder / "inputs") as kept_inputs:
            left = records[kept_inputs.next_offset :]
    part = len(left) // KILLS + 1
    for first in range(0, len(left), part):
        log = begun(inputs, folder, told)
        for record in left[first : first + part]:
            send(log, record)
        log.begin_sync()()  # what is acknowledged is safe from here on
        log.close()  # what a kill leaves: no checkpoint of the end
    begun(inputs, folder, told).close()
    assert told.alerts == wanted
    kept = {each for each in map(decode, outputs_of(folder)) if isinstance(each, Headline)}
    assert {each for each in left if isinstance(each, Headline)} <= kept


def test_a_state_from_the_future_is_moved_away_as_it_is_said(
    day: Day, wanted: list[Alert], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's clock was a day ahead for one start; the day before it has nothing of that."""
    (inputs, records), told = day, Told()
    folder = tmp_path / "a desk's state"
    last_ns = max(each.ts_ns for each in records if isinstance(each, Clock))
    monkeypatch.setattr(embedded, "now_ns", lambda: last_ns)
    log = begun(inputs, folder, told)
    left = until_told(log, records, told)
    log.close()
    monkeypatch.setattr(embedded, "now_ns", lambda: last_ns + DAY_NS)
    log = begun(
        inputs, folder, Told()
    )  # what ends by the wrong clock is told, and again when it ends
    monkeypatch.setattr(embedded, "elapsed_s", lambda: 10.0**9)  # a checkpoint is due
    log.send_clock(Clock(ts_ns=last_ns + DAY_NS))  # it begins the next day's journals
    log.send_clock(Clock(ts_ns=last_ns + DAY_NS + SECOND_NS))
    log.flush()
    log.close()
    assert len([*folder.glob("????-??-??")]) == 2
    monkeypatch.setattr(embedded, "now_ns", lambda: last_ns)
    with pytest.raises(StateError, match="ahead of this machine's clock") as said:
        begun(inputs, folder, told)
    command = re.search(r"move that folder away \((mv .*)\) and start again", str(said.value))
    assert command
    subprocess.run(["sh", "-c", command[1]], check=True)
    log = begun(inputs, folder, told)
    for record in left:
        send(log, record)
    log.close()
    assert told.alerts == wanted
