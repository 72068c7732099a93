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
    """How Prometheus calls what it scrapes."""

    live: str
    replay: str
    scrape_interval: Span


class Links(_Table, frozen=True):
    """Where links lead; `runbook` has {anchor}, the name of an alert in small letters, in it."""

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
    """When one issuer is in the news more than it is wont."""

    window: Span
    at_least: int
    times_usual: float
    usual_over: Span
    keep: Span


class SentimentShock(_Table, frozen=True):
    """When nearly all that is said of one issuer is of one mind."""

    window: Span
    at_least: int
    balance: float
    keep: Span


class ListingStale(_Table, frozen=True):
    """When a listing whose venue is open is silent."""

    silence_s: int
    hold: Span


class FeedDown(_Table, frozen=True):
    """When a feed fails again and again."""

    failures: int
    hold: Span


class FeedStale(_Table, frozen=True):
    """When a feed is silent for longer than its week explains."""

    expected: float
    hold: Span


class HeadlineLatency(_Table, frozen=True):
    """When a stage is slow."""

    p95_s: float
    window: Span
    hold: Span


class ConsumerLag(_Table, frozen=True):
    """When a worker is behind its topic."""

    records: int
    hold: Span


class RejectsGrowing(_Table, frozen=True):
    """When many records cannot be used."""

    window: Span
    at_least: int
    keep: Span


class LabelOverflow(_Table, frozen=True):
    """When a label has had more values than it may."""

    window: Span
    keep: Span


class ScrapeMissing(_Table, frozen=True):
    """When a process cannot be scraped."""

    hold: Span


class AlertDelivery(_Table, frozen=True):
    """When alerts do not arrive."""

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
    rejects: RejectsGrowing
    label_overflow: LabelOverflow
    scrape_missing: ScrapeMissing
    alert_delivery: AlertDelivery


def load(path: Path = PATH) -> Thresholds:
    """Return the thresholds. msgspec.MsgspecError: a key is unknown, missing or of a wrong type."""
    return msgspec.toml.decode(path.read_bytes(), type=Thresholds)
