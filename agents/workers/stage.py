"""What the worker loop (agents/workers/loop.py) asks of a worker's pure part."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from streams.events import NEVER_NS
from streams.messages import Header


class StageOutput(NamedTuple):
    """A record that a stage made, and where it goes; `partition` None: by its key."""

    topic: str
    key: str
    record: Any
    partition: int | None = None


class Due(enum.Enum):
    """What is due once a stage has taken a message in."""

    nothing = enum.auto()  # it may be applied together with what follows
    outputs = enum.auto()  # what came of it should leave now
    checkpoint = enum.auto()  # the outputs, and a checkpoint if the last one was long enough ago
    final_checkpoint = enum.auto()  # the outputs and a checkpoint: the log may end here


class Stage(Protocol):
    """The pure part of a worker, for one partition."""

    def process(
        self, value: bytes | None, headers: Iterable[Header] | None, stamp_ns: int = NEVER_NS
    ) -> Due:
        """Take a message in, which the broker stamped. RecordError: it is none that can be used."""

    async def flush(self) -> list[StageOutput]:
        """Apply all that waits and return what came of everything since the last call."""

    def dirty_state(self) -> dict[str, bytes | None]:
        """Return the state keys that have changed since the last call; None: the key has ended."""

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Take the state of a checkpoint."""
