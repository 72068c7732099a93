"""The oracle against cases worked out by hand: 24 and 25 September 2025, all times UTC.

New York: pre 08:00, regular 13:30-20:00, post to 24:00. BABA closed at $100 on the 23rd.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import SECOND_NS, Clock, Flag
from tests.oracle import DailyRow, Oracle
from tests.oracle.hand import (
    BABA,
    CLOSE_23,
    D24,
    D25,
    DOLLAR,
    HK,
    at,
    clock,
    feed,
    oracle,
    trade,
)
from tests.oracle.rows import Row, frame_of
from tests.strategies import MarketLog, calendars, market_logs, reframe

MINUTE = 60 * SECOND_NS


def levels(one: Oracle) -> list[tuple[str, int, int, float]]:
    return [(m["direction"], m["level_pct"], m["ts_ns"], m["price"]) for m in one.moves]


def test_a_lone_bad_print_is_rejected_and_moves_nothing() -> None:
    one = feed(oracle(), trade("14:00:00", 100), trade("14:00:01", 112), trade("14:00:02", 100.1))
    assert one.rejects == [{"reason": "bad_tick", "listing": BABA, "ts_ns": at("14:00:01")}]
    assert one.moves == []
    assert [p.last for p in one.lines[BABA].tape.points] == [100 * DOLLAR, 100_100_000]


def test_a_jump_of_three_agreeing_rows_opens_once_at_the_releasing_row() -> None:
    one = feed(
        oracle(),
        trade("14:00:00", 100),
        trade("14:00:01", 108.2),
        trade("14:00:02", 108.0),
        trade("14:00:03", 108.4),
        trade("14:00:04", 110.0, exchange="N"),
        trade("14:00:04", 110.0, exchange="N"),
        trade("14:00:05", 110.0, exchange="N"),
    )
    released = at("14:00:03")
    assert levels(one) == [("up", level, released, 108.2) for level in (3, 5, 8)]
    # 110 is 1.5 % on: three of one price on one exchange stay held.
    assert len(one.lines[BABA].held) == 3
    feed(one, trade("14:00:06", 110.0, exchange="P"))
    assert levels(one)[3:] == [("up", 10, at("14:00:06"), 110.0)]
    key = (BABA, "2025-09-24", "up")
    assert one.alerts == {key: [("opened", released, 8), ("escalated", at("14:00:06"), 10)]}
    feed(one, clock("00:00:01.9", 25))
    assert len(one.alerts[key]) == 2
    feed(one, clock("00:00:02", 25))
    assert one.alerts[key][2] == ("resolved", at("00:00:00", 25), 10)


def test_an_expired_row_becomes_the_price_and_opens_nothing() -> None:
    one = feed(oracle(), trade("14:00:00", 100), trade("14:00:10.5", 106), clock("14:01:12"))
    assert one.moves == []
    assert one.lines[BABA].held
    feed(one, clock("14:01:12.5"))
    assert (one.moves, one.lines[BABA].held) == ([], [])
    point = one.lines[BABA].tape.points[-1]
    assert (point.start_ns, point.last) == (at("14:01:10"), 106 * DOLLAR)
    assert (point.high, point.low, point.volume) == (100 * DOLLAR, 100 * DOLLAR, 0)
    # It is the reference from now on: 106.5 is near, and opens 3 and 5.
    feed(one, clock("14:02:00"), trade("14:02:00", 106.5))
    assert [m["level_pct"] for m in one.moves] == [3, 5]


def test_two_rows_expiring_in_succession_open_what_both_are_beyond() -> None:
    one = feed(
        oracle(),
        trade("14:00:00", 100),
        trade("14:00:10", 105.5),
        trade("14:00:50", 109),
        clock("14:10:00"),
    )
    due = at("14:01:50")
    assert levels(one) == [("up", 3, due, 109.0), ("up", 5, due, 109.0)]
    assert {m["flags"] for m in one.moves} == {("thin",)}
    assert one.alerts == {(BABA, "2025-09-24", "up"): [("opened", due, 5)]}


def test_a_bar_tests_its_high_then_its_low_at_its_end() -> None:
    end = at("14:01:00") - 1
    bar = Row(
        BABA, end, 100 * DOLLAR, 500, Flag.bar, "",
        99 * DOLLAR, 103 * DOLLAR, 94_900_000, at("14:00:00"),
    )  # fmt: skip
    one = feed(oracle(), bar)
    assert levels(one) == [("up", 3, end, 103.0), ("down", 3, end, 94.9), ("down", 5, end, 94.9)]
    assert {m["session"] for m in one.moves} == {"regular"}


@pytest.mark.parametrize(
    ("official", "expected"),
    [
        ((), 101.0),
        ((("20:00:01", 101.5, 10, Flag.official_close),), 101.5),
        (
            (
                ("20:00:01", 101.5, 10, Flag.official_close),
                ("20:00:02", 101.6, 90, Flag.official_close),
                ("20:00:03", 101.7, 10, Flag.official_close),
            ),
            101.6,
        ),
        (
            (
                ("20:00:02", 101.6, 90, Flag.official_close),
                ("20:00:05", 101.4, 1, Flag.corrected_close),
            ),
            101.4,
        ),
    ],
)
def test_the_roll_takes_the_official_close_else_the_last_regular_row(
    official: tuple[tuple[str, float, int, Flag], ...], expected: float
) -> None:
    prints = [trade(t, dollars, size, flags=flags) for t, dollars, size, flags in official]
    one = feed(oracle(), trade("19:59:59", 101), *prints, trade("20:30:00", 101.2))
    feed(one, trade("08:00:01", 101.2, day=25))
    day = one.lines[BABA].day
    assert day is not None
    assert (day.date, day.previous_close) == (D25, round(expected * DOLLAR))


def test_the_previous_close_is_adjusted_for_dividend_and_split() -> None:
    daily = (CLOSE_23, DailyRow(BABA, D24, None, 2.0, 3 * DOLLAR), DailyRow(BABA, D25, None, 4.0))
    one = oracle(daily=daily)
    assert one.lines[BABA].previous_close(D24) == 48_500_000  # (100 - 3) / 2
    assert one.lines[BABA].previous_close(D25) == 12_125_000  # and / 4
    feed(one, trade("19:59:59", 48.6), trade("13:30:00", 12.2, day=25))
    assert one.lines[BABA].previous_close(D25) == 12_150_000  # 48.6 / 4


def test_rows_behind_the_watermark_or_out_of_time_are_rejected() -> None:
    one = feed(
        oracle(),
        clock("14:00:00"),
        trade("14:00:04", 100),
        trade("14:00:02", 100.1),
        trade("14:00:01.999", 100.2),
        trade("14:00:05", 100),
        trade("14:00:05.1", 100),
        trade("14:00:05", 0),
        trade("14:00:05", 1, name="NOBODY.XNYS"),
        trade("14:00:05", 100)._replace(ts_ns=1),
    )
    reasons = [r["reason"] for r in one.rejects]
    assert reasons == ["late", "future", "bad_price", "unknown_listing", "past"]
    assert len(one.lines[BABA].tape.points) == 3


def test_closed_rows_are_counted_and_repeats_dropped() -> None:
    one = feed(oracle(), trade("02:00:00", 100))
    assert (one.out.ineligible, one.moves, one.lines[BABA].day) == (1, [], None)
    frame = frame_of([trade("14:00:00", 100, 10), trade("14:00:00", 100, 10)], "r", 1)
    feed(one, frame, frame, frame_of([trade("14:00:00", 100, 10)], "r", 5))
    assert one.lines[BABA].tape.points[0].volume == 30
    assert one.out.gaps == 1


def test_volume_rows_and_range_rows_set_no_last_price() -> None:
    silent = Flag.no_last | Flag.no_range
    one = feed(
        oracle(),
        trade("14:00:00", 100, 10),
        trade("14:00:03", 120, 5, flags=silent),
        trade("14:00:03", 120, 5, flags=Flag.extended),
        trade("14:00:03", 120, 5, flags=silent | Flag.no_volume),
        trade("14:00:04", 100.7, 5, flags=Flag.no_last),
        trade("14:00:05", 120, 5, flags=Flag.no_last),
        trade("14:00:06", 100.1, 7),
    )
    points = [(p.last, p.high, p.volume) for p in one.lines[BABA].tape.points]
    # The range row's own second has the reference as its last; what the volume rows brought
    # counts with the next accepted row.
    assert points == [
        (100 * DOLLAR, 100 * DOLLAR, 10),
        (100 * DOLLAR, 100_700_000, 5),
        (100_100_000, 100_100_000, 17),
    ]
    assert [r["ts_ns"] for r in one.rejects] == [at("14:00:05")]


def test_trading_time_leaves_out_lunch_and_night() -> None:
    venue = oracle(HK).lines[HK].venue
    # Hong Kong: regular 01:30-04:00 and 05:00-08:00, closing auction to 08:10.
    assert venue.elapsed(at("03:59:00"), at("05:01:00")) == 2 * MINUTE
    assert venue.advance(at("03:59:00"), MINUTE) == at("04:00:00")
    assert venue.advance(at("03:59:00"), 2 * MINUTE) == at("05:01:00")
    assert venue.retreat(at("05:00:00"), MINUTE) == at("03:59:00")
    assert venue.next_close(at("08:00:00")) == (D25, at("08:00:00", 25))


def told(log: MarketLog, records: list[Any] | tuple[Any, ...]) -> Oracle:
    one = Oracle(log.listings, calendars(), log.daily, log.benchmark)
    for record in records:
        one.apply(record)
    return one


@given(market_logs(), st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_framing_means_nothing_and_the_final_clock_leaves_nothing(
    log: MarketLog, cuts: list[int]
) -> None:
    assert [r for r in log.records if isinstance(r, Clock) and r.final] == [log.records[-1]]
    one, other = told(log, log.records), told(log, reframe(log.records, cuts))
    assert one.out == other.out
    assert not any(issuer.watches for issuer in one.issuers.values())
