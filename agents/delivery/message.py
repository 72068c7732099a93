"""The words of an alert that leave the house: labels, annotations, inert text."""

from __future__ import annotations

from typing import Final

from agents.config.delivery import LinksFile
from streams.events import Alert
from streams.explanation import Candidate
from streams.text import clean_text, linked

HOUR_MS: Final = 3_600_000
TEXT_CHARS: Final = 300

# no tag, no <!channel>, no <address|words> of Slack, anywhere
_INERT: Final = str.maketrans({"<": "\u2039", ">": "\u203a"})


def labels_of(alert: Alert, *, replay: bool) -> dict[str, str]:
    """Return what the alert is known by for its life, the same as the Prometheus rule's."""
    labels = {
        "alertname": alert.rule,
        "listing": alert.listing,
        "direction": alert.direction,
        "severity": alert.severity,
    }
    return {**labels, "replay": "true"} if replay else labels


def annotations_of(alert: Alert, links: LinksFile) -> dict[str, str]:
    """Return what is told of the alert now; what is not known is left out."""
    percent = f"{abs(alert.return_bps) / 100:.2f} %"
    annotations = {
        "summary": f"{alert.listing} {alert.direction} {percent} on the day",
        "description": (
            f"{alert.listing} is {alert.direction} {percent} on the trade date {alert.trade_date}: "
            f"{shown(alert.price)} against a previous close of {shown(alert.reference_price)}. It has passed "
            f"{alert.level_pct} %. {_cause(alert)}"
        ),
        "level_pct": str(alert.level_pct),
        "price": shown(alert.price),
        "value": percent,
        "window": "day",
        "alert_id": alert.alert_id,
        "runbook_url": _filled(links.runbook, alert),
        "dashboard_url": _filled(links.dashboard, alert),
    }
    if candidate := first_candidate(alert):
        annotations["headline"] = inert(candidate.title)
        annotations["headline_source"] = inert(candidate.source)
        annotations["headline_url"] = linked(candidate.url)
    return {name: text for name, text in annotations.items() if text}


def inert(text: str) -> str:
    """Return text of a feed as one line of plain text that no chat or mail takes for markup."""
    return clean_text(text, TEXT_CHARS).translate(_INERT)


def first_candidate(alert: Alert) -> Candidate | None:
    """Return the likeliest cause, None where there is none."""
    candidates = alert.attribution.candidates
    return candidates[0] if candidates else None


def shown(price: float) -> str:
    """Return a price with all its digits and no more."""
    return f"{price:.6f}".rstrip("0").rstrip(".")


def _cause(alert: Alert) -> str:
    shares = alert.attribution
    candidate = first_candidate(alert)
    story = f"the first headline explains {candidate.share * 100:.0f} %, " if candidate else ""
    sector = f", the sector {shares.sector_share * 100:.0f} %" if shares.sector_share else ""
    rest = f"the market {shares.market_share * 100:.0f} %{sector}"
    return f"Of the move {story}{rest}; {shares.unexplained_share * 100:.0f} % is unexplained."


def _filled(link: str, alert: Alert) -> str:
    opened_ms = alert.opened_ns // 1_000_000
    slots = {
        "listing": alert.listing,
        "rule": alert.rule.lower(),
        "alert_id": alert.alert_id,
        "from": opened_ms - HOUR_MS,
        "to": opened_ms + HOUR_MS,
    }
    return link.format_map(slots)
