"""What the stages and the worker loop tell whoever counts (agents/metrics/stages.py)."""

from __future__ import annotations

from collections.abc import Sequence

from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine
from streams.codec import Record
from streams.events import Mention


class Observer:
    """One that counts nothing: the default wherever an observer can be given."""

    def engine(self, config: EngineConfig, partition: int = 0) -> Engine:  # noqa: ARG002 - for those who show it
        """Return a new engine for a partition, in place of any that it had."""
        return Engine(config)

    def released(self) -> None:
        """Record that all partitions are given back; those that stay ours are taken anew."""

    def scored(self, mentions: Sequence[Mention]) -> None:
        """Record that a headline was scored, and the Mentions that came of it."""

    def made(self, record: Record) -> None:
        """Record one output of a stage, as it leaves."""

    def reacted(self, engine: Engine) -> None:
        """Record the latency of an engine's outputs, as they leave."""

    def delivered(self, updated_ns: int) -> None:
        """Record the delivery latency of one alert state, once it is in every sink or in the outbox.

        `updated_ns`: when the state came to be.
        """

    def saved(self, seconds: float) -> None:
        """Record a checkpoint: how long after it was cut it was wholly in Kafka."""


NOBODY = Observer()
