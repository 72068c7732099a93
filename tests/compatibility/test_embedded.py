"""A run that the old code began and that was killed goes on: the bytes of a run without a cut."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.compatibility import day, kept
from tests.compatibility.embedded import Desk, answers, desk, web

pytestmark = pytest.mark.slow


class Continued(NamedTuple):
    """A run that has gone on to the end of the day, and what it was to become."""

    made: Desk
    cut: Path
    whole: Path
    recovered: list[bytes]  # the outputs once it had begun again


def resumed(base: Path, made: Desk) -> Path:
    """Put the old state where a run finds it; return the folder that it came in."""
    cut = kept.unpack("embedded_cut", base / "cut")
    shutil.copytree(cut / "live", made.home)
    shutil.copy(cut / "alerts.jsonl", made.alerts)
    return cut


@pytest.fixture(scope="module")
def continued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Continued]:
    base = tmp_path_factory.mktemp("embedded")
    with desk(base) as made:
        cut, whole = resumed(base, made), kept.unpack("embedded_whole", base / "whole")
        with made.running(day.CUT) as run:
            recovered = kept.outputs(made.home)
            run.say(step for step in day.steps() if step.at >= day.CUT)
            run.end()
        yield Continued(made, cut, whole, recovered)


def test_numbers_go_on(continued: Continued) -> None:
    """No number of the old run is given to another row."""
    old, now = (json.loads((home / "numbers.json").read_bytes())
                for home in (continued.cut / "live", continued.made.home))  # fmt: skip
    assert now["run"] == old["run"]
    assert now["rows"][0] > old["rows"][0] > 100_000


def test_what_was_behind_the_checkpoint_is_made_again(continued: Continued) -> None:
    before = kept.outputs(continued.cut / "live")
    assert len(before) > 20
    assert continued.recovered == before


def test_the_outputs_are_those_of_a_run_without_a_cut(continued: Continued) -> None:
    whole = kept.outputs(continued.whole)
    assert len(whole) > len(continued.recovered)
    assert kept.outputs(continued.made.home) == whole


def test_each_alert_is_told_once_in_the_file(continued: Continued) -> None:
    wanted = (continued.whole / "alerts.jsonl").read_bytes()
    before = (continued.cut / "alerts.jsonl").read_bytes()
    assert wanted.startswith(before)
    assert continued.made.alerts.read_bytes() == wanted
    assert "other listings" not in (continued.made.base / "log").read_text("utf-8")


def test_what_waited_is_delivered_once(continued: Continued) -> None:
    """What the webhook had taken before the cut is not sent again, all the rest once and in order."""
    sent = [tuple(each) for each in json.loads((continued.whole / "told.json").read_bytes())]
    (had,) = (each for each in sent if each[1:] == taken_before(continued.cut))
    told = continued.made.told()
    assert sorted(told) == sorted(each for each in sent if each != had)
    transitions = [json.loads(line) for line in continued.made.alerts.read_bytes().splitlines()]
    for id_ in {each[1] for each in sent}:
        wanted = [row["transition"] for row in transitions if row["alert_id"] == id_]
        assert [each[2] for each in [had, *told] if each[1] == id_] == wanted
    assert continued.made.shown() == {"BOR.XNYS", "BORB.XNAS", "TAL.XNYS"}


def taken_before(cut: Path) -> tuple[str, str]:
    """Return what the webhook of the maker took: the first state of the first alert."""
    first = json.loads((cut / "alerts.jsonl").read_bytes().splitlines()[0])
    assert first["listing"] == "BOR.XNYS"
    return first["alert_id"], first["transition"]


def test_the_pages_say_what_they_said(continued: Continued) -> None:
    made = continued.made
    with web(made.state, made.clock, made.base / "web.log") as address:
        assert answers(address) == json.loads((continued.whole / "answers.json").read_bytes())


def test_another_start_tells_nothing(continued: Continued) -> None:
    made, sent = continued.made, len(continued.made.hook.got)
    outputs = kept.outputs(made.home)
    *_, last = day.steps()
    with made.running(last.then) as run:
        run.end()
    assert kept.outputs(made.home) == outputs
    assert len(made.hook.got) == sent


def test_the_pages_of_a_run_that_was_killed_are_read_as_they_are(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        cut = resumed(tmp_path, made)
        made.clock.set_second(day.CUT)
        with web(made.state, made.clock, tmp_path / "web.log") as address:
            said = answers(address)
    assert said == json.loads((cut / "answers.json").read_bytes())
    assert len(said["/api/alerts?state=open"]) == 2
