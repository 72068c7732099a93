"""What every source of headlines and ticks is to the loop that publishes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from agents.ingest.json_lines import LineItem
from streams.events import Status


def nobody_waits() -> None:
    """Stand in where a source need not know."""


class ItemBatch(NamedTuple):
    """What came together; `accepted` is called, on a thread of the publishing, once it is safe.

    Safe: neither a crash of this process nor a loss of power takes it.
    """

    items: list[LineItem | Status]
    accepted: Callable[[], None] = nobody_waits


Emit = Callable[[ItemBatch], None]


class Source(Protocol):
    """Where headlines and ticks come from."""

    name: str

    def run(self, emit: Emit) -> None:
        """Emit what comes until there is no more, on a thread of its own.

        `emit` blocks while publishing is behind. OSError, NewsquakeError: it cannot be read.
        """
