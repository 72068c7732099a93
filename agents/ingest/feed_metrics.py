"""The feeds' metrics, out of their records of health.

Those outlive the process, and become samples when somebody asks: nothing is counted twice, and a
restart takes nothing back. Labels are the names of configured feeds and reasons from closed lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, get_args

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from agents.ingest.feed_health import BUCKETS_S, FeedHealth, FeedRecord, Spread
from agents.machine.clock import now_ns
from agents.metrics.declared import DECLARED, PREFIX, REJECTS, counter_family, gauge_family
from streams.events import SECOND_NS
from streams.http import rules
from streams.wires.contract import Reason

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

# name -> its value in a feed's record
COUNTERS: Final[dict[str, Callable[[FeedRecord], float]]] = {
    "feed_reads": lambda r: r.reads,
    "feed_unchanged": lambda r: r.unchanged,
    "feed_empty_reads": lambda r: r.empty_reads,
    "feed_items": lambda r: r.items,
    "feed_headlines": lambda r: r.fresh,
    "feed_revisions": lambda r: r.revisions,
    "feed_repeats": lambda r: r.repeats,
    "feed_stale_copies": lambda r: r.stale,
    "feed_rejects": lambda r: sum(r.rejects.values()),
    "feed_failures": lambda r: sum(r.failures.values()),
    "feed_silences": lambda r: r.silences,
    "feed_stories": lambda r: r.stories,
    "feed_stories_first": lambda r: r.first,
}
GAUGES: Final[dict[str, Callable[[FeedRecord, int], float | None]]] = {
    "feed_failing": lambda r, _: r.failing,
    "feed_last_read_timestamp_seconds": lambda r, _: _seconds(r.last_read_ns),
    "feed_last_item_timestamp_seconds": lambda r, _: _seconds(r.last_item_ns),
    "feed_expected_since_last_item": lambda r, now: r.expected_since_last(now),
}
HISTOGRAMS: Final[dict[str, Callable[[FeedRecord], Spread]]] = {
    "feed_lateness_seconds": lambda r: r.lateness,
    "feed_ahead_seconds": lambda r: r.ahead,
    "feed_behind_seconds": lambda r: r.behind,
}
BY_REASON: Final[dict[str, Callable[[FeedRecord], dict[str, int]]]] = {
    "news_failures": lambda r: r.failures,
    "news_rejects": lambda r: r.rejects,
}
REASONS: Final = {
    "news_failures": (*get_args(Reason), *rules.REASONS),
    "news_rejects": REJECTS["read"],
}


class NewsCollector(Collector):
    """The records of health as samples; `health` gives None until the sources run."""

    def __init__(self, health: Callable[[], FeedHealth | None]) -> None:
        self._health = health

    def collect(self) -> Iterator[Family]:
        """Yield every family of the news."""
        health = self._health()
        records = [*health.records.values()] if health else []
        yield from (_counter(name, records) for name in COUNTERS)
        yield from (_gauge(name, records) for name in GAUGES)
        yield from (_histogram(name, records) for name in HISTOGRAMS)
        yield from (_by_reason(name, records) for name in BY_REASON)


def _counter(name: str, records: list[FeedRecord]) -> CounterMetricFamily:
    family = counter_family(name)
    for record in records:
        family.add_metric([record.feed], COUNTERS[name](record))
    return family


def _gauge(name: str, records: list[FeedRecord]) -> GaugeMetricFamily:
    family = gauge_family(name)
    at_ns = now_ns()
    for record in records:
        found = GAUGES[name](record, at_ns)
        if found is not None:  # what never happened has no time
            family.add_metric([record.feed], found)
    return family


def _histogram(name: str, records: list[FeedRecord]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"{PREFIX}_{name}", DECLARED[name].help, labels=["feed"])
    for record in records:
        spread, below, buckets = HISTOGRAMS[name](record), 0, []
        for end_s, count in zip((*map(float, BUCKETS_S), "+Inf"), spread.counts, strict=True):
            below += count
            buckets.append((str(end_s), float(below)))
        family.add_metric([record.feed], buckets, spread.total_s)
    return family


def _by_reason(name: str, records: list[FeedRecord]) -> CounterMetricFamily:
    family = counter_family(name)
    total = Counter(dict.fromkeys(REASONS[name], 0))
    for record in records:
        total.update({**BY_REASON[name](record)})
    for reason, count in sorted(total.items()):
        family.add_metric([reason], count)
    return family


def _seconds(at_ns: int | None) -> float | None:
    return None if at_ns is None else at_ns / SECOND_NS
