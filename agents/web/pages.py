"""The pages for people: a headline, an alert, and what is newest. Plain HTML, no script.

All markup is made by agents/web/markup.py, which escapes every word that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.scoring.sentiment import sentiment_of
from agents.web import markup as html
from agents.web.answers import page_of_alert, page_of_headline
from agents.web.reader import AlertPage, HeadlinePage
from streams.codec import Plain
from streams.events import SECOND_NS
from streams.times import utc

# -- the pages


def headline_page(page: HeadlinePage) -> str:
    """Return the page of one headline."""
    headline = page.headline
    gone = ["Its publisher has deleted it."] if headline["action"] == "deleted" else []
    where = [headline["source"], headline["tier"], headline["feed"], headline["language"]]
    parts = [
        html.tag("h1", html.text(headline["title"])),
        html.tag("p", html.text(", ".join(each for each in where if each)), "quiet"),
        *(html.tag("p", html.text(each)) for each in gone),
        html.tag("p", html.text(headline["summary"])) if headline["summary"] else html.Html(""),
        html.tag("p", html.link(headline["url"], "read it at the source")),
        html.tag("h2", html.Html("Times (UTC)")),
        html.pairs(_times(page)),
        *html.section("Companies", _mentions(page.mentions), "No company of ours is named in it."),
        *html.section("Reactions", _reactions(page.reactions), "None was measured yet."),
        *html.section("Revisions", _revisions(page.revisions), "None."),
    ]
    return html.document(headline["title"], parts)


def alert_page(page: AlertPage) -> str:
    """Return the page of one alert."""
    alert = page.alert
    title = f"{alert['listing']} {alert['direction']} {alert['level_pct']} %"
    parts = [
        html.tag("h1", html.text(alert["sentence"])),
        html.pairs(
            [
                ("alert", f"{alert['rule']} of {alert['listing']}, {alert['trade_date']}"),
                ("state", f"{alert['state']}, {alert['severity']}"),
                ("opened", f"{_at(alert['opened_ns'])} ({alert['session']})"),
                ("newest", _at(alert["updated_ns"])),
                ("move", f"{_percent(alert['return_bps'])} at {html.money(alert['price'])}"),
                ("against", f"{html.money(alert['reference_price'])}, the previous close"),
            ]
        ),
        *html.section("What may explain it", _causes(alert["attribution"]), ""),
        html.tag("p", html.text(_said(alert["attribution"]))),
        *html.section("The path, and what was news", _path(alert), "An earlier release kept none."),
        *html.section("Transitions", _transitions(page.transitions), ""),
    ]
    return html.document(title, parts)


def index_page(headlines: Sequence[Plain], alerts: Sequence[Plain]) -> str:
    """Return the page of what is newest."""
    shown = [
        [
            html.whole(_at(each["opened_ns"])),
            html.whole(each["state"]),
            html.cell(html.page_link(page_of_alert(each["alert_id"]), each["sentence"])),
        ]
        for each in alerts
    ]
    said = [
        [
            html.whole(_at(each["event_ns"])),
            html.cell(each["source"]),
            html.cell(html.page_link(page_of_headline(each["headline_id"]), each["title"])),
        ]
        for each in headlines
    ]
    parts = [
        html.tag("h1", html.Html("Newsquake")),
        *html.section("Newest alerts", html.table(("opened", "state", "alert"), shown), "None."),
        *html.section(
            "Newest headlines", html.table(("event", "source", "headline"), said), "None."
        ),
    ]
    return html.document("Newsquake", parts)


def fault_page(text: str) -> str:
    """Return a page that says what is wrong."""
    return html.document("Newsquake", [html.tag("h1", html.text(text))])


# -- their parts


def _times(page: HeadlinePage) -> list[tuple[str, str]]:
    headline = page.headline
    minute = " (to the minute)" if headline["precision_s"] >= 60 else ""
    return [
        ("published", _at(headline["published_ns"]) + (minute if headline["published_ns"] else "")),
        ("updated", _at(headline["updated_ns"])),
        ("received", _at(headline["received_ns"])),
        ("scored", _at(page.scored_ns)),
        ("event", f"{_at(headline['event_ns'])} (measured from here)"),
        ("known", f"{_at(headline['known_ns'])} (no decision before it)"),
    ]


def _mentions(mentions: Sequence[Plain]) -> html.Html:
    rows = [
        [
            html.cell(each["issuer"]),
            html.number(each["relevance"], ".2f"),
            html.cell(sentiment_of(each["direction"])),
            html.number(each["direction"], "+.2f"),
            html.cell(", ".join(each["event_types"])),
            html.number(each["novelty"], ".2f"),
            html.cell(", ".join(each["evidence"])),
        ]
        for each in mentions
    ]
    heads = ("company", "relevance", "sentiment", "direction", "events", "novelty", "evidence")
    return html.table(heads, rows)


def _reactions(reactions: Sequence[Plain]) -> html.Html:
    rows = [
        [
            html.cell(each["listing"]),
            html.cell(each["horizon"]),
            html.price(each["reference_price"]),
            html.price(each["price"]),
            html.number(each["return_bps"], "+.1f"),
            html.number(each["abnormal_bps"], "+.1f"),
            html.number(each["z"], "+.2f"),
            html.cell(", ".join(each["flags"])),
        ]
        for each in reactions
    ]
    heads = ("listing", "horizon", "from", "price", "return bps", "abnormal bps", "z", "flags")
    return html.table(heads, rows)


def _revisions(revisions: Sequence[Plain]) -> html.Html:
    rows = [
        [
            html.cell(str(each["revision"])),
            html.cell(each["action"]),
            html.whole(_at(each["updated_ns"] or each["published_ns"])),
            html.whole(_at(each["received_ns"])),
            html.cell(each["title"]),
        ]
        for each in revisions
    ]
    return html.table(("revision", "action", "dated", "received", "title"), rows)


REST = (
    ("market_share", "the market"),
    ("sector_share", "the sector"),
    ("unexplained_share", "unexplained"),
)


def _causes(attribution: Plain) -> html.Html:
    rows = [
        [
            html.number(each["share"] * 100, ".1f", " %"),
            html.whole(_at(each["event_ns"])),
            html.whole(_lag(each["lag_s"])),
            html.cell(each["source"]),
            html.cell(html.page_link(page_of_headline(each["headline_id"]), each["title"])),
            html.whole(html.link(each["url"], "source")),
            html.cell(", ".join(f"{name} {value:g}" for name, value in each["factors"].items())),
        ]
        for each in attribution["candidates"]
    ]
    none = html.cell("")
    for name, words in REST:
        share = html.number(attribution.get(name, 0.0) * 100, ".1f", " %")
        rows.append([share, none, none, none, html.cell(words), none, none])
    heads = ("share", "event", "before the move", "source", "headline", "link", "factors")
    return html.table(heads, rows)


def _path(alert: Plain) -> html.Html:
    """Return the steps of the path: each with the market's part of it and those of the causes."""
    titles = {each["headline_id"]: each["title"] for each in alert["attribution"]["candidates"]}
    rows = [
        [
            html.whole(_at(each["start_ns"])),
            html.whole(_at(each["end_ns"])),
            html.number(each["return_bps"] / 100, "+.2f", " %"),
            html.number(each["market_bps"] / 100, "+.2f", " %"),
            html.cell(_parts(each["causes"], titles)),
        ]
        for each in alert.get("timeline", ())
    ]
    return html.table(("from", "to", "move", "market", "of it by headline"), rows)


