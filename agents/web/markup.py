"""Markup for the pages: every text is escaped here, every link is a web link or none.

Whoever writes a headline writes for our readers' browsers, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from streams.text import clean_url

STYLE: Final = """\
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24; background: #fff; }
h1 { font-size: 1.35rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .7rem .25rem 0;
         border-bottom: 1px solid #d8dee4; overflow-wrap: anywhere; }
th, td.whole { white-space: nowrap; }
th { font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.quiet { color: #59636e; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; }
  th, td { border-color: #30363d; }
  a { color: #79b8ff; }
  .quiet { color: #9198a1; }
}
"""


class Html(str):
    """Markup that was made here; any other text is escaped before it stands in a page."""

    __slots__ = ()


def text(words: str) -> Html:
    """Return words, escaped."""
    return Html(escape(words))


def tag(name: str, inner: Html, kind: str = "") -> Html:
    """Return an element; `kind` is its class."""
    return Html(f'<{name} class="{kind}">{inner}</{name}>' if kind else f"<{name}>{inner}</{name}>")


def link(url: str, words: str) -> Html:
    """Return a link to the web, without one where there is none that is safe."""
    safe = clean_url(url)
    if not safe:
        return Html("")
    return Html(f'<a href="{escape(safe)}" rel="noopener noreferrer">{escape(words)}</a>')


def page_link(path: str, words: str) -> Html:
    """Return a link to a page of ours."""
    return Html(f'<a href="{escape(path)}">{escape(words)}</a>')


def cell(inner: str) -> Html:
    """Return a cell; what is not markup of ours is escaped."""
    return tag("td", inner if isinstance(inner, Html) else text(inner))


def whole(words: str) -> Html:
    """Return a cell whose few words, ours and not a feed's, stay on one line."""
    return tag("td", words if isinstance(words, Html) else text(words), "whole")


def number(value: float | None, form: str, unit: str = "") -> Html:
    """Return a cell with a number, empty where it is not known."""
    shown = "" if value is None else f"{value:{form}}{unit}"
    return tag("td", text(shown), "number")


def price(value: float | None) -> Html:
    """Return a cell with a price, empty where it is not known."""
    return tag("td", text("" if value is None else money(value)), "number")


def money(price: float) -> str:
    """Return a price with the digits that it has, two at least."""
    whole, _, rest = f"{price:.6f}".partition(".")
    return f"{whole}.{rest.rstrip('0'):0<2}"


def table(heads: Sequence[str], rows: Iterable[Sequence[Html]]) -> Html:
    """Return a table, nothing where it would have no rows."""
    body = "".join(tag("tr", Html("".join(row))) for row in rows)
    if not body:
        return Html("")
    head = tag("tr", Html("".join(tag("th", text(each)) for each in heads)))
    return tag("table", Html(head + body))


def pairs(rows: Iterable[tuple[str, str]]) -> Html:
    """Return a table of names and values."""
    lines = [tag("tr", Html(tag("th", text(name)) + cell(value))) for name, value in rows]
    return tag("table", Html("".join(lines)))


def section(heading: str, body: Html, nothing: str) -> tuple[Html, Html]:
    """Return a heading and what it is about, `nothing` said where that is empty."""
    return tag("h2", text(heading)), body or tag("p", text(nothing), "quiet")


def document(title: str, parts: Iterable[Html]) -> str:
    """Return a whole page."""
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f'<link rel="stylesheet" href="/style.css"></head>\n<body>\n{body}\n'
        '<p class="quiet"><a href="/">newest</a></p>\n</body></html>\n'
    )
