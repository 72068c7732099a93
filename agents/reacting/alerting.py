"""What an issuer's crossings become: moves, and alerts with their evidence."""

from __future__ import annotations

import msgspec

from agents.reacting.attribution import Leg
from agents.reacting.benchmark import Benchmark
from agents.reacting.config import DAY_LEVELS_PCT, Rule
from agents.reacting.listing_state import ListingState, listing_named
from agents.reacting.moves import Crossing
from agents.reacting.news import News
from agents.reacting.onset import leg_of
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
from streams.events import DAY_NS, SECOND_NS, Mention, OtherLine, Output


class Alerting:
    """The alerts of one issuer that are not yet resolved; outputs go to `out`."""

    __slots__ = ("_benchmarks", "_out", "_rules", "alerts")

    def __init__(
        self, rules: tuple[Rule, ...], benchmarks: dict[str, Benchmark], out: list[Output]
    ) -> None:
        self._rules, self._benchmarks, self._out = rules, benchmarks, out
        self.alerts: dict[str, AlertState] = {}

    def crossed(
        self,
        line: ListingState,
        crossing: Crossing,
        clock_ns: int,
        lines: list[ListingState],
        news: News,
    ) -> list[str]:
        """Raise what one crossing raises; return the ids of the alerts it opened."""
        self._out += moves_of(crossing, line)
        market = self._benchmarks.get(line.market)
        # a bar's point is sent with the Clock a second after its end, so that much is surely here
        known_ns = min(crossing.ts_ns, clock_ns - SECOND_NS)
        market_return = None if market is None else market.day_return(known_ns)
        leg = leg_of(crossing, line, market_return)
        other = _other_line(line, crossing, lines)
        if crossing.levels_pct[0] == DAY_LEVELS_PCT[0]:
            line.state.first_passed[crossing.direction] = crossing.ts_ns
        opened = []
        for rule in self._rules:
            level = level_of(rule, crossing, line)
            if level is not None:
                own = msgspec.structs.replace(leg, level_pct=level)
                opened += self._raise(rule, crossing, line, own, other, news)
        return opened

    def _raise(
        self,
        rule: Rule,
        crossing: Crossing,
        line: ListingState,
        leg: Leg,
        other: OtherLine | None,
        news: News,
    ) -> list[str]:
        key = alert_id(rule, line, crossing)
        if key in line.state.resolved:
            return []
        state = self.alerts.get(key)
        if state is not None:
            escalate(state, crossing, leg, news, line.sessions)
            self._out.append(state.alert)
            return []
        state = self.alerts[key] = open_alert(rule, crossing, line, leg, other, news)
        self._out.append(state.alert)
        return [key]

    def explain_again(self, mention: Mention, lines: list[ListingState], news: News) -> None:
        """Explain every open alert anew after news of the issuer."""
        for state in self.alerts.values():
            line = listing_named(lines, state.alert.listing)
            if update(state, mention.known_ns, news, line.sessions):
                self._out.append(state.alert)

    def resolve(self, key: str, line: ListingState, ended_ns: int) -> None:
        """End an alert with its trade date."""
        line.state.resolved += (key,)
        self._out.append(resolve(self.alerts.pop(key), ended_ns))


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
