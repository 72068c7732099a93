"""Every metric of Newsquake, declared in one place: names, help and labels.

Feeds are counted in their records of health, which outlive the process, and become samples when
somebody asks: nothing is counted twice, and a restart takes nothing back. Labels are the names of
configured feeds and reasons from closed lists.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, get_args
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from agents.runtime.clock import now_ns
from agents.runtime.feed_health import BUCKETS_S, FeedHealth, FeedRecord, Spread
from streams.errors import NewsquakeError
from streams.events import SECOND_NS
from streams.news import http_rules
from streams.news.wire import Reason

PREFIX: Final = "newsquake"
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

# name -> (help, value of a feed's record)
COUNTERS: Final[dict[str, tuple[str, Callable[[FeedRecord], float]]]] = {
    "feed_reads": ("Documents or frames read.", lambda r: r.reads),
    "feed_unchanged": ("Polls that found nothing new to read.", lambda r: r.unchanged),
    "feed_empty_reads": ("Documents read well that held no item.", lambda r: r.empty_reads),
    "feed_items": ("Items read, new or not.", lambda r: r.items),
    "feed_headlines": ("Headlines passed on, revisions among them.", lambda r: r.fresh),
    "feed_revisions": ("Headlines known before with other words.", lambda r: r.revisions),
    "feed_repeats": ("Items dropped as said before, word for word.", lambda r: r.repeats),
    "feed_stale_copies": ("Items dropped as older than what is known.", lambda r: r.stale),
    "feed_rejects": ("Items and documents that cannot be used.", lambda r: sum(r.rejects.values())),
    "feed_failures": ("Requests and connections that failed.", lambda r: sum(r.failures.values())),
    "feed_silences": ("Times a connected wire was silent too long.", lambda r: r.silences),
    "feed_stories": ("Stories told by this feed and others.", lambda r: r.stories),
    "feed_stories_first": ("Of these, told here first.", lambda r: r.first),
}
GAUGES: Final[dict[str, tuple[str, Callable[[FeedRecord, int], float | None]]]] = {
    "feed_failing": ("Failures in a row, 0 = well.", lambda r, _: r.failing),
    "feed_last_read_timestamp_seconds": (
        "When the feed was last read well.",
        lambda r, _: _seconds(r.last_read_ns),
    ),
    "feed_last_item_timestamp_seconds": (
        "When the newest new item came.",
        lambda r, _: _seconds(r.last_item_ns),
    ),
    "feed_expected_since_last_item": (
        "Items that this time of the week expects since the last one; over 9 means broken.",
        lambda r, now: r.expected_since_last(now),
    ),
}
HISTOGRAMS: Final[dict[str, tuple[str, Callable[[FeedRecord], Spread]]]] = {
    "feed_lateness_seconds": ("From publication to receipt.", lambda r: r.lateness),
    "feed_ahead_seconds": ("How far ahead of the second, where first.", lambda r: r.ahead),
    "feed_behind_seconds": ("How far behind the first, where not first.", lambda r: r.behind),
}
BY_REASON: Final[dict[str, tuple[str, Callable[[FeedRecord], dict[str, int]]]]] = {
    "news_failures": ("Failures of all feeds by reason.", lambda r: r.failures),
    "news_rejects": ("Rejects of all feeds by reason.", lambda r: r.rejects),
}
REASONS: Final = {
    "news_failures": (*get_args(Reason), *http_rules.REASONS),
    "news_rejects": ("no_title", "no_time", "not_a_feed", "empty_feed", "undecodable"),
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


class Metrics:
    """The endpoint `/metrics` on a thread of its own."""

    def __init__(self, host: str, port: int, collector: Collector) -> None:
        """`port` 0: any that is free. NewsquakeError: the address cannot be had."""
        registry = CollectorRegistry()
        registry.register(collector)
        ProcessCollector(registry=registry)
        try:
            server: tuple[WSGIServer, threading.Thread] = start_http_server(
                port, addr=host, registry=registry
            )
        except OSError as fault:
            raise NewsquakeError(
                f"[metrics] {host}:{port} cannot be listened on: {fault.strerror}; give another port"
            ) from fault
        self._server, self._thread = server
        self.address = f"http://{host}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _counter(name: str, records: list[FeedRecord]) -> CounterMetricFamily:
    help_, value = COUNTERS[name]
    family = CounterMetricFamily(f"{PREFIX}_{name}", help_, labels=["feed"])
    for record in records:
        family.add_metric([record.feed], value(record))
    return family


def _gauge(name: str, records: list[FeedRecord]) -> GaugeMetricFamily:
    help_, value = GAUGES[name]
    family = GaugeMetricFamily(f"{PREFIX}_{name}", help_, labels=["feed"])
    at_ns = now_ns()
    for record in records:
        found = value(record, at_ns)
        if found is not None:  # what never happened has no time
            family.add_metric([record.feed], found)
    return family


def _histogram(name: str, records: list[FeedRecord]) -> HistogramMetricFamily:
    help_, spread_of = HISTOGRAMS[name]
    family = HistogramMetricFamily(f"{PREFIX}_{name}", help_, labels=["feed"])
    for record in records:
        spread, below, buckets = spread_of(record), 0, []
        for end_s, count in zip((*map(float, BUCKETS_S), "+Inf"), spread.counts, strict=True):
            below += count
            buckets.append((str(end_s), float(below)))
        family.add_metric([record.feed], buckets, spread.total_s)
    return family


def _by_reason(name: str, records: list[FeedRecord]) -> CounterMetricFamily:
    help_, counts_of = BY_REASON[name]
    family = CounterMetricFamily(f"{PREFIX}_{name}", help_, labels=["reason"])
    total = Counter(dict.fromkeys(REASONS[name], 0))
    for record in records:
        total.update({**counts_of(record)})
    for reason, count in sorted(total.items()):
        family.add_metric([reason], count)
    return family


def _seconds(at_ns: int | None) -> float | None:
    return None if at_ns is None else at_ns / SECOND_NS
