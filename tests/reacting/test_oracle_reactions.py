"""The oracle's reactions against cases worked out by hand: 24 and 25 September 2025, all times UTC.

New York: pre 08:00, regular 13:30-20:00, post to 24:00. BABA closed at $100 on the 23rd.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from streams.events import Flag
from tests.oracle import Oracle
from tests.oracle.hand import (
    BABA,
    SPY,
    at,
    clock,
    feed,
    oracle,
    trade,
)
from tests.strategies import mention


def reaction(one: Oracle, horizon: str) -> dict[str, Any]:
    found = [r for r in one.reactions if r["horizon"] == horizon]
    assert len(found) == 1
    return found[0]


def minute_trades(one: Oracle, count: int) -> Oracle:
    """Feed one trade of 10 shares each minute from 13:30:30: $100, $100.1 in turn."""
    for k in range(count):
        text = f"{13 + (30 + k) // 60}:{(30 + k) % 60:02}:30"
        feed(one, trade(text, 100.1 if k % 2 else 100, 10))
    return one


def test_a_reaction_in_regular_hours() -> None:
    one = oracle(BABA, SPY)
    minute_trades(one, 60)  # to 14:29:30, which traded at 100.1
    feed(
        one,
        trade("14:29:50", 600, name=SPY, flags=Flag.point),
        mention("h", "ALIBABA", at("14:30:00.25")),
        trade("14:30:10", 100.5, 40),
        trade("14:30:40", 100.7, 20),
        trade("14:30:55", 603, name=SPY, flags=Flag.point),
        trade("14:31:02", 100.9),
        clock("14:31:02.9"),
    )
    assert one.reactions == []
    feed(one, clock("14:31:03"))
    r = reaction(one, "1m")
    assert (r["start_ns"], r["due_ns"]) == (at("14:30:00.25"), at("14:31:00.25"))
    assert (r["reference_price"], r["reference_age_s"]) == (100.1, 29.25)
    # Read at 14:31:01, so the row of 14:31:02 is not seen.
    assert r["price"] == 100.7
    assert r["return_bps"] == pytest.approx((100.7 / 100.1 - 1) * 1e4, abs=1e-6)
    assert r["abnormal_bps"] == pytest.approx(r["return_bps"] - 50, abs=1e-6)
    assert r["path_high_bps"] == r["return_bps"]
    assert r["path_low_bps"] == pytest.approx((100.5 / 100.1 - 1) * 1e4, abs=1e-6)
    # 60 shares in the minute; the 60 minutes before saw 60 trades of 10.
    assert r["volume_surge"] == 6.0
    # 14:00:00.25 saw the trade of 13:59:30, minute 29: 100.1 too.
    assert r["drift_bps"] == 0.0
    # 59 alternating returns of about 10 bps: the clip of 4 sigma never binds.
    up, down = (0.001) ** 2, (1 / 1.001 - 1) ** 2
    variance = (10 * up + 10 * down) / 20
    for k in range(20, 59):
        variance = 0.94 * variance + 0.06 * (down if k % 2 else up)
    assert r["z"] == pytest.approx((100.7 / 100.1 - 1) / math.sqrt(variance), abs=1e-5)
    assert r["flags"] == ()


def test_an_overnight_reaction_starts_at_the_first_trade() -> None:
    one = feed(
        oracle(),
        trade("23:59:00", 100),
        mention("h", "ALIBABA", at("02:00:00", 25)),
        clock("08:10:00", 25),
        trade("08:10:00.5", 100.4, day=25),
        clock("08:10:02.9", 25),
    )
    assert [w.start_ns for w in one.issuers["ALIBABA"].watches] == [None]
    feed(one, clock("08:10:30", 25), trade("08:10:30", 100.6, day=25), clock("08:11:02", 25))
    r = reaction(one, "1m")
    assert (r["start_ns"], r["due_ns"]) == (at("08:10:00", 25), at("08:11:00", 25))
    # From the end of 23:59:00 to 24:00 are 59 s of trading time.
    assert (r["reference_price"], r["reference_age_s"]) == (100.0, 59.0)
    assert (r["price"], r["return_bps"], r["path_low_bps"]) == (100.6, 60.0, 40.0)
    assert r["flags"] == ("no_benchmark",)


def test_a_late_mention_is_answered_from_the_tape_as_if_on_time() -> None:
    rows = [trade("14:00:00", 100), trade("14:00:40", 100.5), trade("14:10:00", 100.2)]
    news = mention("h", "ALIBABA", at("14:00:10"))
    on_time = feed(oracle(), rows[0], news, *rows[1:], clock("14:10:05"))
    late = feed(oracle(), *rows, clock("14:10:05"), news)
    assert late.reactions == on_time.reactions
    assert [r["horizon"] for r in late.reactions] == ["1m", "5m"]
    assert reaction(late, "1m")["return_bps"] == 50.0


def test_a_mention_older_than_ninety_minutes_reads_minutes() -> None:
    one = feed(
        oracle(),
        trade("14:00:50", 100),
        trade("14:02:10", 100.5),
        trade("14:02:50", 100.4),
        trade("16:00:00", 100.2),
        clock("16:00:10"),
        mention("h", "ALIBABA", at("14:02:30")),
    )
    r = reaction(one, "1m")
    # 14:02 has not ended at the event: the newest minute is 14:00. It ends at 14:01.
    assert (r["reference_price"], r["reference_age_s"], r["price"]) == (100.0, 90.0, 100.4)
    assert (r["path_high_bps"], r["path_low_bps"]) == (50.0, 40.0)
    assert r["flags"] == ("coarse", "no_benchmark")


def test_the_close_is_answered_fifteen_minutes_after_the_regular_end() -> None:
    one = feed(
        oracle(),
        trade("19:00:00", 100),
        mention("h", "ALIBABA", at("19:30:00")),
        trade("19:50:00", 100.6),
        trade("20:05:00", 100.8, flags=Flag.official_close),
        trade("20:15:00.5", 100.7, flags=Flag.corrected_close),
        clock("20:15:02"),
    )
    r = reaction(one, "session_close")
    assert (r["due_ns"], r["price"], r["path_high_bps"]) == (at("20:15:00"), 100.8, 60.0)


def test_the_final_clock_writes_what_was_not_due_without_a_price() -> None:
    one = feed(
        oracle(),
        trade("14:00:00", 100),
        mention("h", "ALIBABA", at("14:00:10")),
        mention("night", "ALIBABA", at("02:00:00", 25)),
        clock("14:01:20"),
        clock("14:01:21", final=True),
    )
    answered = [r for r in one.reactions if "no_trade" not in r["flags"]]
    assert [(r["headline_id"], r["horizon"]) for r in answered] == [("h", "1m")]
    assert answered[0]["flags"] == ("no_benchmark", "untraded")
    missing = [r for r in one.reactions if "no_trade" in r["flags"]]
    assert len(missing) == 4 + 5
    for r in missing:
        assert (r["price"], r["return_bps"], r["z"], r["path_high_bps"]) == (None,) * 4
        assert r["reference_price"] == 100.0
    assert {r["start_ns"] for r in missing if r["headline_id"] == "night"} == {None}


def test_a_revision_and_a_repeat_open_no_second_reaction() -> None:
    news = mention("h", "ALIBABA", at("14:00:10"))
    again = mention("h", "ALIBABA", at("14:00:10"), revision=1, action="updated")
    gone = mention("x", "ALIBABA", at("14:00:10"), action="deleted")
    one = feed(oracle(), news, news, again, gone, clock("14:00:20", final=True))
    assert len(one.reactions) == 5
