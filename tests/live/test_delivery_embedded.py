"""The embedded run delivers: over crashes each state once, and what was given up is in its journal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agents.live.embedded import Embedded
from agents.replay.play.inputs import Inputs
from streams.codec import decode
from streams.events import Alert, Clock, Reject
from tests.delivery.delivering import Told, dispatcher, hook, until
from tests.delivery.receiver import Receiver, receiving
from tests.live.test_embedded import base, day, outputs_of, send
from tests.running import demo_day, newsquake, records

__all__ = ["base", "day"]


class Run:
    """An embedded run and its dispatcher, ended and begun again as a crash and a restart do."""

    def __init__(self, inputs: Inputs, folder: Path, receiver: Receiver) -> None:
        self._inputs, self.folder, self._receiver = inputs, folder, receiver

    @contextlib.contextmanager
    def running(self) -> Iterator[Any]:
        with dispatcher(self.folder / "q", hook(self._receiver)) as sent:
            outbox = sent.outbox_of()
            outbox.acquire()
            inputs = self._inputs
            log = Embedded(
                self.folder / "j", inputs.universe, inputs.engine, [outbox], dead_letters=sent
            )
            try:
                yield log, sent
            finally:
                log.close()


def test_each_state_is_told_once_and_what_is_refused_is_in_the_journal_once(
    day: tuple[Inputs, list[Any]], base: Path, tmp_path: Path
) -> None:
    inputs, records_in = day
    whole, _ = demo_day(base)
    wanted = [(each["alert_id"], each["transition"]) for each in records(whole, "alerts_log")]
    refused = wanted[0]
    with receiving() as receiver:
        receiver.answer = lambda got: 410 if told_of(got.json) == refused else 200
        run = Run(inputs, tmp_path, receiver)
        third = len(records_in) // 3
        for part in (records_in[:third], records_in[third : 2 * third], records_in[2 * third :]):
            with run.running() as (log, sent):
                for record in part:
                    send(log, record)
                until(lambda sent=sent: not sent.backlog())
                log.send_clock(Clock(ts_ns=part[-1].ts_ns, final=False))
                assert sent.dead_letters() == []
        came = [told_of(got.json) for got in receiver.got]
    assert sorted(came) == sorted(wanted)
    for id_ in {each for each, _ in wanted}:
        assert [each for each in came if each[0] == id_] == [w for w in wanted if w[0] == id_]
    outputs = [decode(each) for each in outputs_of(tmp_path / "j")]
    letters = [each for each in outputs if isinstance(each, Reject) and each.stage == "deliver"]
    assert [(each.reason, refused[0] in each.detail) for each in letters] == [("refused", True)]
    kept = [(each.alert_id, each.transition) for each in outputs if isinstance(each, Alert)]
    assert sorted(kept) == sorted(wanted)


def told_of(body: Any) -> tuple[str, str]:
    return body["alert"]["alert_id"], body["alert"]["transition"]


def test_counts_begin_at_nothing(tmp_path: Path) -> None:
    told = Told()
    with dispatcher(tmp_path / "q", hook("http://127.0.0.1:9/"), told=told):
        for outcome in ("told", "failed", "dead"):
            labels = {"target": "hook", "outcome": outcome}
            value = told.sheet.registry.get_sample_value("newsquake_deliveries_total", labels)
            assert value == 0.0


def test_a_replay_that_is_to_deliver_to_nobody_is_refused(tmp_path: Path) -> None:
    demo_day(tmp_path)
    folder = tmp_path / "demo-day" / "replay"
    done = newsquake("replay", folder, "--out", tmp_path / "out", "--deliver")
    assert done.returncode == 2
    assert "[[alertmanagers]] or [[webhooks]]" in done.stderr
    done = newsquake(
        "replay", folder, "--out", tmp_path / "out", "--deliver", "--broker", "kafka://127.0.0.1:1"
    )
    assert done.returncode == 2
    assert "newsquake worker deliver" in done.stderr