def _parts(causes: Plain, titles: Plain) -> str:
    ranked = sorted(causes.items(), key=lambda each: -abs(each[1]))
    told = (f"{_percent(bps)} {titles.get(name, name)}" for name, bps in ranked if abs(bps) >= 1)
    return "; ".join(told)


def _said(attribution: Plain) -> str:
    other = attribution["other_line"]
    said = []
    if attribution["price_led"]:
        said.append("The price moved before the first of these headlines.")
    if attribution["late_feed"]:
        said.append("The first of these came within its feed's own delay of the move.")
    if other and other["leader"]:
        moved = other["move_bps"]
        stood = "" if moved is None else f"; {other['listing']} stood at {_percent(moved)}"
        said.append(f"{other['leader']} led{stood}.")
    return " ".join(said)


def _transitions(transitions: Sequence[Plain]) -> html.Html:
    rows = [
        [
            html.whole(_at(each["updated_ns"])),
            html.whole(each["transition"]),
            html.number(each["level_pct"], "d", " %"),
            html.whole(_percent(each["return_bps"])),
            html.price(each["price"]),
            html.cell(each["sentence"]),
        ]
        for each in transitions
    ]
    return html.table(("time", "transition", "level", "move", "price", "in words"), rows)


# -- words


def _at(ts_ns: int | None) -> str:
    if ts_ns is None:
        return "not known"
    ms = ts_ns % SECOND_NS // 1_000_000
    return utc(ts_ns) + (f".{ms:03d}" if ms else "")


def _percent(bps: float) -> str:
    return f"{bps / 100:+.2f} %"


def _lag(lag_s: float) -> str:
    return f"{lag_s / 3600:.1f} h" if abs(lag_s) >= 3600 else f"{lag_s / 60:.1f} min"
