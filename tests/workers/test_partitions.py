"""A replay cut over partitions, with restarts from cells anywhere: together it says the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.reacting.config import Rule
from agents.reacting.engine import Engine
from agents.reacting.keeping.cells import Cells
from agents.replay.kafka.market_publisher import MarketPublisher
from agents.replay.play.backend import LocalBackend
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from agents.workers.react import of_partition
from streams.events import Alert, Clock, Move, Output, Reaction, Reject, TickFrame
from tests.running import demo_day

pytestmark = pytest.mark.slow


class Topic:
    """A publisher that keeps what it is given, a list a partition."""

    def __init__(self, partitions: int) -> None:
        self.partitions: list[list[Any]] = [[] for _ in range(partitions)]

    def send(self, topic: str, partition: int, record: Any, key: str | None = None) -> None:
        self.partitions[partition].append(record)

    def flush(self) -> None:
        """Nothing is under way."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    whole, _ = demo_day(tmp_path_factory.getbasetemp())
    return read_inputs(whole / "replay", (Rule(),), lambda _: None)


def plain(outputs: list[Output]) -> list[bytes]:
    return sorted(msgspec.json.encode(output) for output in outputs)


def whole(day: Inputs, out: Path) -> list[bytes]:
    steps = Replay(day, out).steps()
    kinds = (Reaction, Move, Alert, Reject)
    return plain([each for step in steps for each in step if isinstance(each, kinds)])


class Worker:
    """One partition's engine, which checkpoints, prunes and dies by chance."""

    def __init__(self, day: Inputs, partition: int, partitions: int, rng: random.Random) -> None:
        self._config, self._rng = of_partition(day.engine, partition, partitions), rng
        self._kept: dict[str, bytes] = {}
        self.restarts = 0
        self._begin()

    def _begin(self) -> None:
        self._engine = Engine(self._config)
        self._cells = Cells(self._engine)
        if self._kept:
            self._cells.restore(self._kept)

    def run(self, records: list[Any]) -> list[Output]:
        done: list[Output] = []
        at = saved = 0
        fresh: list[Output] = []
        frames: list[TickFrame] = []
        while at < len(records):
            record = records[at]
            at += 1
            if isinstance(record, TickFrame):
                frames.append(record)
                if self._rng.random() < 0.7:
                    continue
            fresh += self._engine.apply_frames(frames)
            frames = []
            if not isinstance(record, TickFrame):
                fresh += self._engine.apply(record)
            if isinstance(record, Clock) and (record.final or self._rng.random() < 0.02):
                self._checkpoint()
                done, fresh, saved = done + fresh, [], at
            if self._rng.random() < 0.0002 and at < len(records):
                self._begin()
                self.restarts += 1
                fresh, at = [], saved
        return done

    def _checkpoint(self) -> None:
        for key, body in self._cells.changes().items():
            if body is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = body
        self._engine.prune()


@pytest.mark.parametrize("partitions", [1, 4])
def test_the_alibaba_day_in_partitions(day: Inputs, tmp_path: Path, partitions: int) -> None:
    topic, rng = Topic(partitions), random.Random(partitions)
    remote = MarketPublisher(day.engine, topic, "market", partitions, day.name)  # type: ignore[arg-type]
    options = ReplayOptions(frame=50)
    for _ in Replay(day, tmp_path / "remote", LocalBackend(remote), options).steps():
        pass
    workers = [Worker(day, number, partitions, rng) for number in range(partitions)]
    outputs = [
        o for w, records in zip(workers, topic.partitions, strict=True) for o in w.run(records)
    ]
    assert sum(worker.restarts for worker in workers) > 5
    assert plain(outputs) == whole(day, tmp_path / "whole")
