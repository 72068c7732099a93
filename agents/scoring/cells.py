"""The scorer's memory in parts, for a checkpoint that writes what has changed and no more.

The story window is numbered in the order of arrival: what is in it never changes, it only grows at
one end and is forgotten at the other. So it is kept in pages, and `window` tells which numbers count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from agents.scoring.stories import StoryIndex
from agents.scoring.story_window import MAX_MEMBERS, Member

PAGE_MEMBERS: Final = 256  # some 50 KB
# Page keys are used again; there are twice as many as the window can ever need.
PAGES: Final = 2 * (MAX_MEMBERS // PAGE_MEMBERS + 2)
WINDOW: Final = "window"


class Window(msgspec.Struct, frozen=True, array_like=True):
    """Which members make up the window."""

    newest_ns: int
    first: int
    stop: int


class StoryCells:
    """The parts of one story index: `changes` since the last call, `restore` of all of them."""

    def __init__(self, stories: StoryIndex) -> None:
        self._stories = stories
        self._saved = stories.numbers

    def changes(self) -> dict[str, bytes | None]:
        """Return the pages that have grown or begun, and the window, where anything has changed."""
        now, before = self._stories.numbers, self._saved
        if now == before:
            return {}
        self._saved = now
        changed: dict[str, bytes | None] = {}
        first = max(before.stop, now.start) // PAGE_MEMBERS
        for page in range(first, -(-now.stop // PAGE_MEMBERS)):
            numbers = _on_page(page, now)
            members = self._stories.members(numbers)
            changed[_key(page)] = msgspec.msgpack.encode((numbers.start, members))
        window = Window(self._stories.newest_ns, now.start, now.stop)
        changed[WINDOW] = msgspec.msgpack.encode(window)
        return changed

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """Refill the index from all cells."""
        if WINDOW not in cells:
            return
        window = msgspec.msgpack.decode(cells[WINDOW], type=Window)
        found: dict[int, Member] = {}
        for page in range(window.first // PAGE_MEMBERS, -(-window.stop // PAGE_MEMBERS)):
            start, members = msgspec.msgpack.decode(
                cells[_key(page)], type=tuple[int, list[Member]]
            )
            found |= dict(enumerate(members, start))
        numbers = range(window.first, window.stop)
        self._stories.refill(window.newest_ns, window.first, [found[n] for n in numbers])
        self._saved = numbers


def _on_page(page: int, numbers: range) -> range:
    first = page * PAGE_MEMBERS
    return range(max(first, numbers.start), min(first + PAGE_MEMBERS, numbers.stop))


def _key(page: int) -> str:
    return f"stories/{page % PAGES}"
