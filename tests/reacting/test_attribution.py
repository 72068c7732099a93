"""The properties an attribution must have (finance guide, section 3), over arbitrary news."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.reacting.attribution import Leg, MoveCase, attribute, look_back
from agents.reacting.news import News
from agents.reacting.sessions import Sessions
from streams.events import DAY_NS, MINUTE_NS, SECOND_NS, Attribution, Mention
from streams.reference.calendars import calendar_for
from tests.strategies import mention

SESSIONS = Sessions(calendar_for("XNYS"))
NOW = 1_758_726_000 * SECOND_NS  # 24 September 2025, 15:00 UTC: regular phase in New York
TYPES = ("earnings", "capex_expansion", "product", "macro_sector", "price_report")
ROUNDING = 1e-5


def case(market: float | None = 0.004, day: float = 0.08, half_ns: int = NOW) -> MoveCase:
    leg = Leg(NOW, 8, NOW - 20 * MINUTE_NS, half_ns, day, market)
    return MoveCase((leg,), look_back(NOW, SESSIONS), None)


@st.composite
def mentions(draw: st.DrawFn) -> list[Mention]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        minutes = draw(st.integers(-60, 2000))
        made.append(
            mention(
                f"h{number}",
                "ALIBABA",
                NOW - minutes * MINUTE_NS,
                story_id=f"s{draw(st.integers(0, 4))}",
                relevance=draw(st.sampled_from((0.3, 0.7, 1.0))),
                direction=draw(st.sampled_from((None, -1.0, 0.0, 0.6))),
                event_types=tuple(draw(st.lists(st.sampled_from(TYPES), max_size=2, unique=True))),
                tier=draw(st.sampled_from(("wire", "outlet", "unknown"))),
                precision_s=draw(st.sampled_from((1, 60))),
            )
        )
    return made


def explained(items: list[Mention], what: MoveCase | None = None) -> Attribution:
    news = News()
    for item in items:
        news.learn(item)
    return attribute(what or case(), news, SESSIONS)


def share_of(attribution: Attribution, story: str) -> float:
    return sum(c.share for c in attribution.candidates if c.story_id == story)


@given(mentions())
def test_shares_sum_to_one_and_lie_between(items: list[Mention]) -> None:
    found = explained(items)
    parts = [found.market_share, found.unexplained_share, *(c.share for c in found.candidates)]
    assert sum(parts) == pytest.approx(1.0, abs=1e-9)
    assert all(0.0 <= part <= 1.0 for part in parts)
    assert [c.share for c in found.candidates] == sorted(
        (c.share for c in found.candidates), reverse=True
    )


@given(mentions(), st.integers(0, 2**32))
def test_the_order_of_arrival_does_not_matter(items: list[Mention], seed: int) -> None:
    shuffled = items.copy()
    Random(seed).shuffle(shuffled)
    assert explained(items) == explained(shuffled)


@given(mentions())
def test_a_price_report_is_never_a_cause(items: list[Mention]) -> None:
    reports = {m.headline_id for m in items if "price_report" in m.event_types}
    assert not reports & {c.headline_id for c in explained(items).candidates}


@given(mentions(), st.integers(1, 600))
def test_copies_are_listed_but_never_weighed(items: list[Mention], later: int) -> None:
    before = explained(items)
    for cause in before.candidates:
        original = next(m for m in items if m.headline_id == cause.headline_id)
        copy = msgspec.structs.replace(
            original, headline_id="zz", event_ns=original.event_ns + later * SECOND_NS
        )
        after = explained([*items, copy])
        assert share_of(after, cause.story_id) == pytest.approx(cause.share, abs=ROUNDING)
        assert next(c for c in after.candidates if c.story_id == cause.story_id).copies == (
            cause.copies + 1
        )


def test_no_news_leaves_all_but_the_market_unexplained() -> None:
    found = explained([])
    assert found.candidates == ()
    assert found.unexplained_share == pytest.approx(1 - found.market_share)
    assert found.market_share == pytest.approx(0.05 / 0.15, abs=1e-6)  # |.004/.08| beside q0 = .10
    assert explained([], case(market=None)).flags == ("no_benchmark",)


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ({"relevance": 0.4}, {"relevance": 0.9}),
        ({"tier": "unknown"}, {"tier": "outlet"}),
        ({"event_types": ("product",)}, {"event_types": ("capex_expansion",)}),
        ({"direction": -0.5}, {"direction": 0.5}),
        ({"direction": None}, {"direction": 0.5}),
        ({"event_ns": NOW - 90 * MINUTE_NS}, {"event_ns": NOW - 25 * MINUTE_NS}),
        ({"event_ns": NOW + 5 * MINUTE_NS}, {"event_ns": NOW - 18 * MINUTE_NS}),
    ],
)
def test_each_factor_raises_the_share(weaker: dict[str, Any], stronger: dict[str, Any]) -> None:
    base: dict[str, Any] = {"event_ns": NOW - 25 * MINUTE_NS, "tier": "outlet", "direction": 0.5}
    base |= {"event_types": ("product",), "relevance": 0.9}
    shares = [
        explained([mention("h", "ALIBABA", **{**base, **change})]).candidates[0].share
        for change in (weaker, stronger)
    ]
    assert shares[0] < shares[1]


def test_formula_by_hand() -> None:
    one = mention(
        "h",
        "ALIBABA",
        NOW - 35 * MINUTE_NS,
        relevance=0.9,
        tier="outlet",
        event_types=("capex_expansion",),
        direction=0.5,
    )
    found = explained([one]).candidates[0]
    # 15 minutes before the onset: T = exp(-1); A = .25 + .75 * 1.5 / 2
    assert found.factors["time"] == pytest.approx(0.367879, abs=1e-6)
    assert found.factors["agreement"] == pytest.approx(0.8125)
    q = 0.9 * 0.9 * 1.0 * 0.9 * 0.36787944 * 0.8125
    assert found.share == pytest.approx(q / (0.10 + 0.05 + q), abs=1e-6)
    assert found.lag_s == 15 * 60


def test_news_behind_the_price_is_said_plainly() -> None:
    onset = NOW - 20 * MINUTE_NS
    late = mention("h", "ALIBABA", onset + 30 * SECOND_NS, precision_s=60)
    assert explained([late]).late_feed
    assert not explained([late]).price_led
    led = mention("h", "ALIBABA", onset + 15 * MINUTE_NS)
    assert explained([led], case(half_ns=onset + 5 * MINUTE_NS)).price_led
    assert not explained([led], case(half_ns=NOW)).price_led


def test_a_deletion_removes_the_candidate_and_a_late_revision_does_not_restore_it() -> None:
    one = mention("h", "ALIBABA", NOW - 25 * MINUTE_NS)
    gone = msgspec.structs.replace(one, action="deleted", revision=2)
    late = msgspec.structs.replace(one, revision=1)
    assert len(explained([one]).candidates) == 1
    assert explained([one, gone]).candidates == ()
    assert explained([one, gone, late]).candidates == ()


def test_look_back_reaches_over_a_weekend() -> None:
    monday = 1_758_549_600 * SECOND_NS  # 22 September 2025, 14:00 UTC
    friday_close = 1_758_312_000 * SECOND_NS  # 19 September, 20:00 UTC
    assert look_back(monday, SESSIONS) == friday_close
    assert look_back(NOW, SESSIONS) == NOW - DAY_NS
