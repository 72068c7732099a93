"""What a look from outside sees of an engine, against the same said in plain loops; it disturbs nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from agents.reacting.engine import Engine
from agents.reacting.tapes.points import HIGH, LAST, LOW, SECOND
from agents.reacting.view import ListingView, listing_views, open_alerts
from streams.events import SECOND_NS, Alert, Clock, Phase, TickFrame
from tests.oracle.closes import DailyRow
from tests.reacting.test_parity import config_of
from tests.strategies import LISTINGS, MarketLog, market_logs

SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
OPEN_NS = 1_758_720_600 * SECOND_NS  # 24 September 2025, 13:30 UTC: the opening in New York
NEW_YORK = LISTINGS[0].listing
DOLLAR = 1_000_000


def engine_of(*rows: tuple[float, float]) -> Engine:
    """Return an engine that has seen trades of one line: (seconds after the opening, dollars)."""
    log = MarketLog(LISTINGS[:1], (DailyRow(NEW_YORK, 20_354, 100 * DOLLAR),), ())
    engine = Engine(config_of(log))
    for number, (second, dollars) in enumerate(rows):
        ts_ns = OPEN_NS + round(second * SECOND_NS)
        engine.apply(Clock(ts_ns=ts_ns // SECOND_NS * SECOND_NS))
        engine.apply(
            TickFrame(
                run="r",
                first_seq=number,
                listings=(NEW_YORK,),
                listing=np.zeros(1, np.int32),
                ts_ns=np.array([ts_ns], np.int64),
                price=np.array([round(dollars * DOLLAR)], np.int64),
                size=np.array([100], np.int64),
                flags=np.zeros(1, np.int32),
            )
        )
    return engine


def seen(engine: Engine) -> ListingView:
    (row,) = listing_views(engine, [0])
    return row


def test_before_anything_nothing_is_known() -> None:
    row = seen(engine_of())
    assert row.price is row.previous_close is row.last_tick_ns is None
    assert row.day_move() is row.move(60) is row.extreme() is None
    assert row.phase is Phase.closed


def test_the_first_trade_is_measured_by_the_previous_close() -> None:
    row = seen(engine_of((0.25, 100.5)))
    assert (row.price, row.previous_close) == (100_500_000, 100_000_000)
    assert row.last_tick_ns == OPEN_NS + SECOND_NS // 4
    assert row.phase is Phase.regular
    assert row.day_move() == row.move(60) == row.move(300) == row.extreme() == 0.005


def test_windows_reach_back_by_event_time() -> None:
    engine = engine_of((0, 100.0), (30, 100.4), (61, 100.8), (90, 100.6))
    row = seen(engine)
    assert row.move(60) == pytest.approx(0.006)  # second 30 ends too late: 100.0 is the base
    assert row.move(300) == pytest.approx(0.006)  # against the previous close
    assert row.extreme() == pytest.approx(0.008)  # 100.8 against 100.0
    engine.apply(Clock(ts_ns=OPEN_NS + 91 * SECOND_NS))
    assert seen(engine).move(60) == pytest.approx(100.6 / 100.4 - 1)
    engine.apply(Clock(ts_ns=OPEN_NS + 600 * SECOND_NS))
    row = seen(engine)
    assert row.move(60) == row.move(300) == row.extreme() == 0.0
    assert row.day_move() == pytest.approx(0.006)


def test_a_spike_between_two_looks_is_kept_for_a_minute() -> None:
    rows = [(s, 100.0) for s in range(10)]
    spike = [(10, 100.5), (10.1, 100.9), (10.2, 100.7), (10.9, 100.1)]
    row = seen(engine_of(*rows, *spike, *((s, 100.0) for s in range(11, 60))))
    assert row.price == 100 * DOLLAR
    assert row.extreme() == pytest.approx(0.009)
    row = seen(engine_of(*rows, *spike, *((s, 100.0) for s in range(11, 72))))
    assert row.extreme() == pytest.approx(-0.001 / 1.001)  # what second 70 stands to second 10


def test_points_of_event_time_are_final_and_rise() -> None:
    engine = engine_of(*((s + f, 100 + s / 100 + f / 100) for s in range(50) for f in (0.1, 0.6)))
    row = seen(engine)
    points = row.final_points(row.now_ns - 30 * SECOND_NS, 2 * SECOND_NS)
    times = [ts_ns for ts_ns, _ in points]
    assert times == [OPEN_NS + s * SECOND_NS + 600_000_000 for s in range(19, 47)]
    assert points[0][1] == 100_196_000


def by_loops(row: ListingView) -> tuple[float | None, float | None]:
    """Return the move and the extreme of a minute, said in plain loops."""
    points = [dict(zip((SECOND, LAST, HIGH, LOW), column, strict=False)) for column in row.points.T]

    def price_at(end_s: int) -> int | None:
        ended = [p[LAST] for p in points if p[SECOND] + 1 <= end_s]
        return int(ended[-1]) if ended else row.previous_close

    if row.price is None:
        return None, None
    now_s = row.now_ns // SECOND_NS
    base = price_at(now_s - 60)
    move = (row.price - base) / base if base else None
    best, any_traded = None, False
    for point in points:
        if point[SECOND] <= now_s - 60:
            continue
        any_traded = True
        if before := price_at(point[SECOND] + 1 - 60):
            for edge in (point[HIGH], point[LOW]):
                ratio = float((edge - before) / before)
                best = ratio if best is None or abs(ratio) > abs(best) else best
    return move, best if any_traded else 0.0


@SLOW
@given(market_logs())
def test_whatever_happens_it_agrees_with_loops_and_disturbs_nothing(log: MarketLog) -> None:
    watched, alone = Engine(config_of(log)), Engine(config_of(log))
    open_ids: dict[str, str] = {}
    for record in log.records:
        outputs = watched.apply(record)
        for row in listing_views(watched, range(len(log.listings))):
            move, extreme = by_loops(row)
            assert row.move(60) == move
            found = row.extreme()
            assert (found is None) is (extreme is None)
            if found is not None and extreme is not None:
                assert abs(found) == pytest.approx(abs(extreme), abs=1e-12)
        assert outputs == alone.apply(record)
        for alert in (each for each in outputs if isinstance(each, Alert)):
            if alert.state == "open":
                open_ids[alert.alert_id] = alert.rule
            else:
                open_ids.pop(alert.alert_id, None)
        assert open_alerts(watched).total() == len(open_ids)
    assert watched.snapshot() == alone.snapshot()
