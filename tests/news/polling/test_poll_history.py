"""Five days of 38 real feeds, polled again in time: each revision goes on once, and how late it was.

`pytest -s` prints the figures.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from agents.ingest.feed_health import FeedHealth
from streams.events import Headline
from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo
from streams.news.seen_items import SeenItems
from streams.outcome import Outcome
from streams.rhythm import Expect
from streams.times import DAY_S, parse_time

Item = dict[str, Any]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def items(shared_data: Path) -> list[Item]:
    path = shared_data / "C3_rss_polls_dev" / "items.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def titles_of(item: Item) -> list[tuple[str, str]]:
    """Return (since, title) of all that an item was called."""
    return [(since, title) for since, title in item.get("title_history", [])] or [
        (item["first_seen"], item["title"])
    ]


def document(listed: list[Item], at: str) -> bytes:
    """Write the feed as it stood at an instant, the newest first."""
    rows = []
    for item in reversed(listed):
        title = [title for since, title in titles_of(item) if since <= at][-1]
        fields = {"title": title, "guid": item["guid"], "link": item["link"]}
        fields["pubDate"] = item["published"]
        rows.append("".join(f"<{k}>{escape(str(v or ''))}</{k}>" for k, v in fields.items()))
    body = "".join(f"<item>{row}</item>" for row in rows)
    return f'<rss version="2.0"><channel><title>x</title>{body}</channel></rss>'.encode()


def polls(items: list[Item]) -> list[tuple[str, str, list[Item]]]:
    """Return (instant, feed, what it listed) of every poll, in order."""
    times = sorted({item[key] for item in items for key in ("first_seen", "last_seen")})
    by_feed = defaultdict(list)
    for item in items:
        by_feed[item["feed"]].append(item)
    return [
        (at, feed, listed)
        for at in times
        for feed, ours in by_feed.items()
        if (listed := [item for item in ours if item["first_seen"] <= at <= item["last_seen"]])
    ]


def test_the_polls_of_five_days(items: list[Item], tmp_path: Path) -> None:
    feeds = {
        name: FeedInfo(name=name, source=name, dialect="rss", lateness_bound_s=2 * DAY_S)
        for name in {item["feed"] for item in items}
    }
    total: Counter[str] = Counter()
    got: list[Headline] = []
    with closing(SeenItems(tmp_path / "news.sqlite")) as book:
        health = FeedHealth(dict.fromkeys(feeds, Expect()), book)
        for at, feed, listed in polls(items):
            at_ns = parse_time(at)
            assert at_ns is not None
            parsed = read_document(document(listed, at), feeds[feed], at_ns)
            assert not parsed.rejects
            found = book.classify(sorted(parsed.headlines, key=lambda each: each.event_ns), at_ns)
            book.mark_seen(found, at_ns)
            health.took(feed, found, at_ns)
            health.notice(Outcome(feed=feed, at_ns=at_ns, kind="read", items=len(listed)))
            got += [each for each in found.fresh if isinstance(each, Headline)]
            total.update(
                polls=1, read=len(listed), new=len(found.fresh) - found.revisions,
                revisions=found.revisions, repeats=found.repeats, stale=found.stale,
            )  # fmt: skip
    assert total["new"] == len(items)
    assert total["read"] == sum(total[k] for k in ("new", "revisions", "repeats", "stale"))
    # What an item was newly called is a revision, a name it had before is an old copy.
    assert total["revisions"] == sum(len({t for _, t in titles_of(i)}) - 1 for i in items)
    assert total["stale"] > 0
    places = [(each.headline_id, each.revision) for each in got]
    assert len(places) == len(set(places))
    tell(total, health)


def tell(total: Counter[str], health: FeedHealth) -> None:
    print(dict(total))
    for record in sorted(health.records.values(), key=lambda each: -each.fresh):
        late = [record.lateness.quantile_s(share) for share in (0.1, 0.5, 0.9)]
        print(
            f"{record.feed:30} new {record.fresh:5} revised {record.revisions:4} late p10/50/90 {late} "
            f"first {record.first} of {record.stories}, behind p50 {record.behind.quantile_s(0.5)}"
        )
