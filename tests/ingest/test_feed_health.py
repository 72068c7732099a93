"""What is counted of feeds: lateness, who was first, silence, failures; and that it outlives a run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.feeds.status import plain, state_of
from agents.ingest.feed_health import BUCKETS_S, FeedHealth, FeedRecord, Spread, records_in
from streams.events import SECOND_NS, Headline, Status
from streams.news.feed import FeedInfo, refused
from streams.news.headline import HeadlineParts, make_headline
from streams.news.seen_items import Classified, NewsItem, SeenItems, read_states
from streams.outcome import Outcome
from streams.rhythm import Expect
from tests.news.polling.polling import Kept

BEGIN_NS = 1_795_446_000 * SECOND_NS  # Monday 2026-11-23 15:00 UTC, ten in New York
DIVER = "Diver completes a record descent off Norway"
STRIKE = "Dockworkers at Hamburg vote to strike on Friday"


def at(seconds: float) -> int:
    return BEGIN_NS + round(seconds * SECOND_NS)


def headline(
    title: str, received_s: float, late_s: float | None = 0.0, source: str = "one", **more: Any
) -> Headline:
    """Return news that was received then, published so much before; None: undated."""
    published_ns = None if late_s is None else at(received_s - late_s)
    return make_headline(HeadlineParts(
        source=source, source_key=title, title=title, published_ns=published_ns,
        received_ns=at(received_s), tier="wire", **more,
    ))  # fmt: skip


class Feeds:
    """Feeds of which documents come in, as the desk and the sources tell the records of health."""

    def __init__(self, *names: str, states: Any = None, expect: Expect | None = None) -> None:
        self.states = Kept() if states is None else states
        self.health = FeedHealth(dict.fromkeys(names, expect or Expect()), self.states)

    def read(self, feed: str, seconds: float, *items: NewsItem, **counts: int) -> None:
        """A document came: first what was in it, then that it was read."""
        found = Classified([*items], [], **{"repeats": 0, "stale": 0, "revisions": 0, **counts})
        self.health.took(feed, found, at(seconds))
        self.befell(feed, seconds, "read", items=len(items))

    def befell(self, feed: str, seconds: float, kind: Any, **more: Any) -> None:
        self.health.notice(Outcome(feed=feed, at_ns=at(seconds), kind=kind, **more))

    def of(self, feed: str) -> FeedRecord:
        return self.health.records[feed]


# -- Spread


def test_a_spread_tells_its_quantiles_by_their_buckets() -> None:
    spread = Spread()
    assert spread.quantile_s(0.5) is None
    for seconds in (0.05, 0.1, 3, 4, 100_000):
        spread.add(seconds)
    assert [spread.quantile_s(share) for share in (0.1, 0.4, 0.6, 0.8, 1.0)] == [
        0.1, 0.1, 5, 5, math.inf,
    ]  # fmt: skip
    assert spread.total_s == pytest.approx(100_007.15)
    assert Spread().counts == [0] * (len(BUCKETS_S) + 1)  # none is shared between spreads


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_the_bucket_in_which_it_lies(seconds: list[float], share: float) -> None:
    spread = Spread()
    for each in seconds:
        spread.add(each)
    exact = sorted(seconds)[math.ceil(share * len(seconds) - 1e-9) - 1]
    end = spread.quantile_s(share)
    assert end == next((each for each in BUCKETS_S if exact <= each), math.inf)


# -- lateness


def test_the_first_document_says_nothing_of_lateness() -> None:
    """What it holds was out before; so it is with the first after a restart."""
    feeds = Feeds("one")
    feeds.read("one", 0, *(headline(f"Old story {n}", 0, 3_600 * n) for n in range(30)))
    assert feeds.of("one").lateness.quantile_s(0.5) is None
    assert (feeds.of("one").fresh, feeds.of("one").items) == (30, 30)
    feeds.read("one", 60, headline("Something new", 60, 12))
    assert feeds.of("one").lateness.quantile_s(1.0) == 15
    feeds.health.save()
    again = Feeds("one", states=feeds.states)
    again.read("one", 36_000, headline("Said while nobody listened", 36_000, 30_000))
    assert sum(again.of("one").lateness.counts) == 1
    again.read("one", 36_060, headline("Said since", 36_060, 70))
    assert sum(again.of("one").lateness.counts) == 2
    assert again.of("one").fresh == 33


def test_an_unchanged_first_document_begins_it_too() -> None:
    feeds = Feeds("one")
    feeds.befell("one", 0, "unchanged")
    feeds.read("one", 60, headline("Something new", 60, 40))
    assert feeds.of("one").lateness.quantile_s(0.5) == 60


def test_what_has_no_lateness_is_left_out() -> None:
    feeds = Feeds("one")
    feeds.read("one", 0)
    feeds.read("one", 60, headline("Undated", 60, None))
    feeds.read("one", 60, headline("Revised", 60, 5_000, revision=1, action="updated"))
    feeds.read("one", 60, headline("Withdrawn", 60, 5_000, action="deleted"))
    feeds.read("one", 60, Status(listing="A.XNYS", ts_ns=at(0), action="halt", reason="T1"))
    assert feeds.of("one").lateness.quantile_s(0.5) is None
    feeds.read("one", 90, headline("Ahead of our clock", 90, -3))
    assert feeds.of("one").lateness.quantile_s(0.5) == 0.1
    assert feeds.of("one").lateness.total_s == 0


def test_a_halt_is_an_item_like_others() -> None:
    feeds = Feeds("halts")
    halt = Status(listing="A.XNYS", ts_ns=at(0), action="halt", reason="T1")
    feeds.read("halts", 7, halt)
    assert (feeds.of("halts").fresh, feeds.of("halts").last_item_ns) == (1, at(7))


# -- who was first


@pytest.fixture
def two() -> Feeds:
    """Return two feeds whose first documents are behind them."""
    feeds = Feeds("quick", "slow", "third")
    for name in ("quick", "slow", "third"):
        feeds.read(name, 0)
    return feeds


def standing(feeds: Feeds) -> dict[str, tuple[int, int, float | None, float | None]]:
    return {
        name: (r.stories, r.first, r.ahead.quantile_s(0.5), r.behind.quantile_s(0.5))
        for name, r in feeds.health.records.items()
    }


def test_the_first_of_two_is_ahead_by_what_the_other_is_behind(two: Feeds) -> None:
    two.read("quick", 10, headline(DIVER, 10))
    two.read("quick", 11, headline(STRIKE, 11))
    assert standing(two)["quick"] == (0, 0, None, None)  # nobody else told them yet
    two.read("slow", 50, headline(DIVER, 50, 40, "two"))
    assert standing(two) == {
        "quick": (1, 1, 60, None), "slow": (1, 0, None, 60), "third": (0, 0, None, None),
    }  # fmt: skip
    two.read("slow", 55, headline(DIVER, 55, 40, "another paper"))  # it is no third teller
    two.read("third", 310, headline(DIVER, 310, 300, "three"))
    assert standing(two) == {
        "quick": (1, 1, 60, None), "slow": (1, 0, None, 60), "third": (1, 0, None, 300),
    }  # fmt: skip
    assert two.of("quick").ahead.total_s == 40
    assert two.of("third").behind.total_s == 300


def test_each_may_be_first_with_another_story(two: Feeds) -> None:
    two.read("quick", 10, headline(DIVER, 10))
    two.read("slow", 12, headline(STRIKE, 12, 0, "two"))
    two.read("quick", 20, headline(STRIKE, 20))
    two.read("slow", 30, headline(DIVER, 30, 0, "two"))
    assert standing(two)["quick"] == (2, 1, 30, 15)
    assert standing(two)["slow"] == (2, 1, 15, 30)


def test_a_feed_repeating_itself_is_ahead_of_nobody(two: Feeds) -> None:
    two.read("quick", 10, headline(DIVER, 10))
    two.read("quick", 20, headline(DIVER, 20, 0, "another paper in it"))
    assert standing(two)["quick"] == (0, 0, None, None)


# -- reads, failures


def test_reads_are_told_apart() -> None:
    feeds = Feeds("one")
    feeds.read("one", 0)
    feeds.befell("one", 60, "unchanged")
    feeds.read("one", 120, headline(DIVER, 120), repeats=3, stale=2, revisions=1)
    one = feeds.of("one")
    assert (one.reads, one.unchanged, one.empty_reads, one.items, one.fresh) == (2, 1, 1, 1, 1)
    assert (one.repeats, one.stale, one.revisions) == (3, 2, 1)
    assert (one.last_read_ns, one.last_item_ns) == (at(120), at(120))
    bad_item = refused(FeedInfo(name="one", source="one"), "no_title", "of an item", at(130), "<>")
    feeds.read("one", 130, bad_item)
    assert (one.rejects, one.fresh, one.last_item_ns) == ({"no_title": 1}, 1, at(120))


def test_failures_are_counted_until_it_heals() -> None:
    feeds = Feeds("one", "two")
    one = feeds.of("one")
    assert state_of(one, at(0)) == "waiting"
    for seconds, reason in ((1, "timeout"), (2, "timeout"), (3, "http")):
        feeds.befell("one", seconds, "failed", reason=reason, detail=f"the {seconds}.")
    assert (one.failures, one.failing) == ({"timeout": 2, "http": 1}, 3)
    assert one.last_fault == "http: the 3."
    assert one.last_read_ns is None
    assert state_of(one, at(3)) == "failing"
    feeds.befell("one", 4, "connected")
    assert (one.failing, one.failures) == (0, {"timeout": 2, "http": 1})
    feeds.befell("one", 5, "silent", reason="silent")
    assert (one.silences, one.failing) == (1, 0)
    feeds.read("one", 6)
    assert state_of(one, at(6)) == "empty"
    feeds.read("one", 7, headline(DIVER, 7))
    assert state_of(one, at(7)) == "ok"
    assert feeds.of("two").failures == {}  # nothing is shared between feeds


def test_silence_counts_by_the_hour_of_the_week() -> None:
    feeds = Feeds("one", expect=Expect(busy_per_hour=60, quiet_per_hour=1))
    one = feeds.of("one")
    assert not one.quiet(at(10**6))  # it never said anything: nothing to be missed
    assert one.expected_since_last(at(0)) is None
    feeds.read("one", 0, headline(DIVER, 0))
    assert one.expected_since_last(at(300)) == pytest.approx(5)
    assert state_of(one, at(540)) == "ok"
    assert state_of(one, at(560)) == "quiet"


# -- over restarts


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SeenItems]:
    opened = SeenItems(tmp_path / "news.sqlite")
    yield opened
    opened.close()


def test_records_outlive_a_run(book: SeenItems, tmp_path: Path) -> None:
    feeds = Feeds("one", "two", states=book)
    feeds.read("one", 0)
    feeds.read("one", 60, headline(DIVER, 60, 40))
    feeds.befell("two", 61, "failed", reason="dns", detail="no such host")
    feeds.health.save()
    book.close()
    reader = {each.feed: each for each in records_in(read_states(tmp_path / "news.sqlite"))}
    again = SeenItems(tmp_path / "news.sqlite")
    later = Feeds("two", "one", "new", states=again)
    assert later.of("one") == reader["one"] == feeds.of("one")
    assert later.of("two").failing == 1
    assert later.of("new") == FeedRecord(feed="new")
    again.close()


def test_a_learned_rhythm_outlives_a_run() -> None:
    feeds = Feeds("one")
    feeds.read("one", 0)
    for minute in range(60 * 3):
        feeds.read("one", 60 * minute, headline(f"Story number {minute}", 60 * minute))
    feeds.health.save()
    later = Feeds("one", states=feeds.states)
    week = 7 * 86_400
    one = later.of("one")
    one.last_item_ns = at(week + 3_600)
    assert one.expected_since_last(at(week + 5_400)) == pytest.approx(30)


def test_what_is_configured_counts_not_what_was() -> None:
    feeds = Feeds("one", expect=Expect(busy_per_hour=1))
    feeds.health.save()
    later = Feeds("one", states=feeds.states, expect=Expect(busy_per_hour=7))
    assert later.of("one").expect.busy_per_hour == 7


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x80", b"\x93\x01\x02\x03"])
def test_records_that_cannot_be_read_begin_anew(damage: bytes) -> None:
    states = Kept({"health:one": damage, "one": b"the source's own"})
    assert Feeds("one", states=states).of("one") == FeedRecord(feed="one")
    assert records_in(states) == []


def test_json_of_a_record_has_no_infinity() -> None:
    feeds = Feeds("one")
    feeds.read("one", 0)
    feeds.read("one", 1, headline(DIVER, 200_000, 199_999))
    row = plain(feeds.of("one"), at(2))
    assert (row["lateness_s"]["p50"], row["lateness_s"]["buckets"]["more"]) == ("more", 1)
    assert row["ahead_s"] == row["behind_s"]
    assert not {"rhythm", "expect", "lateness"} & row.keys()
