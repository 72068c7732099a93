"""Every metric of Newsquake, declared in one place: name, type, labels, help; and those of one process.

They are filled in by market and stages beside this file, agents/ingest/feed_metrics.py,
agents/workers/meter.py and the delivery; docs/metrics.md says what each is good for. Label values are
from closed or configured sets, each bounded: what has no place among them counts under `other`, and
in label_overflow.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any, Final, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

PREFIX: Final = "newsquake"
OTHER: Final = "other"
MOST_LISTINGS: Final = 2_000  # with series of their own: 20 each, which Prometheus bears at 5 s
MOST_ISSUERS: Final = 500
Kind = Literal["gauge", "counter", "histogram"]
Child = Counter | Gauge | Histogram


class Declared(NamedTuple):
    """What a metric is; `buckets` are upper ends, of histograms alone."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


# Upper ends of buckets in seconds: of what takes milliseconds, of what takes the network, of news.
QUICK_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300)
REMOTE_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600)
NEWS_S: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400)

MARKET: Final[dict[str, Declared]] = {
    "price": Declared("gauge", "Last accepted price.", ("listing", "currency")),
    "previous_close": Declared("gauge", "Close that the day is measured by.", ("listing", "currency")),
    "last_tick_timestamp_seconds": Declared(
        "gauge", "Event time of the last accepted row.", ("listing",)
    ),
    "move_ratio": Declared(
        "gauge",
        "Move against the previous close (day) or the price 1m, 5m before.",
        ("listing", "window"),
    ),
    "move_max_ratio": Declared(
        "gauge", "Largest one-minute move of the newest minute, with its sign.", ("listing",)
    ),
    "listing_open": Declared("gauge", "1 in the regular phase, else 0.", ("listing",)),
    "level_crossings": Declared(
        "counter", "Day levels (percent) passed.", ("listing", "level", "direction")
    ),
    "reactions": Declared("counter", "Reactions that came to their end.", ("horizon",)),
    "alerts": Declared("counter", "Alerts that took a new state.", ("rule", "transition")),
    "alerts_open": Declared("gauge", "Alerts that are open.", ("rule",)),
    "alert_open": Declared(
        "gauge",
        "1 while an alert is open, 0 once it has ended.",
        ("rule", "listing", "direction"),
    ),
    "engine_rows": Declared("counter", "Price rows by what became of them.", ("outcome",)),
    "event_clock_timestamp_seconds": Declared("gauge", "Newest Clock that the engine has read."),
    "news_to_move_seconds": Declared(
        "histogram",
        "At an alert's opening: from its likeliest headline to the onset of the move.",
        ("direction",),
        NEWS_S,
    ),
}  # fmt: skip
SCORING: Final[dict[str, Declared]] = {
    "headlines_scored": Declared("counter", "Headlines scored."),
    "headlines_unlinked": Declared("counter", "Of these, the ones that name no listed company."),
    "mentions": Declared("counter", "Companies named by headlines.", ("issuer", "sentiment")),
}
STAGES: Final[dict[str, Declared]] = {
    "stage_latency_seconds": Declared(
        "histogram", "From what a stage was given to what it said of it.", ("stage",), QUICK_S
    ),
    "rejects": Declared("counter", "Records that could not be used.", ("stage", "reason")),
}
WORKERS: Final[dict[str, Declared]] = {
    "worker_messages": Declared("counter", "Messages taken in and sent out.", ("direction",)),
    "consumer_lag_records": Declared(
        "gauge", "Records of a partition that are not applied yet.", ("topic", "partition")
    ),
    "partitions_owned": Declared("gauge", "Partitions that this worker has.", ("app",)),
    "checkpoints": Declared("counter", "Checkpoints that are in Kafka.", ("app",)),
    "checkpoint_seconds": Declared(
        "histogram", "From the cut of a checkpoint until it is in Kafka.", ("app",), QUICK_S
    ),
}
PUBLISHER: Final[dict[str, Declared]] = {
    "publisher_backlog_records": Declared("gauge", "Accepted records not yet acknowledged."),
    "publisher_acknowledged_records": Declared("gauge", "Records acknowledged so far."),
}
DELIVERY: Final[dict[str, Declared]] = {
    "deliveries": Declared(
        "counter", "Alert states: told, failed (tried again) or dead.", ("target", "outcome")
    ),
    "delivery_backlog": Declared("gauge", "Alert states that wait for a target.", ("target",)),
    "delivery_seconds": Declared("histogram", "How long telling took.", ("target",), REMOTE_S),
}
FEEDS: Final[dict[str, Declared]] = {
    "feed_reads": Declared("counter", "Documents or frames read.", ("feed",)),
    "feed_unchanged": Declared("counter", "Polls that found nothing new to read.", ("feed",)),
    "feed_empty_reads": Declared("counter", "Documents read well that held no item.", ("feed",)),
    "feed_items": Declared("counter", "Items read, new or not.", ("feed",)),
    "feed_headlines": Declared("counter", "Headlines passed on, revisions among them.", ("feed",)),
    "feed_revisions": Declared("counter", "Headlines known before with other words.", ("feed",)),
    "feed_repeats": Declared("counter", "Items dropped as said before, word for word.", ("feed",)),
    "feed_stale_copies": Declared("counter", "Items dropped as older than what is known.", ("feed",)),
    "feed_rejects": Declared("counter", "Items and documents that cannot be used.", ("feed",)),
    "feed_failures": Declared("counter", "Requests and connections that failed.", ("feed",)),
    "feed_silences": Declared("counter", "Times a connected wire was silent too long.", ("feed",)),
    "feed_stories": Declared("counter", "Stories told by this feed and others.", ("feed",)),
    "feed_stories_first": Declared("counter", "Of these, told here first.", ("feed",)),
    "feed_failing": Declared("gauge", "Failures in a row, 0 = well.", ("feed",)),
    "feed_last_read_timestamp_seconds": Declared("gauge", "When it was last read well.", ("feed",)),
    "feed_last_item_timestamp_seconds": Declared("gauge", "When the newest new item came.", ("feed",)),
    "feed_expected_since_last_item": Declared(
        "gauge",
        "Items that this time of the week expects since the last one; over 9 means broken.",
        ("feed",),
    ),
    "feed_lateness_seconds": Declared("histogram", "From publication to receipt.", ("feed",)),
    "feed_ahead_seconds": Declared("histogram", "How far ahead of the second, where first.", ("feed",)),
    "feed_behind_seconds": Declared("histogram", "How far behind the first, where not.", ("feed",)),
    "news_failures": Declared("counter", "Failures of all feeds by reason.", ("reason",)),
    "news_rejects": Declared("counter", "Rejects of all feeds by reason.", ("reason",)),
}  # fmt: skip
PROCESS: Final[dict[str, Declared]] = {
    "build_info": Declared("gauge", "1 for the version that runs.", ("version",)),
    "replay_info": Declared("gauge", "1 for the replay that is played.", ("name",)),
    "label_overflow": Declared("counter", "Counted under `other` for want of a label.", ("metric",)),
}  # fmt: skip
GROUPS: Final = {
    "Market": MARKET,
    "Scoring": SCORING,
    "Stages": STAGES,
    "Workers": WORKERS,
    "Publisher": PUBLISHER,
    "Delivery": DELIVERY,
    "Feeds": FEEDS,
    "Every process": PROCESS,
}
DECLARED: Final[dict[str, Declared]] = {k: v for group in GROUPS.values() for k, v in group.items()}

