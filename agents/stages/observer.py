"""What the stages and the shell tell whoever counts (agents/metrics/stages.py)."""

from __future__ import annotations

from collections.abc import Sequence

from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine
from streams.codec import Record
from streams.events import Mention


class Observer:
    """One who does not count: the default wherever an observer can be given."""

    def engine(self, config: EngineConfig, partition: int = 0) -> Engine:  # noqa: ARG002 - for those who look
        """Return a new engine for a partition, in place of any that it had."""
        return Engine(config)

    def released(self) -> None:
        """Take note that all partitions are given back; what still is ours is taken up anew."""

    def scored(self, mentions: Sequence[Mention]) -> None:
        """Take note of a headline that was scored, and of what it names."""

    def made(self, record: Record) -> None:
        """Take note of a record that a stage made, as it leaves."""

    def reacted(self, engine: Engine) -> None:
        """Take note that outputs of an engine leave."""

    def delivered(self, updated_ns: int) -> None:
        """Take note that a state of an alert, so old, was told or is where telling waits for nobody."""

    def saved(self, seconds: float) -> None:
        """Take note of a checkpoint that is in Kafka, so long after it was cut."""


NOBODY = Observer()
