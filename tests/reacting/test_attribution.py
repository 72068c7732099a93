"""What an alert says of its causes, through the engine: paths, market, evidence, updates."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from agents.reacting.config import DailyRow, EngineConfig
from agents.reacting.engine import Engine
from agents.reacting.explaining.attribution import is_worth_telling
from agents.reacting.explaining.path import borders
from streams.events import SECOND_NS, Alert, Clock, Flag, Mention
from tests.oracle.hand import BABA, CLOSE_23, D23, SPY, at, listing, trade
from tests.oracle.rows import Row, frame_of
from tests.strategies import calendars, mention

FIELDS = CLOSE_23._asdict() | {"split": None}
DAILY = (DailyRow(**FIELDS), DailyRow(listing=SPY, date=D23, close=500_000_000))


def engine_of() -> Engine:
    names = (BABA, SPY)
    return Engine(
        EngineConfig(
            listings=tuple(map(listing, names)),
            calendars=calendars(),
            benchmark=SPY,
            daily=DAILY,
        )
    )


def point(clock: str, dollars: float) -> Row:
    """Return a completed second of the benchmark."""
    start = at(clock)
    price = round(dollars * 1_000_000)
    whole = {"high": price, "low": price, "open": price}
    return Row(SPY, start + SECOND_NS - 1, price, 10, Flag.point, "", start_ns=start, **whole)


def apply(engine: Engine, *records: Any) -> list[Alert]:
    found = []
    for number, record in enumerate(records):
        frame = frame_of([record], "", number) if isinstance(record, Row) else record
        found += [o for o in engine.apply(frame) if isinstance(o, Alert)]
    return found


def clock(text: str) -> Clock:
    return Clock(ts_ns=at(text))


def told(name: str, when: str, **more: Any) -> Mention:
    given = {"event_types": ("earnings",), "direction": 0.6, "tier": "wire", **more}
    return mention(name, "ALIBABA", at(when), **given)


def jump(start: int, dollars: float) -> list[Row]:
    """Return three rows that agree on a price, by which the filter lets them pass."""
    return [trade(f"13:30:0{start + k}", dollars + k / 100) for k in range(3)]


def moved(*news: Mention) -> tuple[Engine, list[Alert]]:
    """Return an engine that had news overnight and then opened 4 % up, the market not yet priced."""
    engine = engine_of()
    found = apply(engine, clock("13:00:00"), *news, clock("13:29:59"), *jump(1, 104.0))
    return engine, found


def test_overnight_news_explains_the_gap_and_the_sentence_adds_up() -> None:
    _, (opened,) = moved(told("results", "05:00:00"))
    why = opened.attribution
    (cause,) = why.candidates
    # R = 1, C = 1, N = 1, E = 1, A = 1 beside an unexplained of .25: 1 / 1.25
    assert cause.share == pytest.approx(0.8, abs=1e-5)
    assert cause.factors["weight"] == 1.0
    assert cause.lag_s == pytest.approx(8.5 * 3600 + 3)
    assert why.flags == ("beta_assumed", "no_benchmark")
    assert why.market_return_bps is None
    assert "opened 09:30:03 New York time in the regular phase" in opened.sentence
    assert 'most likely "title of results" (80 %)' in opened.sentence
    assert opened.sentence.endswith("market (not known) 0 %, unexplained 20 %.")
    (step,) = opened.timeline
    assert step.causes["results"] == pytest.approx(0.8 * step.return_bps, rel=1e-3)


def test_the_market_is_read_again_when_its_first_point_comes() -> None:
    engine, _ = moved()
    quiet = apply(engine, *(clock(f"13:30:{second}") for second in range(10, 59)))
    assert quiet == []
    seconds = (clock("13:32:10"), point("13:32:10", 503.0), clock("13:32:12"), clock("13:33:08"))
    assert apply(engine, *seconds) == []
    (updated,) = apply(engine, clock("13:34:20"))
    assert updated.transition == "updated"
    assert updated.attribution.market_return_bps == pytest.approx(60.0)
    assert updated.attribution.market_share == pytest.approx(0.1525, abs=0.001)
    assert "with the market (+0.60 %) 15 %, unexplained 85 %." in updated.sentence
    assert "no clear cause" in updated.sentence
    assert apply(engine, clock("13:50:00")) == []


def test_a_market_that_went_the_other_way_has_no_share() -> None:
    engine, _ = moved()
    assert apply(engine, point("13:30:03", 497.0), clock("13:30:05"), clock("13:32:00")) == []
    (news,) = apply(engine, told("results", "05:00:00"))
    assert news.attribution.market_share == 0.0
    assert "against_market" in news.attribution.flags
    assert "against the market (-0.60 %) 0 %" in news.sentence


def test_only_what_changes_the_picture_is_told() -> None:
    engine, (opened,) = moved(told("results", "05:00:00"))
    small = told("launch", "06:00:00", event_types=("product",), direction=None, tier="unknown")
    assert apply(engine, small) == []
    copy = told("copy", "07:00:00", story_id="results")
    assert apply(engine, copy) == []
    (merger,) = apply(engine, told("merger", "08:00:00", event_types=("clinical",)))
    assert [c.headline_id for c in merger.attribution.candidates] == ["results", "merger", "launch"]
    assert merger.attribution.candidates[0].copies == 1
    assert 'several causes, first "title of results"' in merger.sentence
    assert not is_worth_telling(merger.attribution, merger.attribution)
    assert is_worth_telling(opened.attribution, merger.attribution)


def test_a_deletion_removes_the_candidate_and_a_late_revision_does_not_restore_it() -> None:
    one = told("results", "05:00:00")
    engine, _ = moved(one)
    gone = msgspec.structs.replace(one, action="deleted", revision=2)
    (updated,) = apply(engine, gone)
    assert updated.attribution.candidates == ()
    assert updated.attribution.unexplained_share == 1.0
    assert apply(engine, msgspec.structs.replace(one, revision=1)) == []


@pytest.mark.parametrize("kind", ["price_report", "opinion", "no_news"])
def test_a_silent_title_is_never_a_cause(kind: str) -> None:
    _, (opened,) = moved(told("report", "13:00:00", event_types=("mna", kind)))
    assert opened.attribution.candidates == ()


def test_news_behind_the_price_is_said_plainly() -> None:
    late = told("late", "13:32:00", delay_s=600)
    led = told("led", "13:45:00", witness=True)
    engine, _ = moved()
    (updated,) = apply(engine, late)
    assert (updated.attribution.late_feed, updated.attribution.price_led) == (True, False)
    assert updated.attribution.candidates[0].lag_s < 0
    engine, _ = moved()
    (updated,) = apply(engine, led)
    assert (updated.attribution.late_feed, updated.attribution.price_led) == (False, True)
    assert updated.sentence.endswith("The price moved before the news.")


def test_of_equal_causes_none_leads_and_the_percents_sum_to_100() -> None:
    news = [told(f"m{k}", f"0{k}:00:00", event_types=("mna",)) for k in range(3, 9)]
    _, (opened,) = moved(*news)
    causes = opened.sentence[opened.sentence.index("): ") :]
    assert sum(map(int, re.findall(r"(\d+) %", causes))) == 100
    assert "several causes" in causes


def test_quiet_steps_are_joined_about_the_largest() -> None:
    sizes = [0.0, 0.1, 0.2, 5.0, 0.1, -7.0, 0.3, 0.1, 0.1, 0.1]
    assert borders(sizes, 2) == [0, 1, 3, 4, 5, 6, 10]
    assert borders(sizes, 4) == list(range(11))


def test_evidence_that_comes_and_goes_makes_no_state_twice() -> None:
    """Three states at one instant: each has a stamp of its own, so that none passes for another."""
    engine, (opened,) = moved(told("first", "05:00:00"))
    second = told("second", "06:00:00", event_types=("clinical",))
    gone = msgspec.structs.replace(second, revision=1, action="deleted")
    again = msgspec.structs.replace(second, revision=2, action="updated")
    states = [opened, *apply(engine, second, gone, again)]
    assert [each.transition for each in states[1:]] == ["updated"] * 3
    stamps = [each.updated_ns for each in states]
    assert stamps == sorted(set(stamps))
