"""Documents of very many items: handed over in slices, others in between, what is too much named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.ingest.feed_health import FeedHealth
from agents.ingest.news import SLICE, NewsIntake
from agents.ingest.source import ItemBatch
from streams.events import Headline, Reject
from streams.news.dialects.rss import parse_feed
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.seen_items import NewsItem, SeenItems
from streams.rhythm import Expect

MANY, SMALL = FeedInfo(name="many", source="a"), FeedInfo(name="small", source="b")


def document(feed: FeedInfo, number: int) -> ParsedFeed:
    items = "".join(
        f"<item><guid>{n}</guid><title>Words {n}</title><pubDate>Wed, 24 Sep 2025 12:{n // 60 % 60:02}:{n % 60:02} GMT</pubDate></item>"
        for n in range(number)
    )
    data = f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>".encode()
    return parse_feed(data, feed, 1_758_722_400_000_000_000)


class Desk:
    """An intake with a publishing thread that accepts at once, and what that was given."""

    def __init__(self, path: Path, most: int) -> None:
        self.seen = SeenItems(path / "news.sqlite")
        self.batches: list[list[NewsItem]] = []
        health = FeedHealth({"many": Expect(), "small": Expect()}, self.seen)
        self.intake = NewsIntake(self.seen, health, self._emit, most)

    def _emit(self, batch: ItemBatch) -> None:
        self.batches.append(list(batch.items))  # type: ignore[arg-type]
        batch.accepted()

    @property
    def items(self) -> list[NewsItem]:
        return [each for batch in self.batches for each in batch]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, 1_000)
    yield desk
    desk.seen.close()


def test_a_document_is_handed_over_in_slices_with_others_in_between(desk: Desk) -> None:
    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(desk.intake.take(MANY, document(MANY, 5 * SLICE)))
            group.create_task(desk.intake.take(SMALL, document(SMALL, 1)))

    asyncio.run(both())
    assert max(map(len, desk.batches)) == SLICE
    feeds = [batch[0].feed for batch in desk.batches if isinstance(batch[0], Headline)]
    assert feeds.index("small") < len(feeds) - 1
    assert len(desk.items) == 5 * SLICE + 1


def test_of_too_many_new_items_the_newest_are_taken_and_a_reject_says_so(desk: Desk) -> None:
    whole = document(MANY, 1_700)
    new = asyncio.run(desk.intake.take(MANY, whole))
    headlines = [each for each in desk.items if isinstance(each, Headline)]
    (reject,) = [each for each in desk.items if isinstance(each, Reject)]
    assert [each.source_key for each in headlines] == [str(n) for n in range(700, 1_700)]
    assert (new, reject.reason) == (1_001, "too_many_items")
    assert "700 of 1700 items" in reject.detail
    desk.batches.clear()
    asyncio.run(desk.intake.take(MANY, whole))
    left = [each for each in desk.items if isinstance(each, Headline)]
    assert [each.source_key for each in left] == [str(n) for n in range(700)]
    desk.batches.clear()
    assert asyncio.run(desk.intake.take(MANY, whole)) == 0
    assert not desk.items
