"""Health of each feed: items, lateness, failures, and how often it had a story first.

Kept in the store of seen items, so that `newsquake feeds status` and the metrics tell the same, also of
the hours before a restart.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from agents.scoring.stories import StoryIndex
from agents.scoring.story_window import WINDOW_NS
from streams.events import SECOND_NS, Headline, Reject, Status
from streams.news.seen_items import Classified
from streams.outcome import Outcome, States
from streams.rhythm import Expect, Rhythm

# Upper ends of the buckets of lateness and of coming second, in seconds.
BUCKETS_S: Final = (0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400)
KEY: Final = "health:"  # before a feed's name, among what sources remember
STORIES_AFTER: Final = 2_000  # new ones, those out of the window are forgotten


class Spread(msgspec.Struct):
    """A distribution of seconds: how many fell into each bucket, the last without an end."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect.bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds

    def quantile_s(self, share: float) -> float | None:
        """Return the upper end of the bucket in which that share is reached; None: there are none.

        Infinity stands for more than the last end.
        """
        wanted, so_far = share * sum(self.counts), 0
        for end_s, count in zip((*BUCKETS_S, float("inf")), self.counts, strict=True):
            so_far += count
            if count and so_far >= wanted:
                return end_s
        return None


class FeedRecord(msgspec.Struct, kw_only=True):
    """All that is counted of one feed; times are ns UTC, None = never."""

    feed: str
    reads: int = 0  # documents or frames
    unchanged: int = 0
    empty_reads: int = 0  # read well, and nothing in them
    items: int = 0  # read, new or not
    fresh: int = 0
    repeats: int = 0
    stale: int = 0
    revisions: int = 0
    rejects: dict[str, int] = {}
    failures: dict[str, int] = {}
    silences: int = 0
    failing: int = 0  # failures in a row
    last_fault: str = ""
    last_read_ns: int | None = None
    last_item_ns: int | None = None  # when the newest new item came
    lateness: Spread = msgspec.field(default_factory=Spread)  # received minus published
    stories: int = 0  # that more than one feed told, this one among them
    first: int = 0  # of these, told here first
    ahead: Spread = msgspec.field(default_factory=Spread)  # of the second, where it was first
    behind: Spread = msgspec.field(default_factory=Spread)  # the first, where it was not
    rhythm: bytes = b""
    expect: Expect = Expect()

    def expected_since_last(self, now_ns: int) -> float | None:
        """Return how many items this hour's rhythm expects since the last; None: none ever came."""
        if self.last_item_ns is None:
            return None
        return self._rhythm().expected(self.last_item_ns, now_ns)

    def quiet(self, now_ns: int) -> bool:
        """Tell whether the feed has said nothing for longer than this time of the week explains."""
        last_ns = self.last_item_ns
        return last_ns is not None and self._rhythm().silent(last_ns, now_ns)

    def _rhythm(self) -> Rhythm:
        return Rhythm(self.expect, self.rhythm or None)


class Teller(msgspec.Struct):
    """The feed that had a story first, and the feeds that had it later."""

    feed: str
    received_ns: int
    others: set[str] = set()


