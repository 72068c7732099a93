"""Alerts of the machinery: feeds, stages, topics, scrapes, and the delivery of alerts itself."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alert import AlertRule, Proof, scraped
from dashboards.rules import LATENCY
from dashboards.thresholds import Thresholds


def pipeline_alerts(thresholds: Thresholds) -> Iterator[AlertRule]:
    """Yield them in the order of the walk: feeds, stages, topics, then what watches over all."""
    yield _feed_down(thresholds)
    yield _feed_stale(thresholds)
    yield _latency(thresholds)
    yield _lag(thresholds)
    yield _set_aside(thresholds)
    yield _rejects(thresholds)
    yield _overflow(thresholds)
    yield _scrape(thresholds)
    yield _delivery(thresholds)
    yield _watchdog()


def _live(metric: str, thresholds: Thresholds, more: str = "") -> str:
    return f'{metric}{{job="{thresholds.jobs.live}"{more}}}'


def _feed_down(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.feed_down
    failing = _live("newsquake_feed_failing", thresholds)
    return AlertRule(
        name="FeedDown",
        expr=f"max by (feed) ({failing}) >= {limit.failures}",
        severity="warning",
        by=("feed",),
        summary="Feed {feed} fails",
        description=f"{{value}} requests or connections of {{feed}} have failed in a row, "
        f"for {limit.hold} or longer; no news comes from it.",
        hold=limit.hold,
        variables=("feed",),
        proof=Proof(
            series=((scraped("newsquake_feed_failing", feed="wire"), "0x4 4x20 0x20"),),
            firing_at="4m",
            since_s=75,
            resolved_at="8m",
            labels={"feed": "wire"},
            slots={"value": "4"},
        ),
    )


def _feed_stale(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.feed_stale
    expected = _live("newsquake_feed_expected_since_last_item", thresholds)
    return AlertRule(
        name="FeedStale",
        expr=f"max by (feed) ({expected}) > {limit.expected}",
        severity="warning",
        by=("feed",),
        summary="Feed {feed} is silent",
        description="Since the last new item of {feed}, {value} were to be expected at these hours "
        f"of the week, for {limit.hold} or longer; more than {limit.expected:g} is no chance.",
        hold=limit.hold,
        variables=("feed",),
        proof=Proof(
            series=(
                (
                    scraped("newsquake_feed_expected_since_last_item", feed="wire"),
                    "1x4 12x40 0x20",
                ),
            ),
            firing_at="10m",
            since_s=75,
            resolved_at="14m",
            labels={"feed": "wire"},
            slots={"value": "12"},
        ),
    )


def _latency(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.headline_latency
    slow = "newsquake_stage_latency_seconds_bucket"
    return AlertRule(
        name="HeadlineLatencyHigh",
        expr=f"max by (stage) ({_live(LATENCY.format(95), thresholds)}) > {limit.p95_s}",
        severity="warning",
        by=("stage",),
        summary="Stage {stage} is slow",
        description=f"The slowest twentieth takes {{value}} or longer in stage {{stage}}, over "
        f"{limit.window}; {limit.p95_s:g} s is allowed.",
        value="humanizeDuration",
        hold=limit.hold,
        proof=Proof(
            series=(
                (scraped(slow, stage="score", le="1.0"), "0x8 0+0x200"),
                (scraped(slow, stage="score", le="5.0"), "0x8 0+10x60 600x200"),
                (scraped(slow, stage="score", le="+Inf"), "0x8 0+10x60 600x200"),
            ),
            quiet_at="2m",
            firing_at="10m",
            since_s=150,
            resolved_at="25m",
            labels={"stage": "score"},
            slots={"value": "4.8s"},
        ),
    )


def _lag(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.consumer_lag
    behind = _live("newsquake_consumer_lag_records", thresholds)
    return AlertRule(
        name="ConsumerLagHigh",
        expr=f"max by (topic, partition) ({behind}) > {limit.records}",
        severity="critical",
        by=("topic", "partition"),
        summary="A worker is behind on {topic}",
        description=f"{{value}} records of {{topic}}, partition {{partition}}, wait, for {limit.hold} "
        f"or longer; {limit.records} are allowed. Alerts come late.",
        value='printf "%.0f"',
        hold=limit.hold,
        proof=Proof(
            series=(
                (
                    scraped(
                        "newsquake_consumer_lag_records", topic="newsquake.market", partition="0"
                    ),
                    "5x4 20000x20 3x20",
                ),
            ),
            firing_at="5m",
            since_s=75,
            resolved_at="8m",
            labels={"topic": "newsquake.market", "partition": "0"},
            slots={"value": "20000"},
        ),
    )


def _set_aside(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.record_set_aside
    faults = _live("newsquake_rejects_total", thresholds, ',reason="engine_fault"')
    counted = f"sum by (stage) (increase({faults}[{limit.window}])) > 0"
    # A start that sets a record aside shows it from its first scrape on: that is no increase.
    begun = f"sum by (stage) ({faults}) > 0 unless sum by (stage) ({faults} offset {limit.window})"
    return AlertRule(
        name="RecordSetAside",
        expr=f"{counted}\nor\n({begun})",
        severity="critical",
        by=("stage",),
        summary="Stage {stage} failed at a record and has set it aside",
        description="{value} records at which stage {stage} raised, hung or died "
        f"were set aside in {limit.window}; all else goes on. It is a fault of ours: please report it.",
        value='printf "%.0f"',
        keep=limit.keep,
        proof=Proof(
            series=(
                (
                    scraped("newsquake_rejects_total", stage="react", reason="engine_fault"),
                    "0x8 1x200",
                ),
            ),
            quiet_at="2m",
            firing_at="8m",
            since_s=135,
            resolved_at="30m",
            labels={"stage": "react"},
            slots={"value": "1"},
        ),
    )


def _rejects(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.rejects
    stages = f"increase({_live('newsquake_rejects_total', thresholds)}[{limit.window}])"
    feeds = f"increase({_live('newsquake_news_rejects_total', thresholds)}[{limit.window}])"
    return AlertRule(
        name="RejectsGrowing",
        expr=f"sum by (stage, reason) ({stages}) >= {limit.at_least}\nor\n"
        f'label_replace(sum by (reason) ({feeds}), "stage", "feeds", "", "") >= {limit.at_least}',
        severity="warning",
        by=("stage", "reason"),
        summary="Stage {stage} refuses many records: {reason}",
        description="{value} records were rejected in stage {stage} for {reason} "
        f"in {limit.window}; {limit.at_least} are too many.",
        value='printf "%.0f"',
        keep=limit.keep,
        proof=Proof(
            series=(
                (
                    scraped("newsquake_rejects_total", stage="react", reason="late"),
                    "0x8 100x200",
                ),
            ),
            quiet_at="2m",
            firing_at="8m",
            since_s=135,
            resolved_at="30m",
            labels={"stage": "react", "reason": "late"},
            slots={"value": "100"},
        ),
    )


def _overflow(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.label_overflow
    more = f"increase({_live('newsquake_label_overflow_total', thresholds)}[{limit.window}])"
    return AlertRule(
        name="LabelOverflow",
        expr=f"sum by (metric) ({more}) > 0",
        severity="info",
        by=("metric",),
        summary="newsquake_{metric} has more label values than it may",
        description="{value} times in "
        f'{limit.window} a value was counted as "other" in {{metric}}.',
        value='printf "%.0f"',
        keep=limit.keep,
        proof=Proof(
            series=((scraped("newsquake_label_overflow_total", metric="mentions"), "0x8 3x300"),),
            quiet_at="2m",
            firing_at="17m",
            since_s=135,
            resolved_at="60m",
            labels={"metric": "mentions"},
            slots={"value": "3"},
        ),
    )


def _scrape(thresholds: Thresholds) -> AlertRule:
    limit, up = thresholds.scrape_missing, _live("up", thresholds)
    return AlertRule(
        name="ScrapeMissing",
        expr=f"{up} == 0\nor\nabsent({up})",
        severity="critical",
        by=("job", "instance"),
        summary="Prometheus cannot reach {job} {instance}",
        description="{job} {instance} gave no metrics "
        f"for {limit.hold} or longer: it is down, or its port is another. No rule sees it.",
        hold=limit.hold,
        proof=Proof(
            series=(('up{job="newsquake",instance="a"}', "1x4 0x20 1x20"),),
            firing_at="3m",
            since_s=75,
            resolved_at="8m",
            labels={"job": "newsquake", "instance": "a"},
        ),
    )


def _delivery(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.alert_delivery

    def ours(outcome: str) -> str:
        told = _live("newsquake_deliveries_total", thresholds, f',outcome="{outcome}"')
        return f"sum by (target) (increase({told}[{limit.window}]))"

    def theirs(metric: str, label: str, name: str) -> str:
        failed = f"sum by ({label}) (increase({metric}[{limit.window}]))"
        return f'label_replace({failed}, "target", "{name}:$1", "{label}", "(.*)")'

    sent = theirs("alertmanager_notifications_failed_total", "integration", "alertmanager")
    posted = theirs("prometheus_notifications_errors_total", "alertmanager", "prometheus")
    return AlertRule(
        name="AlertDeliveryFailing",
        expr=f"{ours('dead')} > 0\nor\n{ours('failed')} >= {limit.failures}\n"
        f"or\nmax by (target) ({sent}) >= {limit.failures}\n"
        f"or\nmax by (target) ({posted}) >= {limit.failures}",
        severity="critical",
        by=("target",),
        summary="Alerts do not reach {target}",
        description=f"{{value}} deliveries to {{target}} failed in {limit.window}; "
        f"{limit.failures} that are tried again are allowed, none that is given up.",
        value='printf "%.0f"',
        keep=limit.keep,
        proof=Proof(
            series=(
                (
                    scraped("newsquake_deliveries_total", target="am", outcome="dead"),
                    "0x8 1x200",
                ),
            ),
            quiet_at="2m",
            firing_at="7m",
            since_s=135,
            resolved_at="30m",
            labels={"target": "am"},
            slots={"value": "1"},
        ),
    )


def _watchdog() -> AlertRule:
    return AlertRule(
        name="Watchdog",
        expr="vector(1)",
        severity="none",
        summary="Prometheus and Alertmanager work",
        description="This alert always fires (value {value}, at every evaluation). Send it to "
        "something that calls you when it stops.",
        proof=Proof(
            series=(("up", "1x4"),),
            firing_at="0s",
            slots={"value": "1"},
            always="it is the sign that rules are evaluated at all",
        ),
    )
