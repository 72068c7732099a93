"""What the read API says: the records as they are, and beside them what annotations need.

`time` and `timeEnd` are ms since 1970 UTC and `tags` a list, as Grafana takes them. `text` is HTML,
for Grafana renders annotations as such: the words of the record, escaped, and nothing else.
"""

from __future__ import annotations

import html
from typing import Any, Final
from urllib.parse import quote

from agents.scoring.sentiment import sentiment_of
from agents.web.reader import AlertPage, HeadlinePage
from streams.codec import Plain
from streams.text import clean_url

MS_NS: Final = 1_000_000


def headline_answer(headline: Plain, issuer: str | None, listing: str | None) -> Plain:
    """Return one headline of a list; `issuer` and `listing` are those that were asked for, if any."""
    mentions = headline["mentions"]
    mine = [each for each in mentions if issuer in {None, each["issuer"]}]
    words = {sentiment_of(each["direction"]) for each in mine}
    tags = [listing] if listing else [each["issuer"] for each in mine]
    tags += sorted(words) + sorted({kind for each in mine for kind in each["event_types"]})
    return {
        **safe(headline),
        "time": headline["event_ns"] // MS_NS,
        "text": html.escape(headline["title"]),
        "tags": ["headline", *dict.fromkeys(tags)],
        "page": page_of_headline(headline["headline_id"]),
    }


def headline_page_answer(page: HeadlinePage) -> Plain:
    """Return all of one headline."""
    return {
        "headline": safe(page.headline),
        "scored_ns": page.scored_ns,
        "revisions": [safe(each) for each in page.revisions],
        "mentions": [safe(each) for each in page.mentions],
        "reactions": page.reactions,
    }


def alert_answer(alert: Plain) -> Plain:
    """Return one alert of a list."""
    over = alert["state"] != "open"
    return {
        **safe(alert),
        "time": alert["opened_ns"] // MS_NS,
        "timeEnd": alert["updated_ns"] // MS_NS if over else None,
        "title": f"{alert['rule']} {alert['listing']} {alert['direction']} {alert['level_pct']} %",
        "text": html.escape(alert["sentence"]),
        "tags": [
            "alert",
            *(alert[k] for k in ("listing", "rule", "direction", "severity", "state")),
        ],
        "page": page_of_alert(alert["alert_id"]),
    }


def alert_page_answer(page: AlertPage) -> Plain:
    """Return all of one alert."""
    return {
        "alert": alert_answer(page.alert),
        "transitions": [safe(each) for each in page.transitions],
        "headlines": [safe(each) for each in page.headlines],
    }


def page_of_headline(headline_id: str) -> str:
    """Return the path of a headline's page."""
    return f"/h/{path_part(headline_id)}"


def page_of_alert(alert_id: str) -> str:
    """Return the path of an alert's page."""
    return f"/a/{path_part(alert_id)}"


def path_part(text: str) -> str:
    """Return an id as it stands in a path."""
    return quote(text, safe="")


def safe(record: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a record whose links are web links or empty, at any depth."""
    if isinstance(record, list):
        return [safe(each) for each in record]
    if isinstance(record, dict):
        return {
            key: clean_url(value) if key == "url" and isinstance(value, str) else safe(value)
            for key, value in record.items()
        }
    return record
