"""Attribution: the ranked stories behind a move, the market's share and the unexplained rest.

Score of a story: q = R * C * N * E * T * A, every factor in [0, 1] (formula and numbers: the finance guide,
section 3, fixed by DESIGN 7). Share: q / (q_unexplained + q_market + sum of q).
"""

from __future__ import annotations

from math import exp

import msgspec

from agents.reacting.news import News
from agents.reacting.sessions import Sessions
from streams.events import (
    DAY_NS,
    MINUTE_NS,
    NOVELTY_BASE,
    SECOND_NS,
    Attribution,
    Candidate,
    Mention,
    OtherLine,
)

SOURCE = {"regulator": 1.0, "issuer": 1.0, "wire": 1.0, "outlet": 0.9, "aggregator": 0.7}
UNKNOWN_SOURCE = 0.5
PRICE_REPORT = "price_report"
EVENT_PRIOR = {
    "earnings": 1.0,
    "guidance": 1.0,
    "mna": 1.0,
    "legal_regulatory": 1.0,
    "capex_expansion": 0.9,
    "analyst": 0.7,
    "product": 0.6,
    "partnership_contract": 0.6,
    "datacentre": 0.6,
    "fund_insider": 0.5,
}
OTHER_PRIOR = 0.4
NOVELTY_NS = DAY_NS
BEFORE_MINUTES = 15.0  # e-folding of news that came before the onset
AFTER_MINUTES = 5.0  # e-folding of news that came after it, beyond the feed's own delay
Q_UNEXPLAINED = 0.10
LOOK_BACK_NS = DAY_NS
PRINTED = 5


class Leg(msgspec.Struct, frozen=True):
    """One transition of an alert: where the run to this level began, and what was true then."""

    ts_ns: int
    level_pct: int
    onset_ns: int
    half_ns: int  # when half of the run was done
    day_return: float  # the listing's, from its previous close
    market_return: float | None  # the benchmark's, from its own


class MoveCase(msgspec.Struct, frozen=True):
    """A move to be explained: the alert's legs, oldest first, and what the other line did."""

    legs: tuple[Leg, ...]
    look_back_ns: int  # earliest event time of a candidate
    other_line: OtherLine | None


class _Scored(msgspec.Struct, frozen=True):
    q: float
    mention: Mention
    factors: dict[str, float]
    lag_ns: int
    late: bool
    led: bool
    copies: int


def look_back(ts_ns: int, sessions: Sessions) -> int:
    """Return the start of the look-back: 24 h, or the previous regular close if that is longer ago."""
    return min(ts_ns - LOOK_BACK_NS, sessions.previous_regular_end(ts_ns))


def attribute(case: MoveCase, news: News, sessions: Sessions) -> Attribution:
    """Return the attribution of a case from the mentions known now; their order does not matter."""
    leg = case.legs[-1]
    scored = [s for members in news.stories().values() if (s := _score(case, members, sessions))]
    scored.sort(key=lambda s: (-s.q, s.mention.event_ns, s.mention.headline_id))
    market = _market(leg)
    total = Q_UNEXPLAINED + market + sum(s.q for s in scored)
    printed = tuple(_candidate(s, total) for s in scored[:PRINTED])
    market_share = round(market / total, 6)
    rest = 1.0 - market_share - sum(c.share for c in printed)
    top = scored[0] if scored and scored[0].q > 0.0 else None
    return Attribution(
        market_share=market_share,
        unexplained_share=round(rest, 6),
        price_led=top is not None and top.led,
        late_feed=top is not None and top.late,
        other_line=case.other_line,
        candidates=printed,
        flags=() if leg.market_return is not None else ("no_benchmark",),
    )


def _market(leg: Leg) -> float:
    if leg.market_return is None or leg.day_return == 0.0:
        return 0.0
    return min(1.0, abs(leg.market_return) / abs(leg.day_return))


def _score(case: MoveCase, members: list[Mention], sessions: Sessions) -> _Scored | None:
    """Score a story by its earliest member in the look-back that is not a price report."""
    causes = (m for m in members if PRICE_REPORT not in m.event_types)
    mention = next((m for m in causes if m.event_ns >= case.look_back_ns), None)
    if mention is None:
        return None
    time, leg = max(
        ((_time_factor(leg, mention, sessions), leg) for leg in case.legs),
        key=lambda pair: (pair[0], -pair[1].ts_ns),
    )
    factors = {
        "relevance": mention.relevance,
        "source": SOURCE.get(mention.tier, UNKNOWN_SOURCE),
        "novelty": _novelty(mention, members),
        "event": max(
            (EVENT_PRIOR.get(t, OTHER_PRIOR) for t in mention.event_types), default=OTHER_PRIOR
        ),
        "time": time,
        "agreement": _agreement(case.legs[-1], mention),
    }
    q = 1.0
    for factor in factors.values():
        q *= factor
    lag = leg.onset_ns - mention.event_ns
    late, led = _order(leg, mention, sessions)
    rounded = {name: round(value, 6) for name, value in factors.items()}
    return _Scored(q, mention, rounded, lag, late, led, len(members) - 1)


def _novelty(mention: Mention, members: list[Mention]) -> float:
    key = (mention.event_ns, mention.headline_id)
    since = mention.event_ns - NOVELTY_NS
    earlier = sum(1 for m in members if m.event_ns >= since and (m.event_ns, m.headline_id) < key)
    return float(NOVELTY_BASE**earlier)


def _lead_minutes(leg: Leg, mention: Mention, sessions: Sessions) -> float:
    """Return onset minus event in trading minutes; negative: the price moved first."""
    return (
        sessions.trading_time(leg.onset_ns) - sessions.trading_time(mention.event_ns)
    ) / MINUTE_NS


def _delay_minutes(mention: Mention) -> float:
    """Return how far behind the fact this feed's stamp may be: declared delay and precision."""
    precision = mention.precision_s if mention.precision_s > 1 else 0
    return (mention.delay_s + precision) * SECOND_NS / MINUTE_NS


def _time_factor(leg: Leg, mention: Mention, sessions: Sessions) -> float:
    lead = _lead_minutes(leg, mention, sessions)
    if lead >= 0.0:
        return exp(-lead / BEFORE_MINUTES)
    return exp(-max(0.0, -lead - _delay_minutes(mention)) / AFTER_MINUTES)


def _agreement(leg: Leg, mention: Mention) -> float:
    abnormal = leg.day_return - (leg.market_return or 0.0)
    sign = (abnormal > 0.0) - (abnormal < 0.0)
    return 0.25 + 0.75 * (1.0 + sign * (mention.direction or 0.0)) / 2.0


def _order(leg: Leg, mention: Mention, sessions: Sessions) -> tuple[bool, bool]:
    """Return (late feed, price led): whether the price moved within or beyond the feed's delay."""
    lead, delay = _lead_minutes(leg, mention, sessions), _delay_minutes(mention)
    late = -delay <= lead < 0.0
    led = lead < -delay and mention.event_ns >= leg.half_ns
    return late, led


def _candidate(scored: _Scored, total: float) -> Candidate:
    mention = scored.mention
    return Candidate(
        story_id=mention.story_id,
        headline_id=mention.headline_id,
        title=mention.title,
        source=mention.source,
        url=mention.url,
        event_ns=mention.event_ns,
        lag_s=round(scored.lag_ns / SECOND_NS, 6),
        share=round(scored.q / total, 6),
        event_types=mention.event_types,
        direction=mention.direction,
        factors={**scored.factors, "q": round(scored.q, 6)},
        copies=scored.copies,
    )
