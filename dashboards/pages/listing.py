"""One listing: its price with the headlines on it, its moves, and what is said of its company."""

from __future__ import annotations

from dashboards.pages.page import Page
from dashboards.panels import (
    SENTIMENT,
    SOURCE,
    Panel,
    Steps,
    Style,
    coloured,
    exemplars,
    panel,
    stat,
    target,
    text,
)
from dashboards.rules import BALANCE
from dashboards.thresholds import Thresholds
from dashboards.variables import queried, typed

J = 'job="$job"'
L = 'job="$job",listing="$listing"'
C = 'job="$job",issuer=~"$issuer"'  # of the company
RATE = "[$__rate_interval]"
HEADLINES = "${newsquake}/api/headlines?listing=${listing}&from=${__from}&to=${__to}"
ALERTS = "${newsquake}/api/alerts?listing=${listing}&from=${__from}&to=${__to}"


def page(thresholds: Thresholds) -> Page:
    """Return the page."""
    return Page(
        name="listing",
        title="Newsquake: one listing",
        description="One listing: its price with the headlines on it, its moves, its news.",
        job=thresholds.jobs.live,
        variables=[
            queried("listing", "Listing", f"label_values(newsquake_price{{{J}}}, listing)"),
            queried(
                "issuer",
                "Company",
                f"label_values(newsquake_mentions_total{{{J}}}, issuer)",
                many=True,
            ),
            typed("newsquake", "Newsquake's read API", thresholds.links.api),
        ],
        marks=_marks(thresholds.links.api),
        panels=[*_numbers(), *_prices(thresholds), *_news(), *_alerts()],
    )


def _marks(api: str) -> list[Panel]:
    """Return what is marked in time: headlines by what they say, levels passed."""
    mentions = f"newsquake_mentions_total{{{C},sentiment="
    marks = [
        (
            f"Headlines: {sentiment}",
            f'sum by (issuer) (increase({mentions}"{sentiment}"}}[$__rate_interval])) > 0',
            "{{issuer}}: a headline, " + sentiment,
            colour,
        )
        for sentiment, colour in SENTIMENT.items()
    ]
    crossings = f"newsquake_level_crossings_total{{{L}}}"
    levels = f"sum by (level, direction) (increase({crossings}[$__rate_interval])) > 0"
    marks.append(("Levels passed", levels, "{{level}} % {{direction}}", "orange"))
    return [_mark(*mark, api) for mark in marks]


def _mark(name: str, expr: str, title: str, colour: str, api: str) -> Panel:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "5s",
        "titleFormat": title,
        # Grafana puts labels into these texts, but no variables of the dashboard.
        "textFormat": f'<a href="{api}">texts</a>',
        "useValueForTime": False,
    }


def _now(metric: str, more: str = "") -> str:
    return f"max({metric}{{{L}{more}}})"


def _numbers() -> list[Panel]:
    open_ = ((None, "text"), (1, "green"))
    return [
        stat(1, "Price", "The last accepted price, in the listing's currency.",
             _now("newsquake_price"), unit="none"),
        stat(2, "Day", "The move against the previous close.",
             _now("newsquake_move_ratio", ',window="day"'), unit="percentunit"),
        stat(3, "5 minutes", "The move against the price 5 minutes before.",
             _now("newsquake_move_ratio", ',window="5m"'), unit="percentunit"),
        stat(4, "Largest of a minute", "The largest move within the last minute: no spike is missed.",
             _now("newsquake_move_max_ratio"), unit="percentunit"),
        stat(5, "Last trade", "How long ago the last accepted trade was; in a replay that is history.",
             f"time() - {_now('newsquake_last_tick_timestamp_seconds')}", unit="s"),
        stat(6, "Open", "1 in the venue's regular phase, else 0.", _now("newsquake_listing_open"),
             steps=open_),
    ]  # fmt: skip


def _prices(thresholds: Thresholds) -> list[Panel]:
    lines = sorted(thresholds.market[0].lines_pct)
    return [
        panel(
            7, "Price and headlines",
            "The last price against the previous close. Lines in time are headlines, by sentiment, "
            "of the company chosen above, and levels passed; a click on the price leads to their texts.",
            [target(f"max by (currency) (newsquake_price{{{L}}})", "{{currency}}"),
             target(f"max by (currency) (newsquake_previous_close{{{L}}})",
                    "previous close, {{currency}}")],
            unit="none", style=Style(size=(24, 11), links=_to_texts()),
        ),
        panel(
            8, "Moves", "Against the previous close, and against the tape 1 and 5 minutes before.",
            [target(f"max by (window) (newsquake_move_ratio{{{L}}})", "{{window}}"),
             target(_now("newsquake_move_max_ratio"), "largest of a minute")],
            unit="percentunit", style=Style(steps=_levels(lines), custom={"thresholdsStyle": {"mode": "line"}},
            links=_to_texts()),
        ),
        panel(
            9, "Levels passed", "Day levels passed since the process began, by level and direction.",
            [exemplars(target(f"sum by (level, direction) (newsquake_level_crossings_total{{{L}}})",
                              "{{level}} % {{direction}}"))],
            unit="short", style=Style(links=_to_texts()),
        ),
    ]  # fmt: skip


def _levels(lines: list[int]) -> Steps:
    """Return the steps that draw a line at each level, up and down."""
    falls = [(-level / 100, "transparent") for level in lines[::-1]]
    rises = [(level / 100, colour) for level, colour in zip(lines, ("orange", "red"), strict=False)]
    return ((None, "red"), *falls, *rises)


def _to_texts() -> list[Panel]:
    return [
        {"title": "Headlines of this time", "url": HEADLINES, "targetBlank": True},
        {"title": "Alerts with their evidence", "url": ALERTS, "targetBlank": True},
    ]


def _news() -> list[Panel]:
    return [
        panel(
            10, "Mentions by sentiment", "Mentions of the company a minute, by what is said of it.",
            [target(f"sum by (sentiment) (rate(newsquake_mentions_total{{{C}}}{RATE})) * 60",
                    "{{sentiment}}")],
            unit="short", style=Style(overrides=coloured(SENTIMENT), custom={"stacking": {"mode": "normal"}},
            links=_to_texts()),
        ),
        panel(
            11, "Balance of sentiment", "From -1, all bad, to 1, all good, where enough was said.",
            [target(f"{BALANCE}{{{C}}}", "{{issuer}}")], unit="short",
        ),
        panel(
            12, "From news to move",
            "At the opening of alerts of any listing: how long before it the first candidate came.",
            [exemplars(target(
                f"histogram_quantile({q}, sum by (le) (rate("
                f"newsquake_news_to_move_seconds_bucket{{{J}}}{RATE})))", f"p{q * 100:.0f}"))
             for q in (0.5, 0.95)],
            unit="s",
        ),
    ]  # fmt: skip


def _alerts() -> list[Panel]:
    links = (
        f"- [Headlines of this listing and time]({HEADLINES})\n"
        f"- [Alerts with their evidence]({ALERTS})\n"
        "- A headline's own page is `${newsquake}/h/ID`, an alert's `${newsquake}/a/ID`.\n"
    )
    return [
        panel(
            13, "Alerts in time", "When alerts of this listing fired in Prometheus.",
            [target('max by (alertname, direction) (ALERTS{alertstate="firing",listing="$listing"})',
                    "{{alertname}} {{direction}}")],
            unit="short", style=Style(kind="state-timeline",
            steps=((None, "transparent"), (1, "red"))),
        ),
        text(14, "Texts", "Where the words are: Prometheus holds only counts of them.", links, (24, 4)),
    ]  # fmt: skip
