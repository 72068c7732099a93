"""A replay that the old code began goes on to the old bytes, and an old OUT is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.replay.play.own_results import JOURNAL
from tests.compatibility import day, kept
from tests.compatibility.embedded import answers, web
from tests.compatibility.make_replay import hooked
from tests.compatibility.replays import finished
from tests.compatibility.still import StillClock
from tests.delivery.receiver import receiving
from tests.running import HASHED

pytestmark = pytest.mark.slow

TIMES = {"seconds", "play_seconds", "ticks_per_second", "resumed"}
# The bytes of the Parquet file are those of a version of polars: its rows are in output_sha256.
FILES = [f"{name}.jsonl" for name in HASHED if name != "reactions"]
LATER = day.CUT + 1_200  # when all that was tried in vain is due again


def test_a_replay_that_was_killed_goes_on(tmp_path: Path) -> None:
    folder, whole = day.write_replay(tmp_path / "day"), kept.unpack("replay_whole", tmp_path / "w")
    out = kept.unpack("replay_cut", tmp_path / "out")
    before = json.loads((out / "told.json").read_bytes())
    with receiving() as hook:
        words = ("--deliver", "--config", hooked(folder, hook.url))
        summary = finished(folder, out, *words, second=LATER)
        sent = [got.headers["webhook-id"] for got in hook.got]
    assert summary["resumed"]
    wanted = json.loads((whole / "summary.json").read_bytes())
    assert without(summary) == without(wanted)
    for name in FILES:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    assert len(before) == 1
    assert sorted([*before, *sent]) == json.loads((whole / "told.json").read_bytes())
    assert not (out / JOURNAL).exists()
    assert not list(out.glob("outbox.*"))


def without(summary: dict[str, object]) -> dict[str, object]:
    """Return a summary without what depends on the machine."""
    return {key: value for key, value in summary.items() if key not in TIMES}


def test_the_day_gives_the_old_bytes(tmp_path: Path) -> None:
    out, whole = tmp_path / "out", kept.unpack("replay_whole", tmp_path / "whole")
    summary = finished(day.write_replay(tmp_path / "day"), out)
    wanted = json.loads((whole / "summary.json").read_bytes())
    assert without(summary) == without(wanted)
    for name in FILES:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name


def test_an_old_result_is_shown(tmp_path: Path) -> None:
    whole, clock = kept.unpack("replay_whole", tmp_path / "whole"), StillClock(tmp_path / "clock")
    clock.set_second(day.CUT)
    with web(tmp_path / "state", clock, tmp_path / "log", whole) as address:
        assert answers(address) == json.loads((whole / "answers.json").read_bytes())
