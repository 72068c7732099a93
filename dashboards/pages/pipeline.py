"""Pipeline health: feeds, stages, topics, delivery, and the processes themselves."""

from __future__ import annotations

from dashboards.pages.page import Page
from dashboards.panels import PLAIN, Panel, Steps, Style, panel, stat, table, target
from dashboards.rules import LATENCY, QUANTILES
from dashboards.thresholds import Thresholds
from dashboards.variables import queried

J = 'job="$job"'
F = 'job="$job",feed=~"$feed"'
RATE = "[$__rate_interval]"
BAD: Steps = ((None, "green"), (1, "red"))


def page(thresholds: Thresholds) -> Page:
    """Return the page."""
    feeds = f"label_values(newsquake_feed_reads_total{{{J}}}, feed)"
    return Page(
        name="pipeline",
        title="Newsquake: pipeline health",
        description="Feeds, stages, topics, delivery, processes: rates, errors, times, what waits.",
        job=thresholds.jobs.live,
        variables=[queried("feed", "Feed", feeds, many=True)],
        panels=[
            *_numbers(),
            *_feeds(thresholds),
            *_stages(thresholds),
            *_topics(thresholds),
            *_delivery(),
            *_processes(),
        ],
    )


def _rate(number: int, title: str, description: str, metrics: list[tuple[str, str]],
          by: str = "", where: str = J) -> Panel:  # fmt: skip
    """Return rates a second of counters, a series a value of `by`."""
    grouped, shown = (f" by ({by})", f"{{{{{by.replace(', ', '}} {{')}}}}} ") if by else ("", "")
    queries = [
        target(f"sum{grouped} (rate({metric}{{{where}}}{RATE}))", f"{shown}{name}".strip())
        for metric, name in metrics
    ]
    return panel(number, title, description, queries, unit="cps", style=Style(size=(8, 8)))


def _quantiles(number: int, title: str, description: str, metric: str, by: str = "",
               where: str = J) -> Panel:  # fmt: skip
    """Return the median and the slowest twentieth of a histogram."""
    grouped, shown = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    queries = [
        target(
            f"histogram_quantile({percent / 100}, "
            f"sum by ({grouped}) (rate({metric}_bucket{{{where}}}{RATE})))",
            f"{shown}p{percent}",
        )
        for percent in (50, 95)
    ]
    return panel(number, title, description, queries, unit="s", style=Style(size=(8, 8)))


def _gauge(number: int, title: str, description: str, expr: str, legend: str, *,
           unit: str = "short", steps: Steps = PLAIN) -> Panel:  # fmt: skip
    lines = {"thresholdsStyle": {"mode": "line" if len(steps) > 1 else "off"}}
    queries = [target(expr, legend)]
    size = (8, 8)
    return panel(
        number,
        title,
        description,
        queries,
        unit=unit,
        style=Style(size=size, steps=steps, custom=lines),
    )


def _numbers() -> list[Panel]:
    failing = f"newsquake_feed_failing{{{J}}} > 0"
    return [
        stat(1, "Processes down", "Targets of this job that Prometheus cannot scrape.",
             f"count(up{{{J}}} == 0) or vector(0)", steps=BAD),
        stat(2, "Feeds failing", "Feeds whose last request or connection failed.",
             f"count({failing}) or vector(0)", steps=BAD),
        stat(3, "Records behind", "What the workers have not read yet, of all topics.",
             f"sum(newsquake_consumer_lag_records{{{J}}}) or vector(0)"),
        stat(4, "Rejects an hour", "Records that no stage could use.",
             f"sum(increase(newsquake_rejects_total{{{J}}}[1h]))"),
        stat(5, "Deliveries given up", "Alerts that a target did not take after a day, in 24 hours.",
             f'sum(increase(newsquake_deliveries_total{{{J},outcome="dead"}}[24h])) or vector(0)',
             steps=BAD),
        stat(6, "Labels over their cap", 'Values counted as "other", in 24 hours.',
             f"sum(increase(newsquake_label_overflow_total{{{J}}}[24h])) or vector(0)", steps=BAD),
    ]  # fmt: skip


def _feeds(thresholds: Thresholds) -> list[Panel]:
    expected = thresholds.feed_stale.expected
    last = "newsquake_feed_last_item_timestamp_seconds"
    return [
        _rate(7, "Feeds: read", "Documents and frames, and the headlines new in them.",
              [("newsquake_feed_reads_total", "read"), ("newsquake_feed_headlines_total", "new")],
              "feed", F),
        _rate(8, "Feeds: dropped", "Items said before, old copies, and what cannot be used.",
              [("newsquake_feed_repeats_total", "repeats"),
               ("newsquake_feed_stale_copies_total", "old copies"),
               ("newsquake_feed_rejects_total", "rejects")], "feed", F),
        _rate(9, "Feeds: failures", "Requests and connections that failed, by reason, all feeds.",
              [("newsquake_news_failures_total", "")], "reason"),
        _gauge(10, "Feeds: age of the newest item", "How long ago each feed said something new.",
               f"time() - max by (feed) ({last}{{{F}}})", "{{feed}}", unit="s"),
        _gauge(11, "Feeds: expected and not come",
               "Items that this hour of the week expects since the last; the line is the alert's.",
               f"max by (feed) (newsquake_feed_expected_since_last_item{{{F}}})", "{{feed}}",
               steps=((None, "green"), (expected, "red"))),
        _quantiles(12, "Feeds: publication to receipt", "By the publisher's own stamps.",
                   "newsquake_feed_lateness_seconds", "feed", F),
    ]  # fmt: skip


