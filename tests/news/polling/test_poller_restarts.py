"""A poller that dies between any two of its steps, and again, loses no item and gives none twice."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.seen_items import SeenItems
from tests.http import misbehaving as bad
from tests.news.polling.polling import Polling, World, feed_of

# What the server has, one after the other; an item stays for two of them, as in a real feed.
EDITIONS = [bad.rss(f"i{n}", f"i{n + 1}") for n in range(4)]
ITEMS = [f"i{n}" for n in range(5)]
EDITION_S = 130.0  # two intervals: one may be lost with a poller
STEPS = 36  # of a run that is not disturbed, at least


class Killed(Exception):  # noqa: N818 - it is no error, it is the end
    """The poller is dead."""


class Mortal(World):
    """A world whose poller dies at certain steps, counted over all its lives, and leaves a book."""

    def __init__(self, book: SeenItems, deaths: Collection[int]) -> None:
        super().__init__()
        self.states, self._book, self._deaths = self, book, deaths
        self.steps = 0
        self.fresh: list[str] = []
        self.polling: Polling | None = None

    def step(self) -> None:
        self.steps += 1
        if self.steps in self._deaths:
            raise Killed

    def load(self, feed: str) -> bytes | None:
        return self._book.load(feed)

    def save(self, feed: str, state: bytes) -> None:
        self.step()
        self._book.save(feed, state)
        self.step()

    def read(self, data: bytes, info: FeedInfo, received_ns: int | None) -> ParsedFeed:
        self.step()
        return super().read(data, info, received_ns)

    async def take(self, _info: FeedInfo, parsed: ParsedFeed) -> int:
        self.step()
        found = self._book.classify([*parsed.headlines, *parsed.rejects], self.time.now_ns())
        self._book.mark_seen(found, self.time.now_ns())
        self.fresh += [item.source_key for item in found.fresh]  # type: ignore[union-attr]
        self.step()
        return len(found.fresh)

    async def answer(self, writer: asyncio.StreamWriter, asked: bad.Asked) -> None:
        """Answer with this time's edition, and die perhaps before and after."""
        number = min(int(self.time.seconds / EDITION_S), len(EDITIONS) - 1)
        try:
            self.step()
            await bad.conditional(EDITIONS[number], f'"{number}"')(writer, asked)
            self.step()
        except Killed:
            assert self.polling is not None
            self.polling.task.cancel()


async def lived(world: Mortal) -> list[bad.Asked]:
    """Let pollers poll, each until it dies, to the last edition; return what they asked."""
    async with bad.serving() as server:
        server.answers["/feed"] = world.answer
        while (left_s := (len(EDITIONS) + 1) * EDITION_S - world.time.seconds) > 0:
            world.polling = Polling(world, feed_of(server.url()))
            try:
                async with world.polling as polling:
                    await polling.passes(left_s)
            except (Killed, asyncio.CancelledError):
                world.time.forget()
        return server.asked


def played(deaths: Collection[int]) -> tuple[Mortal, list[bad.Asked]]:
    with tempfile.TemporaryDirectory() as folder, closing(SeenItems(Path(folder, "book"))) as book:
        world = Mortal(book, deaths)
        return world, asyncio.run(lived(world))


def check(world: Any, asked: list[bad.Asked], deaths: int) -> None:
    assert sorted(world.fresh) == ITEMS
    assert len(asked) <= (len(EDITIONS) + 1) * EDITION_S / 60 + 1 + deaths


def test_an_undisturbed_poller_takes_each_item_once() -> None:
    world, asked = played(())
    check(world, asked, 0)
    assert world.steps >= STEPS


@pytest.mark.parametrize("death", range(1, STEPS + 1))
def test_a_poller_may_die_at_any_step(death: int) -> None:
    world, asked = played({death})
    check(world, asked, 1)
    assert world.steps > death


@settings(max_examples=25)
@given(st.sets(st.integers(1, STEPS + 8), max_size=8))
def test_a_poller_may_die_at_any_steps(deaths: set[int]) -> None:
    world, asked = played(deaths)
    check(world, asked, len(deaths))
