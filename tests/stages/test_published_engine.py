"""An engine's views: whole, never changed, once a second, and of this process's rows alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from agents.reacting.config import DailyRow, EngineConfig, Rule
from agents.reacting.engine import Engine
from agents.stages import published_engine
from agents.stages.published_engine import PublishedEngine
from streams.events import PRICE_SCALE, SECOND_NS, Clock, Listing, MarketRecord, TickFrame
from streams.reference.calendars import calendar_for

OPEN_NS = 1_758_720_600 * SECOND_NS  # 24 September 2025, 13:30 UTC: the opening in New York
END_NS = OPEN_NS + 14 * 86_400 * SECOND_NS  # after all that can fall due
DAY = 20_354  # the day before, in days since 1970
NAMES = ("A.XNYS", "B.XNYS")


class Time:
    """The clock that the pauses are measured by."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(published_engine, "elapsed_s", made)
    return made


def config() -> EngineConfig:
    listings = tuple(
        Listing(listing=n, issuer=n[0], symbol=n[0], mic="XNYS", currency="USD") for n in NAMES
    )
    daily = tuple(DailyRow(listing=n, date=DAY, close=100 * PRICE_SCALE) for n in NAMES)
    calendars = {"XNYS": calendar_for("XNYS")}
    return EngineConfig(listings=listings, calendars=calendars, daily=daily, rules=(Rule(),))


def ticks(second: int, *prices: float) -> TickFrame:
    count = len(prices)
    return TickFrame(
        run="",
        first_seq=0,
        listings=NAMES,
        listing=np.zeros(count, np.int32),
        ts_ns=np.full(count, OPEN_NS + second * SECOND_NS, np.int64) + np.arange(count),
        price=np.array([round(p * PRICE_SCALE) for p in prices], np.int64),
        size=np.full(count, 100, np.int64),
        flags=np.zeros(count, np.int32),
    )


def records() -> Iterator[MarketRecord]:
    """Yield a quiet start, a move of nine percent and the end."""
    for second in range(30):
        yield Clock(ts_ns=OPEN_NS + second * SECOND_NS)
        start = 100.0 if second < 15 else 109.0
        yield ticks(second, start, start + 0.01, start, start + 0.02)
    yield Clock(ts_ns=END_NS, final=True)


def test_it_says_what_the_engine_says_however_often_it_publishes(time: Time) -> None:
    plain, published = Engine(config()), PublishedEngine(config(), NAMES)
    opened = []
    for record in records():
        outputs = published.apply(record)
        published.publish()
        assert outputs == plain.apply(record)
        opened += list(published.view.alerts)
    assert ("day_move", "A.XNYS", "up") in opened
    assert published.snapshot() == plain.snapshot()


def test_a_view_is_made_at_the_first_record_and_once_a_second(time: Time) -> None:
    engine = PublishedEngine(config(), NAMES)
    assert [row.price for row in engine.view.listings] == [None, None]
    assert {row.phase.name for row in engine.view.listings} == {"closed"}
    engine.apply(Clock(ts_ns=OPEN_NS))
    assert engine.view.clock_ns == OPEN_NS
    engine.apply(ticks(0, 100.0))
    time.s += 0.9
    engine.apply(ticks(1, 100.1))
    assert engine.view.listings[0].price is None
    time.s += 0.1
    engine.apply(ticks(2, 100.2))
    assert engine.view.listings[0].price == 100_200_000
    assert engine.view.outcomes["accepted"] == 3


def test_the_final_clock_is_published_at_once(time: Time) -> None:
    engine = PublishedEngine(config(), NAMES)
    for record in records():
        engine.apply(record)
    assert engine.view.clock_ns == END_NS
    assert engine.view.outcomes["accepted"] == 120


def test_a_view_that_costs_much_is_made_less_often(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = PublishedEngine(config(), NAMES)
    whole = engine._viewed

    def slow() -> published_engine.EngineView:
        time.s += 0.015
        return whole()

    monkeypatch.setattr(engine, "_viewed", slow)
    engine.publish()  # 15 ms: not more than one in 3 s, for half a percent
    first = engine.view
    time.s += 2.9
    engine.apply(ticks(0, 100.0))
    assert engine.view is first
    time.s += 0.2
    engine.apply(ticks(1, 100.0))
    assert engine.view is not first


def test_a_view_never_changes(time: Time) -> None:
    engine = PublishedEngine(config(), NAMES)
    rest = records()
    for _, record in zip(range(20), rest, strict=False):
        engine.apply(record)
    engine.publish()
    view = engine.view
    before = [row._replace(points=row.points.copy()) for row in view.listings]
    counted = dict(view.outcomes)
    for record in rest:
        engine.apply(record)
    engine.publish()
    assert engine.view.outcomes["accepted"] > counted["accepted"]
    assert dict(view.outcomes) == counted
    for row, kept in zip(view.listings, before, strict=True):
        assert row[:-1] == kept[:-1]
        assert np.array_equal(row.points, kept.points)


def test_only_open_alerts_are_in_a_view(time: Time) -> None:
    engine = PublishedEngine(config(), NAMES)
    for record in records():
        engine.apply(record)
        engine.publish()
        assert engine.view.alerts.total() <= 1
    assert engine.view.alerts == {}


def test_after_a_restore_only_rows_of_this_process_count(time: Time) -> None:
    first = PublishedEngine(config(), NAMES)
    steps = list(records())
    for record in steps[:20]:
        first.apply(record)
    second = PublishedEngine(config(), NAMES)
    second.publish()  # so that none is due for a second
    second.restore(first.snapshot())
    second.apply(steps[20])  # a Clock
    assert second.view.listings[0].price is not None
    assert second.view.outcomes.total() == 0
    second.apply(steps[21])
    second.publish()
    assert second.view.outcomes["accepted"] == 4
