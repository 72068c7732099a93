"""The deliver stage with a outbox: what waits is in its checkpoint, and goes on wherever that is read."""

from __future__ import annotations

import asyncio
import threading

from agents.delivery.dispatcher import Dispatcher
from agents.delivery.outbox import Outbox
from agents.workers.deliver import DeliverStage
from streams.events import Alert
from streams.messages import to_message
from tests.delivery.delivering import alert, hook, running, until
from tests.delivery.receiver import Receiver, receiving


def stage_of(sent: Dispatcher, partition: int = 0) -> DeliverStage:
    return DeliverStage([], sent.outbox_of(partition))


def fed(stage: DeliverStage, *alerts: Alert) -> None:
    for each in alerts:
        stage.process(*to_message(each))
    assert asyncio.run(stage.flush()) == []


def state(stage: DeliverStage) -> dict[str, bytes]:
    return {key: body for key, body in stage.dirty_state().items() if body is not None}


def types(receiver: Receiver) -> list[str]:
    return [got.json["type"].removeprefix("alert.") for got in receiver.got]


def test_another_worker_goes_on_with_what_waits_and_the_first_one_stops() -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: 500
        with running(Outbox(), hook(receiver)) as first:
            stage = stage_of(first)
            fed(stage, alert(), alert(transition="resolved"))
            kept = state(stage)
            first.release()
            with running(Outbox(), hook(receiver)) as second:
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


def test_a_checkpoint_that_was_not_written_loses_nothing() -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: 500
        with running(Outbox(), hook(receiver)) as sent:
            stage = stage_of(sent)
            fed(stage, alert())
            kept = state(stage)
            fed(stage, alert(transition="updated"))  # and then a crash
        receiver.answer = lambda _: 200
        receiver.got.clear()
        with running(Outbox(), hook(receiver)) as sent:
            stage = stage_of(sent)
            stage.restore(kept)
            fed(stage, alert(transition="updated"))  # from the topic, again
            until(lambda: not sent.backlog())
    assert types(receiver) == ["opened", "updated"]


def test_what_does_not_change_is_not_written_again() -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: 500
        with running(Outbox(), hook(receiver)) as sent:
            stage = stage_of(sent)
            fed(stage, alert(), alert(1))
            first = set(state(stage))
            assert len(first) == 4  # two buckets of what was told, two of what waits
            assert state(stage) == {}
            stage.restore({})


def test_when_a_delivery_ends_a_checkpoint_is_due() -> None:
    with receiving() as receiver, running(Outbox(), hook(receiver)) as sent:
        settled = threading.Event()
        sent.when_settled(settled.set)
        receiver.answer = lambda _: 200 if settled.is_set() else 500
        stage = stage_of(sent)
        fed(stage, alert())
        assert "waiting" in {key.partition("/")[0] for key in state(stage)}
        assert not stage.pending_changed()
        assert settled.wait(10)  # the first try has failed
        until(lambda: not sent.backlog())
        assert stage.pending_changed()
        rest = state(stage)
        assert not stage.pending_changed()
    with receiving() as receiver, running(Outbox(), hook(receiver)) as sent:
        stage_of(sent).restore(rest)  # a kill after that checkpoint repeats nothing
        assert sent.backlog() == 0


def test_what_was_given_up_is_in_the_checkpoint_until_its_dead_letter_is_recorded() -> None:
    with receiving() as receiver, running(Outbox(), hook(receiver)) as sent:
        receiver.answer = lambda got: 410 if got.json["type"] == "alert.opened" else 500
        stage = stage_of(sent)
        fed(stage, alert(), alert(transition="resolved"))
        until(sent.dead_letters)
        until(lambda: len(receiver.got) > 1)
        kept = state(stage)
        with running(Outbox(), hook(receiver)) as other:  # a kill before it is in `rejects`
            before = len(receiver.got)
            stage_of(other).restore(kept)
            until(other.dead_letters)
            assert receiver.got[before].json["type"] == "alert.opened"  # in its old place
        (letter,) = sent.dead_letters()
        sent.forget(letter)
        assert stage.pending_changed()
        (pending,) = sent.outbox_of().pending()
        assert b'"transition":"resolved"' in pending.body
