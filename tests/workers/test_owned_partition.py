"""A partition's checkpoints: when one is due, what it takes along, and what is read while it is written."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest
from faust.types import TP

from agents.workers import partition as partition_module
from agents.workers.checkpoints import CheckpointIndex, newest_whole
from agents.workers.deliver import DeliverStage
from agents.workers.partition import ORIGIN, OwnedPartition
from agents.workers.stage import Due, StageOutput
from streams.errors import StateError
from streams.events import Reject
from streams.messages import Header, Message, to_message
from tests.delivery.delivering import alert

TOPIC = TP("alerts", 3)


class Record(NamedTuple):
    """What a partition reads of a Kafka record."""

    offset: int
    value: bytes | None
    headers: Any = ()
    partition: int = 3
    timestamp: float = 1_758_720_600.0


class Event(NamedTuple):
    """What a partition reads of Faust's event."""

    message: Record


class Time:
    """The clock that the pauses are measured by."""

    s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(partition_module, "elapsed_s", made)
    return made


@pytest.fixture
def owned(time: Time) -> OwnedPartition:
    return OwnedPartition(TOPIC, DeliverStage([]), CheckpointIndex(3, 1700), "rejects", begins_at=0)


def event(offset: int, message: Message) -> Event:
    return Event(Record(offset, message.value, message.headers))


def take(owned: OwnedPartition, offset: int) -> Due:
    return owned.take(event(offset, to_message(alert(offset))), gaps=False)


def flushed(owned: OwnedPartition) -> list[tuple[StageOutput, Header]]:
    """Flush, and return what was sent."""
    sent: list[tuple[StageOutput, Header]] = []

    async def delivered() -> None:
        """Return at once: the broker has it."""

    async def send(output: StageOutput, origin: Header) -> Any:
        sent.append((output, origin))
        return delivered()

    async def flush_and_wait() -> None:
        await owned.flush(send)
        for delivery in owned.begin().sent:
            await delivery

    asyncio.run(flush_and_wait())
    return sent


def apply(owned: OwnedPartition) -> None:
    async def send(_output: StageOutput, _origin: Header) -> Any:
        raise AssertionError("a deliver stage makes no records")

    asyncio.run(owned.flush(send))


def test_a_clock_brings_a_checkpoint_a_second_after_the_last(
    owned: OwnedPartition, time: Time
) -> None:
    take(owned, 0)
    apply(owned)
    assert not owned.due(at_clock=True)
    time.s += 1.0
    assert not owned.due()  # without a Clock never
    assert owned.due(at_clock=True)
    owned.begin()
    time.s += 5.0
    assert not owned.due(at_clock=True)  # the one before is under way
    owned.finished()
    assert owned.due(at_clock=True)


def test_one_that_is_required_waits_for_the_one_under_way(
    owned: OwnedPartition, time: Time
) -> None:
    take(owned, 0)
    apply(owned)
    owned.require_checkpoint()
    assert owned.due()
    owned.begin()
    owned.require_checkpoint()
    assert not owned.due()
    owned.finished()
    assert owned.due()
    owned.begin()
    owned.finished()
    assert not owned.due()


def test_records_half_applied_are_in_no_checkpoint(owned: OwnedPartition) -> None:
    assert take(owned, 0) is Due.final_checkpoint
    owned.require_checkpoint()
    assert not owned.due()
    apply(owned)
    assert owned.due()


def test_a_checkpoint_takes_along_what_was_held_up_to_its_cut(owned: OwnedPartition) -> None:
    take(owned, 0)
    take(owned, 1)
    apply(owned)
    assert owned.held == 2
    begun = owned.begin()
    take(owned, 2)
    assert [each.message.offset for each in begun.held] == [0, 1]
    assert (begun.offset, owned.offset, owned.held) == (1, 2, 1)
    table = {key: value for key, value in begun.records if value is not None}
    whole = newest_whole(3, table)
    assert whole is not None
    restored = DeliverStage([])
    restored.restore(whole.state)
    assert CheckpointIndex(3, 1800, whole.manifest, table).base == 1


def test_what_cannot_be_read_is_rejected_with_its_origin(owned: OwnedPartition) -> None:
    assert owned.take(event(0, Message(b"poison", ())), gaps=False) is Due.outputs
    (output, origin), *more = flushed(owned)
    assert more == []
    assert (output.topic, output.key) == ("rejects", "alerts")
    assert isinstance(output.record, Reject)
    assert output.record.reason == "undecodable"
    assert output.record.detail.startswith("alerts/3 offset 0: ")
    assert origin == (ORIGIN, b"3:1700:0:1")


def test_a_gap_is_fatal_unless_the_topic_is_compacted(owned: OwnedPartition) -> None:
    take(owned, 0)
    with pytest.raises(StateError, match="alerts/3: record 2 follows 0"):
        take(owned, 2)
    owned.take(event(5, to_message(alert(5))), gaps=True)
    assert owned.offset == 5


def test_the_end_of_the_log_is_asked_for_only_where_it_must_be(owned: OwnedPartition) -> None:
    asked: list[TP] = []

    def highwater(tp: TP) -> int | None:
        asked.append(tp)
        return 2

    take(owned, 0)
    assert not owned.at_end(highwater)
    assert asked == [TOPIC]
    take(owned, 1)
    assert owned.at_end(highwater)
    assert len(asked) == 2
