"""The pages for people: a headline, an alert, and what is newest. Plain HTML, no script.

Whoever writes a headline writes for our readers' browsers, too: every word of a record goes
through `escape`, every link through `clean_url`, and only this module writes markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from agents.runtime.progress import utc
from agents.runtime.web_answers import page_of_alert, page_of_headline, sentiment_of
from agents.runtime.web_read import AlertPage, HeadlinePage, Plain
from streams.events import SECOND_NS
from streams.news.text import clean_url


class Html(str):
    """Markup that was made here; any other text is escaped before it stands in a page."""

    __slots__ = ()


STYLE: Final = """\
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24; background: #fff; }
h1 { font-size: 1.35rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .7rem .25rem 0;
         border-bottom: 1px solid #d8dee4; overflow-wrap: anywhere; }
th { font-weight: 600; white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.quiet { color: #59636e; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; }
  th, td { border-color: #30363d; }
  a { color: #79b8ff; }
  .quiet { color: #9198a1; }
}
"""


# -- the pages


def headline_page(page: HeadlinePage) -> str:
    """Return the page of one headline."""
    headline = page.headline
    gone = ["Its publisher has deleted it."] if headline["action"] == "deleted" else []
    where = [headline["source"], headline["tier"], headline["feed"], headline["language"]]
    parts = [
        _tag("h1", _text(headline["title"])),
        _tag("p", _text(", ".join(each for each in where if each)), "quiet"),
        *(_tag("p", _text(each)) for each in gone),
        _tag("p", _text(headline["summary"])) if headline["summary"] else Html(""),
        _tag("p", _link(headline["url"], "read it at the source")),
        _tag("h2", Html("Times (UTC)")),
        _pairs(_times(page)),
        *_section("Companies", _mentions(page.mentions), "No company of ours is named in it."),
        *_section("Reactions", _reactions(page.reactions), "None was measured yet."),
        *_section("Revisions", _revisions(page.revisions), "None."),
    ]
    return _document(headline["title"], parts)


def alert_page(page: AlertPage) -> str:
    """Return the page of one alert."""
    alert = page.alert
    title = f"{alert['listing']} {alert['direction']} {alert['level_pct']} %"
    parts = [
        _tag("h1", _text(alert["sentence"])),
        _pairs(
            [
                ("alert", f"{alert['rule']} of {alert['listing']}, {alert['trade_date']}"),
                ("state", f"{alert['state']}, {alert['severity']}"),
                ("opened", f"{_at(alert['opened_ns'])} ({alert['session']})"),
                ("newest", _at(alert["updated_ns"])),
                ("move", f"{_percent(alert['return_bps'])} at {_money(alert['price'])}"),
                ("against", f"{_money(alert['reference_price'])}, the previous close"),
            ]
        ),
        *_section("What may explain it", _causes(alert["attribution"]), ""),
        _tag("p", _text(_said(alert["attribution"]))),
        *_section("Transitions", _transitions(page.transitions), ""),
    ]
    return _document(title, parts)


def index_page(headlines: Sequence[Plain], alerts: Sequence[Plain]) -> str:
    """Return the page of what is newest."""
    shown = [
        [
            _cell(_at(each["opened_ns"])),
            _cell(each["state"]),
            _cell(_inner(page_of_alert(each["alert_id"]), each["sentence"])),
        ]
        for each in alerts
    ]
    said = [
        [
            _cell(_at(each["event_ns"])),
            _cell(each["source"]),
            _cell(_inner(page_of_headline(each["headline_id"]), each["title"])),
        ]
        for each in headlines
    ]
    parts = [
        _tag("h1", Html("Newsquake")),
        *_section("Newest alerts", _table(("opened", "state", "alert"), shown), "None."),
        *_section("Newest headlines", _table(("event", "source", "headline"), said), "None."),
    ]
    return _document("Newsquake", parts)


def fault_page(text: str) -> str:
    """Return a page that says what is wrong."""
    return _document("Newsquake", [_tag("h1", _text(text))])


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


def _mentions(mentions: Sequence[Plain]) -> Html:
    rows = [
        [
            _cell(each["issuer"]),
            _number(each["relevance"], ".2f"),
            _cell(sentiment_of(each["direction"])),
            _number(each["direction"], "+.2f"),
            _cell(", ".join(each["event_types"])),
            _number(each["novelty"], ".2f"),
            _cell(", ".join(each["evidence"])),
        ]
        for each in mentions
    ]
    heads = ("company", "relevance", "sentiment", "direction", "events", "novelty", "evidence")
    return _table(heads, rows)


def _reactions(reactions: Sequence[Plain]) -> Html:
    rows = [
        [
            _cell(each["listing"]),
            _cell(each["horizon"]),
            _price(each["reference_price"]),
            _price(each["price"]),
            _number(each["return_bps"], "+.1f"),
            _number(each["abnormal_bps"], "+.1f"),
            _number(each["z"], "+.2f"),
            _cell(", ".join(each["flags"])),
        ]
        for each in reactions
    ]
    heads = ("listing", "horizon", "from", "price", "return bps", "abnormal bps", "z", "flags")
    return _table(heads, rows)


def _revisions(revisions: Sequence[Plain]) -> Html:
    rows = [
        [
            _cell(str(each["revision"])),
            _cell(each["action"]),
            _cell(_at(each["updated_ns"] or each["published_ns"])),
            _cell(_at(each["received_ns"])),
            _cell(each["title"]),
        ]
        for each in revisions
    ]
    return _table(("revision", "action", "dated", "received", "title"), rows)


def _causes(attribution: Plain) -> Html:
    rows = [
        [
            _number(each["share"] * 100, ".1f", " %"),
            _cell(_at(each["event_ns"])),
            _cell(_lag(each["lag_s"])),
            _cell(each["source"]),
            _cell(_inner(page_of_headline(each["headline_id"]), each["title"])),
            _cell(_link(each["url"], "source")),
            _cell(", ".join(f"{name} {value:g}" for name, value in each["factors"].items())),
        ]
        for each in attribution["candidates"]
    ]
    none = _cell("")
    for name, words in (("market_share", "the market"), ("unexplained_share", "unexplained")):
        share = _number(attribution[name] * 100, ".1f", " %")
        rows.append([share, none, none, none, _cell(words), none, none])
    heads = ("share", "event", "before the move", "source", "headline", "link", "factors")
    return _table(heads, rows)


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


def _transitions(transitions: Sequence[Plain]) -> Html:
    rows = [
        [
            _cell(_at(each["updated_ns"])),
            _cell(each["transition"]),
            _number(each["level_pct"], "d", " %"),
            _cell(_percent(each["return_bps"])),
            _price(each["price"]),
            _cell(each["sentence"]),
        ]
        for each in transitions
    ]
    return _table(("time", "transition", "level", "move", "price", "in words"), rows)


# -- words


def _at(ts_ns: int | None) -> str:
    if ts_ns is None:
        return "not known"
    ms = ts_ns % SECOND_NS // 1_000_000
    return utc(ts_ns) + (f".{ms:03d}" if ms else "")


def _percent(bps: float) -> str:
    return f"{bps / 100:+.2f} %"


def _money(price: float) -> str:
    """Return a price with the digits that it has, two at least."""
    whole, _, rest = f"{price:.6f}".partition(".")
    return f"{whole}.{rest.rstrip('0'):0<2}"


def _lag(lag_s: float) -> str:
    return f"{lag_s / 3600:.1f} h" if abs(lag_s) >= 3600 else f"{lag_s / 60:.1f} min"


# -- markup


def _text(words: str) -> Html:
    return Html(escape(words))


def _tag(name: str, inner: Html, kind: str = "") -> Html:
    return Html(f'<{name} class="{kind}">{inner}</{name}>' if kind else f"<{name}>{inner}</{name}>")


def _link(url: str, words: str) -> Html:
    """Return a link to the web, without one where there is none that is safe."""
    safe = clean_url(url)
    if not safe:
        return Html("")
    return Html(f'<a href="{escape(safe)}" rel="noopener noreferrer">{escape(words)}</a>')


def _inner(path: str, words: str) -> Html:
    return Html(f'<a href="{escape(path)}">{escape(words)}</a>')


def _cell(inner: str) -> Html:
    return _tag("td", inner if isinstance(inner, Html) else _text(inner))


def _number(value: float | None, form: str, unit: str = "") -> Html:
    shown = "" if value is None else f"{value:{form}}{unit}"
    return _tag("td", _text(shown), "number")


def _price(value: float | None) -> Html:
    return _tag("td", _text("" if value is None else _money(value)), "number")


def _table(heads: Sequence[str], rows: Iterable[Sequence[Html]]) -> Html:
    """Return a table, nothing where it would have no rows."""
    body = "".join(_tag("tr", Html("".join(row))) for row in rows)
    if not body:
        return Html("")
    head = _tag("tr", Html("".join(_tag("th", _text(each)) for each in heads)))
    return _tag("table", Html(head + body))


def _pairs(pairs: Iterable[tuple[str, str]]) -> Html:
    rows = [_tag("tr", Html(_tag("th", _text(name)) + _cell(value))) for name, value in pairs]
    return _tag("table", Html("".join(rows)))


def _section(heading: str, body: Html, nothing: str) -> tuple[Html, Html]:
    return _tag("h2", _text(heading)), body or _tag("p", _text(nothing), "quiet")


def _document(title: str, parts: Iterable[Html]) -> str:
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f'<link rel="stylesheet" href="/style.css"></head>\n<body>\n{body}\n'
        '<p class="quiet"><a href="/">newest</a></p>\n</body></html>\n'
    )
