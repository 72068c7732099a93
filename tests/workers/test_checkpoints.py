"""Checkpoints against all that can happen to a partition and its changelog."""

from __future__ import annotations

import contextlib
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agents.workers.checkpoints import CheckpointIndex, newest_whole
from streams.errors import StateError
from tests.workers.checkpoint_model import Partition, Worker

WHICH = st.integers(0, 3)
STEP = 1000  # between two moments: a worker may begin so many terms of its own meanwhile
COUNT = st.sampled_from([None, 0, 1, 2, 3, 99, 99, 99])  # of records written; None: no checkpoint


class Machine(RuleBasedStateMachine):
    """Kills, freezes, stale writes, compactions and clocks that are behind, in any order."""

    STALE: ClassVar = (
        1  # checkpoints of a worker that is replaced: what `Watchdog.check_frozen` allows
    )
    ORDERED: ClassVar = True  # a worker that has written nothing has a lower epoch than the next

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000
        self.partition = Partition(self.STALE, told=not self.ORDERED)

    @rule(waited=st.integers(1, 9), behind=st.sampled_from([0, 0, 5, 500]), killed=st.booleans())
    def start(self, waited: int, behind: int, *, killed: bool) -> None:
        """Replace the owner, which is dead or does not know it yet."""
        if killed and self.partition.owner:
            self.partition.die(self.partition.owner)
        self.now += waited * STEP
        silent = [each.index.epoch for each in self.partition.workers if not each.traced]
        earliest = STEP + max(silent, default=0) if self.ORDERED else 0
        self.partition.start(max(self.now - behind * STEP, earliest))

    @precondition(lambda self: self.partition.workers)
    @rule(which=WHICH, records=st.integers(0, 5), count=COUNT, commit=st.booleans())
    def work(self, which: int, records: int, count: int | None, *, commit: bool) -> None:
        """Apply; begin a checkpoint or go on with the one that is begun, however far."""
        worker = self.worker(which)
        for _ in range(records):
            worker.apply()
        if count is None:
            self.partition.deliver(worker)
            return
        if self.partition.may_begin(worker):
            self.partition.begin(worker)
        self.partition.write(worker, count, commit=commit)

    @precondition(lambda self: self.partition.workers)
    @rule(which=WHICH)
    def die(self, which: int) -> None:
        self.partition.die(self.worker(which))

    @rule(share=st.floats(0, 1), forget_deletes=st.booleans())
    def compact(self, share: float, *, forget_deletes: bool) -> None:
        end = int(share * len(self.partition.log))
        self.partition.compact(end, forget_deletes=forget_deletes)

    @invariant()
    def what_is_read_back_is_the_truth(self) -> None:
        self.partition.check()

    def worker(self, which: int) -> Worker:
        workers = self.partition.workers
        return workers[which % len(workers)]


class CutOffMachine(Machine):
    """The same with workers that nobody stops, and clocks of any kind."""

    STALE: ClassVar = 99
    ORDERED: ClassVar = False

    @rule(waited=st.integers(1, 9), behind=st.sampled_from([0, 0, 5, 500]), killed=st.booleans())
    def start(self, waited: int, behind: int, *, killed: bool) -> None:
        with contextlib.suppress(StateError):
            super().start(waited, behind, killed=killed)

    @invariant()
    def what_is_read_back_is_the_truth(self) -> None:
        with contextlib.suppress(StateError):
            super().what_is_read_back_is_the_truth()


def test_of_checkpoints_after_one_record_the_newest_that_is_whole_counts() -> None:
    """A deliver worker writes one when a delivery ends, without a record; a crash may cut it off."""
    index = CheckpointIndex(0, 1000)
    contents = [{"a": b"%d" % number, "b": b"%d" % (number // 2)} for number in range(5)]
    log: list[tuple[bytes, bytes | None]] = []
    before: dict[str, bytes] = {}
    for content in contents:
        changed = {name: body for name, body in content.items() if before.get(name) != body}
        records = index.checkpoint(7, changed)
        for count, record in enumerate(records, 1):
            log.append(record)
            table = {key: value for key, value in log if value is not None}
            for key in {key for key, value in log if value is None}:
                table.pop(key, None)
            kept = newest_whole(0, table)
            whole = content if count == len(records) else before
            assert (kept.state if kept else {}) == whole
        before = content


TestExact = Machine.TestCase
TestLoud = CutOffMachine.TestCase
TestExact.settings = TestLoud.settings = settings(
    max_examples=4 * settings().max_examples, stateful_step_count=30
)
