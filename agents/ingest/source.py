"""What every source of headlines and ticks is to the loop that publishes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from agents.ingest.json_lines import Item
from streams.events import Status


def _nobody_waits() -> None:
    """Stand in where a source need not know."""


class Handful(NamedTuple):
    """What came together; `accepted` is called, on the publishing thread, once it is safe."""

    items: list[Item | Status]
    accepted: Callable[[], None] = _nobody_waits


Hand = Callable[[Handful], None]


class Source(Protocol):
    """Where headlines and ticks come from."""

    name: str

    def run(self, hand: Hand) -> None:
        """Hand over what comes until there is no more, on a thread of its own.

        `hand` blocks while publishing is behind. OSError, NewsquakeError: it cannot be read.
        """
