"""Alerts: the life of a rule's firing, from its first level to the end of the trade date.

One alert per (rule, listing, trade date, direction): opened -> escalated, updated -> resolved.
"""

from __future__ import annotations

import msgspec
import numpy as np

from agents.reacting.attribution import Leg, MoveCase, attribute, look_back
from agents.reacting.config import Rule
from agents.reacting.listing_state import ListingState
from agents.reacting.moves import Crossing
from agents.reacting.news import News
from agents.reacting.sessions import Sessions
from streams.events import (
    PRICE_SCALE,
    SECOND_NS,
    Alert,
    Attribution,
    Move,
    OtherLine,
    content_id,
)


class AlertState(msgspec.Struct):
    """An alert in its newest state, with the case it explains."""

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
    rule: Rule,
    crossing: Crossing,
    line: ListingState,
    leg: Leg,
    other: OtherLine | None,
    news: News,
) -> AlertState:
    """Return the new alert of a rule's first level."""
    case = MoveCase((leg,), look_back(crossing.ts_ns, line.sessions), other)
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
        level_pct=leg.level_pct,
        price=crossing.price / PRICE_SCALE,
        return_bps=_bps(crossing),
        reference_price=crossing.close / PRICE_SCALE,
        attribution=attribute(case, news, line.sessions),
        sentence="",
        flags=crossing.flags,
    )
    return AlertState(_spoken(alert), case)


def escalate(
    state: AlertState, crossing: Crossing, leg: Leg, news: News, sessions: Sessions
) -> None:
    """Carry an alert to a higher level."""
    state.case = msgspec.structs.replace(state.case, legs=(*state.case.legs, leg))
    alert = msgspec.structs.replace(
        state.alert,
        transition="escalated",
        updated_ns=max(crossing.ts_ns, state.alert.updated_ns),
        level_pct=leg.level_pct,
        price=crossing.price / PRICE_SCALE,
        return_bps=_bps(crossing),
        attribution=attribute(state.case, news, sessions),
        flags=tuple(sorted({*state.alert.flags, *crossing.flags})),
    )
    state.alert = _spoken(alert)


def update(state: AlertState, now_ns: int, news: News, sessions: Sessions) -> bool:
    """Explain an open alert anew; tell whether its evidence changed."""
    attribution = attribute(state.case, news, sessions)
    if attribution == state.alert.attribution:
        return False
    alert = msgspec.structs.replace(
        state.alert,
        transition="updated",
        updated_ns=max(now_ns, state.alert.updated_ns),
        attribution=attribution,
    )
    state.alert = _spoken(alert)
    return True


def resolve(state: AlertState, ended_ns: int) -> Alert:
    """Return the alert as it stands when its trade date's last phase has ended."""
    ended = max(ended_ns, state.alert.updated_ns)
    return msgspec.structs.replace(
        state.alert, state="resolved", transition="resolved", updated_ns=ended
    )


def _bps(crossing: Crossing) -> float:
    return round((crossing.price - crossing.close) / crossing.close * 10_000, 6)


def _spoken(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, sentence=_sentence(alert))


def _sentence(alert: Alert) -> str:
    """Say in one sentence what moved, how far, and why as far as anybody knows."""
    clock = str(np.datetime64(alert.opened_ns // SECOND_NS, "s"))[11:]
    phase = alert.session.replace("_", " ")
    passed = f"{alert.listing} {alert.direction} {abs(alert.return_bps) / 100:.2f} % on the day"
    price = f"{alert.price:.2f} against a previous close of {alert.reference_price:.2f}"
    opened = f"opened {clock} UTC in the {phase} phase"
    return f"{passed} ({price}; {opened}): {_because(alert.attribution)}"


def _because(attribution: Attribution) -> str:
    causes = [c for c in attribution.candidates if c.share > attribution.unexplained_share]
    rest = f"market {_percent(attribution.market_share)}, unexplained {_percent(attribution.unexplained_share)}"
    if not causes:
        return f"no clear cause; {rest}."
    named = "; ".join(f'"{c.title}" ({_percent(c.share)})' for c in causes[:2])
    order = ""
    if attribution.price_led:
        order = " The price moved before the news."
    elif attribution.late_feed:
        order = " The news came within its feed's delay of the move."
    return f"most likely {named}; {rest}.{order}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
