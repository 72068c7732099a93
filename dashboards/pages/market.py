"""Market overview: which listings move, what the news says, which alerts are open."""

from __future__ import annotations

from dashboards.moves import LISTING_PAGE
from dashboards.pages.page import Page
from dashboards.panels import SENTIMENT, Panel, Style, coloured, link_to, panel, stat, table, target
from dashboards.rules import SILENCE
from dashboards.thresholds import Thresholds
from dashboards.variables import chosen

J = 'job="$job"'
RATE = "[$__rate_interval]"
TO_LISTING = link_to(LISTING_PAGE, "This listing", listing="${__data.fields.listing}")
TO_SERIES = link_to(LISTING_PAGE, "This listing", listing="${__field.labels.listing}")


def page(thresholds: Thresholds) -> Page:
    """Return the page."""
    levels = [str(level) for level in thresholds.market[0].levels_pct]
    return Page(
        name="market",
        title="Newsquake: market overview",
        description="Which listings move, what the news says of whom, and which alerts are open.",
        job=thresholds.jobs.live,
        variables=[chosen("level", "Level (%)", levels)],
        panels=[*_numbers(thresholds), *_movers(), *_news(), *_alerts()],
    )


def _numbers(thresholds: Thresholds) -> list[Panel]:
    silence_s = thresholds.listing_stale.silence_s
    opened = f"max by (listing) (newsquake_listing_open{{{J}}})"
    silent = f"max by (listing) ({SILENCE}{{{J}}}) > {silence_s} and on (listing) {opened} == 1"
    firing = 'ALERTS{alertstate="firing",alertname!="Watchdog"}'
    return [
        stat(1, "Listings with a price", "Listings of which at least one trade was accepted.",
             f"count(max by (listing) (newsquake_price{{{J}}}))"),
        stat(2, "Listings open", "Listings whose venue is in its regular phase, by the engine's clock.",
             f"sum({opened})"),
        stat(3, "Listings silent", f"Open listings without a trade for more than {silence_s} s.",
             f"count({silent}) or vector(0)", steps=((None, "green"), (1, "orange"))),
        stat(4, "Headlines a minute", "Headlines scored, of all feeds, copies and revisions too.",
             f"sum(rate(newsquake_headlines_scored_total{{{J}}}{RATE})) * 60"),
        stat(5, "Alerts open", "Alerts of price moves that the engine holds open.",
             f"sum(newsquake_alerts_open{{{J}}})", steps=((None, "green"), (1, "orange"))),
        stat(6, "Alerts firing", "Alerts of any kind that fire in Prometheus, but for the Watchdog.",
             f"count({firing}) or vector(0)", steps=((None, "green"), (1, "orange"))),
    ]  # fmt: skip


def _movers() -> list[Panel]:
    def move(window: str) -> str:
        return f'max by (listing) (newsquake_move_ratio{{{J},window="{window}"}})'

    moved = 'abs(newsquake_move_ratio{job="$job",window="5m"})'
    return [
        table(
            7, "Movers", "The 25 listings farthest from their previous close, with their newer moves.",
            [
                ("Day", f"topk(25, abs({move('day')})) * 0 + on (listing) {move('day')}", "percentunit"),
                ("5 min", move("5m"), "percentunit"),
                ("1 min", move("1m"), "percentunit"),
                ("Largest of a minute", f"max by (listing) (newsquake_move_max_ratio{{{J}}})", "percentunit"),
                ("Price", f"max by (listing) (newsquake_price{{{J}}})", "none"),
            ],
            "listing", [TO_LISTING],
        ),
        panel(
            8, "Moves of 5 minutes", "The 12 largest moves of the last 5 minutes, without their sign.",
            [target(f"topk(12, max by (listing) ({moved}))", "{{listing}}", instant=True)],
            unit="percentunit", style=Style(kind="bargauge", size=(6, 10), links=[TO_SERIES],
            steps=((None, "blue"), (0.03, "orange"), (0.08, "red"))),
        ),
        panel(
            9, "All moves of the day", "How many listings stand how far from their previous close.",
            [target(f'newsquake_move_ratio{{{J},window="day"}}', "{{listing}}")],
            unit="short", style=Style(kind="heatmap", size=(6, 10)),
        ),
    ]  # fmt: skip


def _news() -> list[Panel]:
    return [
        panel(
            10, "Mentions by sentiment", "Mentions of companies a minute, by what is said of them.",
            [target(f"sum by (sentiment) (rate(newsquake_mentions_total{{{J}}}{RATE})) * 60",
                    "{{sentiment}}")],
            unit="short", style=Style(overrides=coloured(SENTIMENT), custom={"stacking": {"mode": "normal"}}),
        ),
        panel(
            11, "Most mentioned", "The 10 companies with the most mentions in 15 minutes.",
            [target(f"topk(10, sum by (issuer) (increase(newsquake_mentions_total{{{J}}}[15m])))",
                    "{{issuer}}", instant=True)],
            unit="short", style=Style(kind="bargauge",
            links=[link_to(LISTING_PAGE, "This company", issuer="${__field.labels.issuer}")]),
        ),
    ]  # fmt: skip


def _alerts() -> list[Panel]:
    passed = f'newsquake_level_crossings_total{{{J},level="$level"}}'
    firing = 'ALERTS{alertstate="firing"}'
    return [
        panel(
            12, "Levels passed", "Listings that passed the chosen day level, a minute, up and down.",
            [target(f"sum by (direction) (increase({passed}[1m]))", "{{direction}}")],
            unit="short", style=Style(overrides=coloured({"up": "green", "down": "red"})),
        ),
        table(
            13, "Alerts", "Alerts that fire, of market and machinery; Watchdog always does.",
            [("Firing", f"sum by (alertname, severity, listing, direction, feed) ({firing})", "short")],
            "listing", [TO_LISTING], (12, 8),
        ),
    ]  # fmt: skip
