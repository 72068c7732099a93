"""Standard input as a source: JSON Lines, a headline or a tick each."""

from __future__ import annotations

import os
from typing import Final

from agents.ingest.json_lines import LineReader
from agents.ingest.source import Emit, ItemBatch
from agents.machine.clock import now_ns

READ_BYTES: Final = 64 * 2**10


class LineSource:
    """A pipe or a file, by its descriptor."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor, self.name = descriptor, name

    def run(self, emit: Emit) -> None:
        """Emit what the lines say that came together. OSError: it cannot be read."""
        reader = LineReader(self.name)
        while data := os.read(self._descriptor, READ_BYTES):
            emit(ItemBatch([*reader.feed(data, now_ns())]))
        emit(ItemBatch([*reader.end(now_ns())]))