def _stages(thresholds: Thresholds) -> list[Panel]:
    limit = thresholds.headline_latency
    slow = ((None, "green"), (limit.p95_s, "red"))
    return [
        _rate(13, "Headlines scored", "And of these the ones that name no known company.",
              [("newsquake_headlines_scored_total", "scored"),
               ("newsquake_headlines_unlinked_total", "unlinked")]),
        panel(14, "Stage latency", f"Over {limit.window}: score from receipt to Mentions, react from "
              "the newest Clock or row to what comes of it, deliver from the engine to told.",
              [target(f"{LATENCY.format(p)}{{{J}}}", f"{{{{stage}}}} p{p}") for p in QUANTILES],
              unit="s", style=Style(size=(8, 8), steps=slow, custom={"thresholdsStyle": {"mode": "line"}})),
        _rate(15, "Price rows", "Rows by what became of them; late and ineligible change nothing.",
              [("newsquake_engine_rows_total", "")], "outcome"),
        _rate(16, "Rejects", "Records that a stage could not use, by reason.",
              [("newsquake_rejects_total", "")], "stage, reason"),
        _rate(17, "Rejects of the feeds", "Items and documents, by reason.",
              [("newsquake_news_rejects_total", "")], "reason"),
        _gauge(18, "Event clock behind the wall clock", "In a live run about a second, or less.",
               f"time() - max by (instance) (newsquake_event_clock_timestamp_seconds{{{J}}})",
               "{{instance}}", unit="s"),
    ]  # fmt: skip


def _topics(thresholds: Thresholds) -> list[Panel]:
    lag = "newsquake_consumer_lag_records"
    return [
        _gauge(19, "Kafka: records behind", "Of each partition; the line is the alert's.",
               f"max by (topic, partition) ({lag}{{{J}}})", "{{topic}} {{partition}}",
               steps=((None, "green"), (thresholds.consumer_lag.records, "red"))),
        _rate(20, "Kafka: messages of workers", "In and out.",
              [("newsquake_worker_messages_total", "")], "instance, direction"),
        _gauge(21, "Kafka: partitions owned", "By each worker; a step is a rebalance.",
               f"max by (instance, app) (newsquake_partitions_owned{{{J}}})", "{{instance}} {{app}}"),
        _quantiles(22, "Kafka: checkpoints", "How long a checkpoint takes.",
                   "newsquake_checkpoint_seconds", "app"),
        _rate(23, "Kafka: checkpoints and acknowledgements", "Checkpoints kept; records acknowledged.",
              [("newsquake_checkpoints_total", "checkpoints"),
               ("newsquake_publisher_acknowledged_records", "acknowledged")]),
        _gauge(24, "Kafka: publisher's backlog", "Records in the spool that the broker has not yet.",
               f"sum by (instance) (newsquake_publisher_backlog_records{{{J}}})", "{{instance}}"),
    ]  # fmt: skip


def _delivery() -> list[Panel]:
    return [
        _rate(25, "Delivery: outcomes", "Alerts told; failed ones are tried again, dead ones given up.",
              [("newsquake_deliveries_total", "")], "target, outcome"),
        _gauge(26, "Delivery: waiting", "Alerts that a target has not taken yet.",
               f"max by (target) (newsquake_delivery_backlog{{{J}}})", "{{target}}"),
        _quantiles(27, "Delivery: time", "How long a target takes to answer.",
                   "newsquake_delivery_seconds", "target"),
    ]  # fmt: skip


def _processes() -> list[Panel]:
    return [
        _gauge(28, "Memory", "Resident, of each process.",
               f"process_resident_memory_bytes{{{J}}}", "{{instance}}", unit="bytes"),
        _gauge(29, "Processor", "Cores in use, of each process.",
               f"rate(process_cpu_seconds_total{{{J}}}{RATE})", "{{instance}}"),
        _gauge(30, "Scrapes", "How long a scrape takes; it holds the process up meanwhile.",
               f"scrape_duration_seconds{{{J}}}", "{{instance}}", unit="s"),
        _gauge(31, "Series", "How many series each process has; they must not grow for ever.",
               f"scrape_samples_scraped{{{J}}}", "{{instance}}"),
        table(32, "Versions", "What runs where.",
              [("Running", f"max by (instance, version) (newsquake_build_info{{{J}}})", "short")],
              "instance", [], (16, 8)),
    ]  # fmt: skip
