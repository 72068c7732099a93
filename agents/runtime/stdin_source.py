"""Standard input as a source: JSON Lines, a headline or a tick each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, Protocol

from agents.runtime.clock import now_ns
from streams.lines import Item, LineReader

READ_BYTES: Final = 64 * 2**10


class Source(Protocol):
    """Where headlines and ticks come from. `handfuls` blocks, on a thread of its own."""

    name: str

    def handfuls(self) -> Iterator[list[Item]]:
        """Yield what has come, some at a time, until there is no more. OSError: it cannot be read."""


class LineSource:
    """A pipe or a file, by its descriptor."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor, self.name = descriptor, name

    def handfuls(self) -> Iterator[list[Item]]:
        """Yield what the lines say that came together."""
        reader = LineReader(self.name)
        while data := os.read(self._descriptor, READ_BYTES):
            yield list(reader.feed(data, now_ns()))
        yield list(reader.end(now_ns()))
