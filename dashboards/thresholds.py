"""Read thresholds.toml, the one place where the numbers of alerts and dashboards stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec

PATH: Final = Path(__file__).with_name("thresholds.toml")
Span = Annotated[str, msgspec.Meta(pattern=r"^(\d+(ms|[smhdw]))+$")]  # a duration of Prometheus


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table that refuses keys it does not know."""


class Jobs(_Table, frozen=True):
    """The names of the scrape jobs in prometheus.yml, and how often they scrape."""

    live: str
    replay: str
    scrape_interval: Span


class Links(_Table, frozen=True):
    """Base addresses of links in alerts; {anchor} in `runbook` is the alert's name in lower case."""

    grafana: str
    api: str
    runbook: str


class Market(_Table, frozen=True):
    """A rule of the engine, whose open alerts Prometheus watches."""

    name: str
    levels_pct: tuple[int, ...]
    severity: str
    lines_pct: tuple[int, ...] = ()


class HeadlineBurst(_Table, frozen=True):
    """News volume of one issuer far above its own baseline."""

    window: Span
    at_least: int
    times_usual: float
    usual_over: Span
    keep: Span


class SentimentShock(_Table, frozen=True):
    """Sentiment about one issuer almost all positive, or almost all negative."""

    window: Span
    at_least: int
    balance: float
    keep: Span


class ListingStale(_Table, frozen=True):
    """No ticks of a listing while its venue is open."""

    silence_s: int
    hold: Span


class FeedDown(_Table, frozen=True):
    """Consecutive failed polls of a feed."""

    failures: int
    hold: Span


class FeedStale(_Table, frozen=True):
    """No items of a feed, where its weekly arrival rate says that some were due."""

    expected: float
    hold: Span


class HeadlineLatency(_Table, frozen=True):
    """Latency of a stage above its limit."""

    p95_s: float
    window: Span
    hold: Span


class ConsumerLag(_Table, frozen=True):
    """Records of a topic that its workers have not consumed."""

    records: int
    hold: Span


class RecordSetAside(_Table, frozen=True):
    """A record at which a stage failed."""

    window: Span
    keep: Span


class RejectsGrowing(_Table, frozen=True):
    """Rejected records within a window."""

    window: Span
    at_least: int
    keep: Span


class LabelOverflow(_Table, frozen=True):
    """A label with more values than its cap."""

    window: Span
    keep: Span


class ScrapeMissing(_Table, frozen=True):
    """A target that Prometheus cannot scrape."""

    hold: Span


class AlertDelivery(_Table, frozen=True):
    """Failed deliveries of alerts."""

    window: Span
    failures: int
    keep: Span


class Thresholds(_Table, frozen=True):
    """The whole file."""

    jobs: Jobs
    links: Links
    market: tuple[Market, ...]
    headline_burst: HeadlineBurst
    sentiment_shock: SentimentShock
    listing_stale: ListingStale
    feed_down: FeedDown
    feed_stale: FeedStale
    headline_latency: HeadlineLatency
    consumer_lag: ConsumerLag
    record_set_aside: RecordSetAside
    rejects: RejectsGrowing
    label_overflow: LabelOverflow
    scrape_missing: ScrapeMissing
    alert_delivery: AlertDelivery


def load(path: Path = PATH) -> Thresholds:
    """Return the thresholds. msgspec.MsgspecError: a key is unknown, missing or of a wrong type."""
    return msgspec.toml.decode(path.read_bytes(), type=Thresholds)
