"""How a replay through Kafka is spread."""

from __future__ import annotations

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay is spread: over how many partitions and workers."""

    partitions: int
    workers: int
    keep_topics: bool = False
