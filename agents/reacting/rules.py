"""Alerts: the life of a rule's firing, from its first level to the end of the trade date.

One alert per (rule, listing, trade date, direction): opened -> escalated, updated -> resolved.
"""

from __future__ import annotations

import msgspec
import numpy as np

from agents.reacting.config import Rule
from agents.reacting.explaining.attribution import Explained, is_worth_telling
from agents.reacting.explaining.tracing import MoveCase
from agents.reacting.listing_state import ListingState
from agents.reacting.moves import Crossing
from agents.reacting.sentence import sentence_of
from agents.reacting.sessions import Sessions
from streams.events import PRICE_SCALE, Alert, Move, content_id


class AlertState(msgspec.Struct):
    """An alert as it was last told, with the case it explains."""

    alert: Alert
    case: MoveCase


def iso_date(days: int) -> str:
    """Return a trade date (days since 1970) as ISO text."""
    return str(np.datetime64(days, "D"))


def moves_of(crossing: Crossing, line: ListingState) -> list[Move]:
    """Return one Move for every level that a row passed."""
    trade_date = iso_date(line.state.date)
    return [
        Move(
            move_id=content_id("day", line.name, trade_date, crossing.direction, level),
            listing=line.name,
            issuer=line.listing.issuer,
            trade_date=trade_date,
            kind="day",
            direction=crossing.direction,
            level_pct=level,
            ts_ns=crossing.ts_ns,
            session=crossing.session,
            price=crossing.price / PRICE_SCALE,
            reference_price=crossing.close / PRICE_SCALE,
            return_bps=_bps(crossing),
            flags=crossing.flags,
        )
        for level in crossing.levels_pct
    ]


def level_of(rule: Rule, crossing: Crossing, line: ListingState) -> int | None:
    """Return the highest newly passed level that `rule` lists for this listing."""
    if rule.listings and line.name not in rule.listings:
        return None
    levels = [level for level in crossing.levels_pct if level in rule.levels_pct]
    return levels[-1] if levels else None


def alert_id(rule: Rule, line: ListingState, crossing: Crossing) -> str:
    """Return the id under which every state of this alert is known."""
    return content_id(rule.name, line.name, iso_date(line.state.date), crossing.direction)


def open_alert(
    rule: Rule, crossing: Crossing, line: ListingState, level_pct: int, found: Explained
) -> Alert:
    """Return the new alert of a rule's first level."""
    alert = Alert(
        alert_id=alert_id(rule, line, crossing),
        rule=rule.name,
        listing=line.name,
        issuer=line.listing.issuer,
        trade_date=iso_date(line.state.date),
        direction=crossing.direction,
        state="open",
        transition="opened",
        severity=rule.severity,
        opened_ns=crossing.ts_ns,
        updated_ns=crossing.ts_ns,
        session=crossing.session,
        level_pct=level_pct,
        price=crossing.price / PRICE_SCALE,
        return_bps=_bps(crossing),
        reference_price=crossing.close / PRICE_SCALE,
        attribution=found.attribution,
        sentence="",
        flags=crossing.flags,
    )
    return _told(alert, found, line.sessions)


def escalate(
    alert: Alert, crossing: Crossing, level_pct: int, found: Explained, sessions: Sessions
) -> Alert:
    """Return the alert at a higher level."""
    higher = msgspec.structs.replace(
        alert,
        transition="escalated",
        updated_ns=max(crossing.ts_ns, alert.updated_ns),
        level_pct=level_pct,
        price=crossing.price / PRICE_SCALE,
        return_bps=_bps(crossing),
        flags=tuple(sorted({*alert.flags, *crossing.flags})),
    )
    return _told(higher, found, sessions)


def update(alert: Alert, now_ns: int, found: Explained, sessions: Sessions) -> Alert | None:
    """Return an open alert explained anew; None where that is not worth telling.

    Each update has an instant of its own: evidence that comes and goes again makes no state twice.
    """
    if not is_worth_telling(alert.attribution, found.attribution):
        return None
    newer = msgspec.structs.replace(
        alert, transition="updated", updated_ns=max(now_ns, alert.updated_ns + 1)
    )
    return _told(newer, found, sessions)


def resolve(alert: Alert, ended_ns: int, found: Explained | None, sessions: Sessions) -> Alert:
    """Return the alert as it stands when its trade date's last phase has ended.

    `found` None: it stays as it was explained.
    """
    ended = msgspec.structs.replace(
        alert,
        state="resolved",
        transition="resolved",
        updated_ns=max(ended_ns, alert.updated_ns),
    )
    return _told(ended, found, sessions) if found else ended


def _bps(crossing: Crossing) -> float:
    return round((crossing.price - crossing.close) / crossing.close * 10_000, 6)


def _told(alert: Alert, found: Explained, sessions: Sessions) -> Alert:
    """Return an alert with its evidence and the sentence that says it."""
    explained = msgspec.structs.replace(
        alert, attribution=found.attribution, timeline=found.timeline(), sigmas=found.sigmas
    )
    return msgspec.structs.replace(explained, sentence=sentence_of(explained, sessions))