class FeedHealth:
    """Keeps the records of all feeds up to date, from the Outcomes of their sources."""

    def __init__(self, feeds: Mapping[str, Expect], states: States) -> None:
        """`feeds`: the names of all that are configured, so that each is there from the start."""
        self._states = states
        self.records = {name: _loaded(states, name, expect) for name, expect in feeds.items()}
        self._rhythms = {
            name: Rhythm(each.expect, each.rhythm or None) for name, each in self.records.items()
        }
        self._begun: set[str] = set()  # feeds whose first document in this run was read
        self._index = StoryIndex()
        self._tellers: dict[str, Teller] = {}

    def notice(self, outcome: Outcome) -> None:
        """Count a read, a failure or a silence of a feed."""
        record = self.records[outcome.feed]
        if outcome.kind == "failed":
            record.failures[outcome.reason] = record.failures.get(outcome.reason, 0) + 1
            record.failing += 1
            record.last_fault = f"{outcome.reason}: {outcome.detail}"
            return
        if outcome.kind == "silent":
            record.silences += 1
            return
        record.failing = 0
        if outcome.kind == "connected":
            return
        record.last_read_ns = outcome.at_ns
        record.reads += outcome.kind == "read"
        record.unchanged += outcome.kind == "unchanged"
        record.empty_reads += outcome.kind == "read" and not outcome.items
        record.items += outcome.items
        self._begun.add(outcome.feed)
        self._rhythms[outcome.feed].note(outcome.at_ns, 0)

    def took(self, feed: str, found: Classified, now_ns: int) -> None:
        """Count what became of a document's items.

        What the first document of a run holds was out before: its lateness is ours.
        """
        record = self.records[feed]
        record.repeats += found.repeats
        record.stale += found.stale
        record.revisions += found.revisions
        news = [item for item in found.fresh if isinstance(item, Headline | Status)]
        for item in found.fresh:
            if isinstance(item, Reject):
                record.rejects[item.reason] = record.rejects.get(item.reason, 0) + 1
        record.fresh += len(news)
        if news:
            record.last_item_ns = now_ns
        if record.last_read_ns is not None:
            self._rhythms[feed].note(now_ns, len(news))
        if feed in self._begun:
            self._weigh(record, (item for item in news if isinstance(item, Headline)))

    def save(self) -> None:
        """Keep all records."""
        for name, record in self.records.items():
            record.rhythm = self._rhythms[name].snapshot()
            self._states.save(KEY + name, msgspec.msgpack.encode(record))

    def _weigh(self, record: FeedRecord, news: Iterable[Headline]) -> None:
        for headline in news:
            if headline.received_ns is None or headline.revision or headline.action != "created":
                continue
            if headline.published_ns is not None:
                late_ns = headline.received_ns - headline.published_ns
                record.lateness.add(max(late_ns, 0) / SECOND_NS)
            self._tell(record, headline, headline.received_ns)

    def _tell(self, record: FeedRecord, headline: Headline, received_ns: int) -> None:
        """Find which feed had the story first, and count lead and lag."""
        story, _ = self._index.assign(headline.headline_id, headline.title, (), headline.event_ns)
        teller = self._tellers.get(story)
        if teller is None:
            self._tellers[story] = Teller(record.feed, received_ns)
            self._forget(received_ns)
        elif record.feed not in {teller.feed, *teller.others}:
            lag_s = (received_ns - teller.received_ns) / SECOND_NS
            if not teller.others:
                self._won(self.records[teller.feed], lag_s)
            teller.others = {*teller.others, record.feed}
            record.stories += 1
            record.behind.add(lag_s)

    def _won(self, record: FeedRecord, lead_s: float) -> None:
        record.stories += 1
        record.first += 1
        record.ahead.add(lead_s)

    def _forget(self, now_ns: int) -> None:
        if len(self._tellers) % STORIES_AFTER == 0:
            oldest_ns = now_ns - WINDOW_NS
            kept = {s: t for s, t in self._tellers.items() if t.received_ns >= oldest_ns}
            self._tellers = kept


def records_in(states: Mapping[str, bytes]) -> list[FeedRecord]:
    """Return the records among what sources remember, by name."""
    found = []
    for key in sorted(states):
        if key.startswith(KEY):
            record = _decoded(states[key])
            found += [record] if record else []
    return found


def _loaded(states: States, name: str, expect: Expect) -> FeedRecord:
    record = _decoded(states.load(KEY + name)) or FeedRecord(feed=name)
    record.expect = expect
    return record


def _decoded(state: bytes | None) -> FeedRecord | None:
    """Return a record; None where there is none, or one of another layout: counting begins anew."""
    if state is None:
        return None
    try:
        record = msgspec.msgpack.decode(state, type=FeedRecord)
        Rhythm(record.expect, record.rhythm or None)
    except msgspec.DecodeError:
        return None
    return record
