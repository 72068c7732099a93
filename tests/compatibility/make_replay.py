"""Make `replay_cut` and `replay_whole`: OUT of a replay that was killed, and of one that was not."""

from __future__ import annotations

import json
from pathlib import Path

from tests.compatibility import day, kept
from tests.compatibility.embedded import answers, first_alert_only, web
from tests.compatibility.live import until
from tests.compatibility.replays import finished, killed_after_saving, paced
from tests.compatibility.still import StillClock
from tests.delivery.receiver import receiving

CUT = (
    "OUT of `newsquake replay --deliver` over the small day, killed with SIGKILL: journal, "
    "checkpoint, outbox.sqlite with one state told (told.json) and others waiting"
)
WHOLE = (
    "OUT of the same replay without a cut; answers.json: what `newsquake web OUT` said of it; "
    "told.json: all that a webhook was sent"
)


def hooked(folder: Path, url: str) -> Path:
    """Write a newsquake.toml that names a webhook, beside a replay folder."""
    config = folder.parent / "hook.toml"
    config.write_text(f'[[webhooks]]\nname = "hook"\nurl = "{url}"\nsecret_env = "HOOK_SECRET"\n')
    return config


def make(work: Path, commit: str) -> None:
    folder = day.write_replay(work / "day")
    _whole(folder, work / "whole")
    _cut(folder, work / "cut")
    for name, what in (("replay_whole", WHOLE), ("replay_cut", CUT)):
        kept.pack(name, work / name.removeprefix("replay_"))
        kept.note(name, what, commit)


def _whole(folder: Path, out: Path) -> None:
    with receiving() as hook:
        finished(folder, out, "--deliver", "--config", hooked(folder, hook.url))
        told = sorted(got.headers["webhook-id"] for got in hook.got)
    clock = StillClock(folder.parent / "clock")
    clock.set_second(day.CUT)
    with web(folder.parent / "state", clock, folder.parent / "web.log", out) as address:
        (out / "answers.json").write_text(json.dumps(answers(address), indent=1))
    (out / "told.json").write_text(json.dumps(told))


def _cut(folder: Path, out: Path) -> None:
    with receiving() as hook:
        hook.answer = first_alert_only
        words = ("--deliver", "--config", hooked(folder, hook.url))
        process = paced(folder, out, *words)
        with killed_after_saving(process, out, 2):
            until(lambda: len({got.headers["webhook-id"] for got in hook.got}) > 1)
        told = [got.headers["webhook-id"] for got in hook.taken()]
    (out / "told.json").write_text(json.dumps(told))
