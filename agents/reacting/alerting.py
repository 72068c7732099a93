"""What an issuer's crossings become: moves, and alerts with their evidence."""

from __future__ import annotations

from typing import Final

import msgspec

from agents.reacting.config import DAY_LEVELS_PCT, Rule
from agents.reacting.explaining.attribution import explain
from agents.reacting.explaining.surroundings import Surroundings
from agents.reacting.explaining.tracing import MoveCase, case_of, settled
from agents.reacting.listing_state import ListingState, listing_named
from agents.reacting.moves import Crossing
from agents.reacting.news import News
from agents.reacting.reaction_tracker import Scheduled
from agents.reacting.rules import (
    AlertState,
    alert_id,
    escalate,
    level_of,
    moves_of,
    open_alert,
    resolve,
    update,
)
from streams.events import DAY_NS, SECOND_NS, Mention, Output
from streams.explanation import OtherLine

EXPLAIN: Final = "explain"  # an entry of the issuer's heap: read the market again
RESOLVE: Final = "resolve"


class Alerting:
    """The alerts of one issuer that are not yet resolved; outputs go to `out`."""

    __slots__ = ("_around", "_out", "_rules", "alerts")

    def __init__(self, rules: tuple[Rule, ...], around: Surroundings, out: list[Output]) -> None:
        self._rules, self._around, self._out = rules, around, out
        self.alerts: dict[str, AlertState] = {}

    def crossed(
        self,
        line: ListingState,
        crossing: Crossing,
        clock_ns: int,
        lines: list[ListingState],
        news: News,
    ) -> list[Scheduled]:
        """Raise what one crossing raises; return what will fall due for it."""
        self._out += moves_of(crossing, line)
        other = _other_line(line, crossing, lines)
        # a bar's point is sent with the Clock a second after its end, so that much is surely here
        case = case_of(crossing, line, self._around, clock_ns - SECOND_NS, other)
        if crossing.levels_pct[0] == DAY_LEVELS_PCT[0]:
            line.state.first_passed[crossing.direction] = crossing.ts_ns
        scheduled = []
        for rule in self._rules:
            level = level_of(rule, crossing, line)
            if level is not None:
                scheduled += self._raise(rule, crossing, line, level, case, news)
        return scheduled

    def _raise(
        self,
        rule: Rule,
        crossing: Crossing,
        line: ListingState,
        level_pct: int,
        case: MoveCase,
        news: News,
    ) -> list[Scheduled]:
        key = alert_id(rule, line, crossing)
        if key in line.state.resolved:
            return []
        known = self.alerts.get(key)
        if known is not None:  # what the other line had done is said as of the opening
            case = msgspec.structs.replace(case, other_line=known.case.other_line)
        found = explain(case, line, news, self._around)
        scheduled = _readings(case, line, key)
        if known is None:
            alert = open_alert(rule, crossing, line, level_pct, found)
            ended_ns = line.sessions.last_end(line.state.date)
            scheduled.append((ended_ns, line.name, key, RESOLVE, ended_ns))
        else:
            alert = escalate(known.alert, crossing, level_pct, found, line.sessions)
        self.alerts[key] = AlertState(alert, case)
        self._out.append(alert)
        return scheduled

    def explain_again(self, mention: Mention, lines: list[ListingState], news: News) -> None:
        """Explain every open alert anew after news of the issuer."""
        for state in self.alerts.values():
            self._update(state, listing_named(lines, state.alert.listing), mention.known_ns, news)

    def read_market(self, key: str, line: ListingState, due_ns: int, news: News) -> list[Scheduled]:
        """Explain an alert by the market as it is known now; return when to read it again."""
        state = self.alerts.get(key)
        if state is None or state.case.market_due_ns != due_ns:
            return []  # it has ended, or a higher level has a reading of its own
        state.case = settled(state.case, line, self._around)
        if state.case.market_known:
            self._update(state, line, due_ns, news)
        return _readings(state.case, line, key)

    def _update(self, state: AlertState, line: ListingState, now_ns: int, news: News) -> None:
        if not state.case.points:
            return  # an earlier release opened it: it stays as that has explained it
        found = explain(state.case, line, news, self._around)
        alert = update(state.alert, now_ns, found, line.sessions)
        if alert is not None:
            state.alert = alert
            self._out.append(alert)

    def resolve(self, key: str, line: ListingState, ended_ns: int, news: News) -> None:
        """End an alert with its trade date."""
        line.state.resolved += (key,)
        state = self.alerts.pop(key)
        found = explain(state.case, line, news, self._around) if state.case.points else None
        self._out.append(resolve(state.alert, ended_ns, found, line.sessions))


def _readings(case: MoveCase, line: ListingState, key: str) -> list[Scheduled]:
    due_ns = case.market_due_ns
    return [] if due_ns is None else [(due_ns, line.name, key, EXPLAIN, due_ns)]


def _other_line(
    line: ListingState, crossing: Crossing, lines: list[ListingState]
) -> OtherLine | None:
    """Return which of the issuer's lines passed the level first, and how far the other one has moved."""
    others = [other for other in lines if other is not line]
    if not others:
        return None
    since = crossing.ts_ns - DAY_NS
    passed = [(o.state.first_passed.get(crossing.direction, since - 1), o.index) for o in others]
    ahead = [(ts, index) for ts, index in passed if since <= ts <= crossing.ts_ns]
    if not ahead:
        moved = _moved(others[0], crossing.ts_ns)
        return OtherLine(listing=others[0].name, leader=line.name, lag_s=0.0, move_bps=moved)
    first_ns, index = min(ahead)
    other = next(o for o in others if o.index == index)
    return OtherLine(
        listing=other.name,
        leader=other.name,
        lag_s=round((crossing.ts_ns - first_ns) / SECOND_NS, 6),
        move_bps=_moved(other, crossing.ts_ns),
    )


def _moved(line: ListingState, t_ns: int) -> float | None:
    """Return a line's distance from its previous close at `t_ns`; None if it was still for 24 h."""
    price, close = line.tape.at(t_ns, t_ns), line.state.ladder.close
    if price is None or close is None or price.end_ns < t_ns - DAY_NS:
        return None
    return round((price.price - close) / close * 10_000, 6)