# Why each stage sets records aside (docs/replay-folder.md says what the reasons mean).
REJECTS: Final[dict[str, tuple[str, ...]]] = {
    "read": (
        "bad_bar", "bad_daily", "bad_flags", "bad_price", "bad_row", "bad_size", "bad_time", "duplicate",
        "embargoed", "empty_feed", "future", "no_time", "no_title", "not_a_feed", "past",
        "test_item", "too_large", "too_long", "too_many_items", "too_slow", "undecodable", "unknown_line",
        "unknown_symbol", "withheld",
    ),
    "decode": ("bad_flags", "bad_price", "bad_size", "implausible_clock", "undecodable"),
    "score": ("engine_fault",),
    "react": (
        "bad_price", "bad_size", "bad_tick", "engine_fault", "future", "implausible_clock", "late",
        "past", "unknown_issuer", "unknown_listing", "unsupported_record",
    ),
    "deliver": ("refused", "undelivered"),
}  # fmt: skip


class ProcessMetrics:
    """The metrics of one process, in a registry of its own; each series is made once and kept."""

    def __init__(self) -> None:
        # `_created` would be a seventh more series, which no panel or rule asks for
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._parents: dict[str, Child] = {}
        self._children: dict[tuple[str, ...], Child] = {}

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter; 0 only makes it appear."""
        child = self._child(name, labels)
        assert isinstance(child, Counter)
        child.inc(by)

    def observe(self, name: str, *labels: str, seconds: float, headline_id: str = "") -> None:
        """Add to a histogram; `headline_id` becomes the exemplar, which only OpenMetrics has."""
        child = self._child(name, labels)
        assert isinstance(child, Histogram)
        child.observe(seconds, {"headline_id": headline_id} if headline_id else None)

    def show(self, name: str, *labels: str) -> None:
        """Make a series appear, at 0."""
        self._child(name, labels)

    def set(self, name: str, *labels: str, value: float) -> None:
        """Set a gauge."""
        child = self._child(name, labels)
        assert isinstance(child, Gauge)
        child.set(value)

    def among(self, name: str, value: str, known: Collection[str]) -> str:
        """Return a label's value; `other`, counted, where it is not among those that are known."""
        if value in known:
            return value
        self.count("label_overflow", name)
        return OTHER

    def _child(self, name: str, labels: tuple[str, ...]) -> Child:
        child = self._children.get((name, *labels))
        if child is None:
            with self._lock:
                parent = self._parents.get(name) or self._parent(name)
                child = parent.labels(*labels) if labels else parent
                self._children[(name, *labels)] = child
        return child

    def _parent(self, name: str) -> Child:
        kind, text, labels, buckets = DECLARED[name]
        about: dict[str, Any] = {"namespace": PREFIX, "registry": self.registry}
        made: Child
        if kind == "histogram":
            made = Histogram(name, text, labels, **about, buckets=buckets)
        else:
            made = (Gauge if kind == "gauge" else Counter)(name, text, labels, **about)
        self._parents[name] = made
        return made


def gauge_family(name: str) -> GaugeMetricFamily:
    """Return an empty family of a declared gauge, for a collector to fill."""
    declared = DECLARED[name]
    return GaugeMetricFamily(f"{PREFIX}_{name}", declared.help, labels=declared.labels)


def counter_family(name: str) -> CounterMetricFamily:
    """Return an empty family of a declared counter, for a collector to fill."""
    declared = DECLARED[name]
    return CounterMetricFamily(f"{PREFIX}_{name}", declared.help, labels=declared.labels)
