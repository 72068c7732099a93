"""Alerts of the market and of the news: moves, bursts, shocks, silent listings."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alert import AlertRule, Proof, scraped
from dashboards.moves import LISTING_PAGE, move_alert
from dashboards.rules import BALANCE, MENTIONS, SILENCE
from dashboards.thresholds import Thresholds


def market_alerts(thresholds: Thresholds) -> Iterator[AlertRule]:
    """Yield the safety net of each rule of the engine, then the rest."""
    for rule in thresholds.market:
        yield move_alert(rule, thresholds.jobs)
    yield _burst(thresholds)
    yield _shock(thresholds)
    yield _stale(thresholds)


def _burst(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.headline_burst
    live = f'{MENTIONS}{{job="{thresholds.jobs.live}",issuer!="other"}}'
    return AlertRule(
        name="HeadlineBurst",
        expr=f"max by (issuer) (\n  {live} >= {limit.at_least}\n"
        f"  and {live} >= {limit.times_usual} * avg_over_time({live}[{limit.usual_over}])\n)",
        severity="info",
        by=("issuer",),
        summary="{issuer} is in the news far more than usual",
        description=f"{{value}} mentions of {{issuer}} in {limit.window}, at least "
        f"{limit.times_usual:g} times its mean of {limit.usual_over}.",
        value='printf "%.0f"',
        keep=limit.keep,
        dashboard=LISTING_PAGE,
        variables=("issuer",),
        proof=Proof(
            series=(
                (
                    scraped("newsquake_mentions_total", issuer="ACME", sentiment="neutral"),
                    "0x80 0+10x20 200x200",
                ),
            ),
            quiet_at="20m",
            firing_at="22m",
            since_s=20 * 60 + 45,
            resolved_at="60m",
            labels={"issuer": "ACME"},
            slots={"value": "70"},
        ),
    )


def _shock(thresholds: Thresholds) -> AlertRule:
    limit = thresholds.sentiment_shock
    live = f'{BALANCE}{{job="{thresholds.jobs.live}",issuer!="other"}}'
    mentions = "newsquake_mentions_total"
    return AlertRule(
        name="SentimentShock",
        expr=f"max by (issuer) ({live}) >= {limit.balance}\n"
        f"or\nmin by (issuer) ({live}) <= -{limit.balance}",
        severity="warning",
        by=("issuer",),
        summary="Nearly all news of {issuer} is of one mind",
        description=f"The balance of sentiment of {{issuer}} over {limit.window} is {{value}} "
        f"(-1 all bad, 1 all good) from {limit.at_least} mentions or more.",
        value='printf "%+.2f"',
        keep=limit.keep,
        dashboard=LISTING_PAGE,
        variables=("issuer",),
        proof=Proof(
            series=(
                (scraped(mentions, issuer="ACME", sentiment="negative"), "0x8 10x300"),
                (scraped(mentions, issuer="ACME", sentiment="neutral"), "0x300"),
                (scraped(mentions, issuer="ACME", sentiment="positive"), "0x300"),
            ),
            quiet_at="2m",
            firing_at="5m",
            since_s=135,
            resolved_at="45m",
            labels={"issuer": "ACME"},
            slots={"value": "-1.00"},
        ),
    )


def _stale(thresholds: Thresholds) -> AlertRule:
    limit, job = thresholds.listing_stale, thresholds.jobs.live
    opened = f'min_over_time(newsquake_listing_open{{job="{job}"}}[{limit.silence_s}s])'
    return AlertRule(
        name="ListingStale",
        expr=f'max by (listing) ({SILENCE}{{job="{job}"}}) > {limit.silence_s}\n'
        f"and on (listing)\nmin by (listing) ({opened}) == 1",
        severity="warning",
        by=("listing",),
        summary="{listing} has not traded while its venue is open",
        description="No price of {listing} for {value}, in the regular phase; "
        f"{limit.silence_s} s are allowed.",
        value="humanizeDuration",
        hold=limit.hold,
        dashboard=LISTING_PAGE,
        variables=("listing",),
        proof=Proof(
            series=(
                (
                    scraped("newsquake_last_tick_timestamp_seconds", listing="ACME.XNYS"),
                    "0+15x4 60x40 660+15x40",
                ),
                (scraped("newsquake_listing_open", listing="ACME.XNYS"), "1x100"),
            ),
            quiet_at="6m",
            firing_at="8m",
            since_s=375,
            resolved_at="15m",
            labels={"listing": "ACME.XNYS"},
            slots={"value": "7m 0s"},
        ),
    )
