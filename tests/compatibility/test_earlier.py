"""A run that an earlier release began goes on: it explained moves by other rules, and all else is equal.

`earlier_*` is of the release before moves were explained by their path. The state that it left is
read: reactions and moves are those that it would have made, and nothing that it told is told again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from streams.codec import Record, decode
from streams.events import Alert, Move, Reaction
from tests.compatibility import day, kept
from tests.compatibility.embedded import desk
from tests.compatibility.test_embedded import taken_before

pytestmark = pytest.mark.slow

UPDATES = "updated"  # is said where shares change, and these are others now


def measured(outputs: list[Record]) -> list[Record]:
    """Return what is measured and not explained."""
    return [each for each in outputs if isinstance(each, Reaction | Move)]


def raised(outputs: Iterable[Record]) -> list[tuple[str, str, int, float]]:
    """Return which alerts were opened, escalated and resolved, and at what."""
    return [
        (each.alert_id, each.transition, each.level_pct, each.return_bps)
        for each in outputs
        if isinstance(each, Alert) and each.transition != UPDATES
    ]


def test_a_run_goes_on_and_tells_nothing_again(tmp_path: Path) -> None:
    whole = kept.unpack("earlier_embedded_whole", tmp_path / "whole")
    wanted = [decode(each) for each in kept.outputs(whole)]
    with desk(tmp_path) as made:
        cut = kept.unpack("earlier_embedded_cut", tmp_path / "cut")
        shutil.copytree(cut / "live", made.home)
        shutil.copy(cut / "alerts.jsonl", made.alerts)
        with made.running(day.CUT) as run:
            run.say(step for step in day.steps() if step.at >= day.CUT)
            run.end()
        got = [decode(each) for each in kept.outputs(made.home)]
        told = [(alert, transition) for _, alert, transition in made.told()]
        said = (tmp_path / "log").read_text("utf-8")
    assert measured(got) == measured(wanted)
    assert raised(got) == raised(wanted)
    assert len(raised(wanted)) > 3
    assert taken_before(cut) not in told
    lines = [json.loads(line) for line in made.alerts.read_bytes().splitlines()]
    states = [(x["alert_id"], x["transition"], x["level_pct"]) for x in lines]
    unique = [each for each in states if each[1] != UPDATES]
    assert len(unique) == len(set(unique))
    assert "another version" not in said
    assert "Traceback" not in said
