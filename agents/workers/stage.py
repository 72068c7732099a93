"""What a worker's pure part is to the shell around it (agents/workers/loop.py)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from streams.messages import Header


class Outgoing(NamedTuple):
    """A record on its way; `partition` None: by its key."""

    topic: str
    key: str
    record: Any
    partition: int | None = None


class Fed(enum.Enum):
    """What a stage says of a message it has taken in."""

    waits = enum.auto()  # it may be applied together with what follows
    done = enum.auto()  # what came of it should leave now
    clock = enum.auto()  # a checkpoint may follow
    final = enum.auto()  # a checkpoint must follow: the log may end here


class Stage(Protocol):
    """The pure part of a worker, for one partition."""

    def feed(self, value: bytes | None, headers: Iterable[Header] | None) -> Fed:
        """Take a message in. CodecError: it is no record."""

    async def settle(self) -> list[Outgoing]:
        """Apply all that waits and return what came of everything since the last call."""

    def changes(self) -> dict[str, bytes | None]:
        """Return the cells that have changed since the last call."""

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """Take back all cells."""
