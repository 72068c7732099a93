"""The deliver stage with a box: what waits is in its checkpoint, and goes on wherever that is read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agents.delivery.dispatcher import Courier
from agents.workers.deliver import DeliverStage
from streams.events import Alert
from streams.messages import to_message
from tests.delivery.delivering import alert, courier, hook, until
from tests.delivery.receiver import Receiver, receiving


def stage_of(sent: Courier, partition: int = 0) -> DeliverStage:
    return DeliverStage([], sent.box(partition))


def fed(stage: DeliverStage, *alerts: Alert) -> None:
    for each in alerts:
        stage.process(*to_message(each))
    assert asyncio.run(stage.flush()) == []


def state(stage: DeliverStage) -> dict[str, bytes]:
    return {key: body for key, body in stage.dirty_state().items() if body is not None}


def types(receiver: Receiver) -> list[str]:
    return [got.json["type"].removeprefix("alert.") for got in receiver.got]


def test_another_worker_goes_on_with_what_waits_and_the_first_one_stops(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: 500
        with courier(tmp_path / "a", hook(receiver)) as first:
            stage = stage_of(first)
            fed(stage, alert(), alert(transition="resolved"))
            kept = state(stage)
            first.let_go()
            with courier(tmp_path / "b", hook(receiver)) as second:
                receiver.answer = lambda _: 200
                other = stage_of(second)
                other.restore(kept)
                until(lambda: not second.backlog())
                fed(other, alert())  # a repeat from the topic
                assert types(receiver)[-2:] == ["opened", "resolved"]
                rest = state(other)  # nothing waits any more
                assert set(rest) == {key for key in kept if key.startswith("waiting")}
            before = len(receiver.got)
            again = stage_of(first)  # it gets the partition back
            again.restore({**kept, **rest})
            until(lambda: not first.backlog())
            assert len(receiver.got) == before


def test_a_checkpoint_that_was_not_written_loses_nothing(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: 500
        with courier(tmp_path / "a", hook(receiver)) as sent:
            stage = stage_of(sent)
            fed(stage, alert())
            kept = state(stage)
            fed(stage, alert(transition="updated"))  # and then a crash
        receiver.answer = lambda _: 200
        receiver.got.clear()
        with courier(tmp_path / "a", hook(receiver)) as sent:
            stage = stage_of(sent)
            stage.restore(kept)
            fed(stage, alert(transition="updated"))  # from the topic, again
            until(lambda: not sent.backlog())
    assert types(receiver) == ["opened", "updated"]


def test_what_does_not_change_is_not_written_again(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: 500
        with courier(tmp_path / "a", hook(receiver)) as sent:
            stage = stage_of(sent)
            fed(stage, alert(), alert(1))
            first = set(state(stage))
            assert len(first) == 4  # two buckets of what was told, two of what waits
            assert state(stage) == {}
            stage.restore({})
