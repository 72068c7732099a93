"""Make `embedded_cut` and `embedded_whole`: a run without a broker, killed in the middle, and whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.compatibility import day, kept
from tests.compatibility.embedded import Desk, answers, desk, first_alert_only, saving_at, web
from tests.compatibility.live import until

CUT = (
    "state folder `live` of `newsquake run` without a broker, killed with SIGKILL at 13:36:00 of "
    "the small day: journals of two days, a checkpoint of 13:33:00 and records behind it, "
    "numbers.json, web.sqlite, outbox.sqlite with one state told and the rest waiting; "
    "alerts.jsonl; answers.json: what the pages' API said of it"
)
WHOLE = (
    "the same day without a cut: the journals of outputs, alerts.jsonl, told.json (all that a "
    "webhook was sent), answers.json"
)


def make(work: Path, commit: str) -> None:
    with desk(work / "whole") as whole:
        _whole(whole, work / "packed_whole")
    with desk(work / "cut") as cut:
        _cut(cut, work / "packed_cut")
    kept.pack("embedded_whole", work / "packed_whole")
    kept.note("embedded_whole", WHOLE, commit)
    kept.pack("embedded_cut", work / "packed_cut")
    kept.note("embedded_cut", CUT, commit)


def _whole(made: Desk, into: Path) -> None:
    with made.running(day.BEGIN) as run:
        run.say(day.steps(), saving_at(day.MIDNIGHT))
        until(lambda: len(set(made.told())) == _states(made))
        run.end()
    into.mkdir(parents=True)
    for path in made.home.glob("*/outputs"):
        shutil.copytree(path, into / path.relative_to(made.home))
    shutil.copy(made.alerts, into)
    (into / "told.json").write_text(json.dumps(sorted(made.told())))
    _answers(made, into)


def _cut(made: Desk, into: Path) -> None:
    made.hook.answer, made.manager.answer = first_alert_only, lambda _: 503
    with made.running(day.BEGIN) as run:
        steps = [step for step in day.steps() if step.then <= day.CUT]
        run.say(steps, saving_at(day.MIDNIGHT, day.SAVED))
        until(lambda: len(made.tried()) >= len({each for each, _ in _alerts(made)}))
        until(lambda: made.manager.got)
        run.kill()
    shutil.copytree(made.home, into / "live")
    shutil.copy(made.alerts, into)
    _answers(made, into)


def _answers(made: Desk, into: Path) -> None:
    with web(made.state, made.clock, made.base / "web.log") as address:
        (into / "answers.json").write_text(json.dumps(answers(address), indent=1))


def _alerts(made: Desk) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in made.alerts.read_bytes().splitlines()]
    return [(row["alert_id"], row["transition"]) for row in rows]


def _states(made: Desk) -> int:
    return len(_alerts(made))
