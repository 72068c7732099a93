"""What the engine refuses, whoever sends it, and what it must bear all the same: each harmed it once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from agents.reacting.closes import DailyTable
from agents.reacting.config import DailyRow
from agents.reacting.engine import Engine
from agents.reacting.moves import OUT_OF_REACH, Ladder
from streams.bounds import HIGHEST_PRICE, LARGEST_SIZE
from streams.events import DAY_NS, SECOND_NS, Clock, Flag, MarketRecord, Output, Reaction, Reject
from tests.attack.records import frame
from tests.oracle.engine import Oracle
from tests.reacting.test_engine_machine import CONFIG, START_NS
from tests.strategies import BENCHMARK, CLOSES, LISTINGS, mention

NEW_YORK, ISSUER = LISTINGS[0].listing, LISTINGS[0].issuer
POINT = int(Flag.point)


def said(records: Sequence[MarketRecord]) -> list[Output]:
    """Return what comes of a log; the oracle refuses the same."""
    engine, oracle = Engine(CONFIG), Oracle(CONFIG.listings, CONFIG.calendars, benchmark=BENCHMARK)
    outputs = [output for record in records for output in engine.apply(record)]
    for record in records:
        oracle.apply(record)
    assert sorted(reasons(outputs)) == sorted(each["reason"] for each in oracle.rejects)
    return outputs


def reasons(outputs: Sequence[Output]) -> list[str]:
    return [each.reason for each in outputs if isinstance(each, Reject)]


def row(price: int, size: int = 1, flags: int = 0, listing: str = NEW_YORK) -> MarketRecord:
    return frame([(0, START_NS - SECOND_NS, price, size, flags)], (listing,))


@pytest.mark.parametrize("many", [1, 40])  # one by one, and in columns
@pytest.mark.parametrize(
    ("price", "size", "reason"),
    [
        (2**62, 1, "bad_price"),
        (2**63 - 1, 1, "bad_price"),
        (HIGHEST_PRICE + 1, 1, "bad_price"),
        (0, 1, "bad_price"),
        (-(2**63), 1, "bad_price"),
        (160_000_000, LARGEST_SIZE + 1, "bad_size"),
        (160_000_000, -1, "bad_size"),
        (160_000_000, 2**63 - 1, "bad_size"),
    ],
)
def test_rows_out_of_bounds(many: int, price: int, size: int, reason: str) -> None:
    rows = frame([(0, START_NS - SECOND_NS, price, size, 0)] * many, (NEW_YORK,))
    assert reasons(said([Clock(ts_ns=START_NS), rows])) == [reason] * many


def test_rows_at_the_bounds_are_taken() -> None:
    log = [Clock(ts_ns=START_NS), row(HIGHEST_PRICE, LARGEST_SIZE), row(1, LARGEST_SIZE)]
    assert set(reasons(said(log))) <= {"bad_tick"}


@pytest.mark.parametrize("column", ["open", "high", "low"])
def test_a_bar_with_one_price_out_of_bounds(column: str) -> None:
    prices: dict[str, Any] = {
        name: np.array([160_000_000], np.int64) for name in ("open", "high", "low")
    }
    prices[column] = np.array([2**62 if column != "low" else -5], np.int64)
    bar = frame(
        [(0, START_NS - SECOND_NS, 160_000_000, 1, int(Flag.bar))], (NEW_YORK,),
        start_ns=np.array([START_NS - 60 * SECOND_NS], np.int64), **prices,
    )  # fmt: skip
    engine = Engine(CONFIG)
    outputs = engine.apply(Clock(ts_ns=START_NS)) + engine.apply(bar)
    # an open price is read nowhere
    assert reasons(outputs) == ([] if column == "open" else ["bad_price"])


@pytest.mark.parametrize("price", [0, -1, 2**63 - 1])
def test_points_out_of_bounds(price: int) -> None:
    point = row(price, flags=POINT, listing=BENCHMARK)
    log = [Clock(ts_ns=START_NS), point, mention("a", ISSUER, START_NS), row(160_000_000)]
    log += [Clock(ts_ns=START_NS + 7_200 * SECOND_NS), Clock(ts_ns=START_NS + DAY_NS)]
    outputs = said(log)
    assert reasons(outputs) == ["bad_price"]
    assert any(isinstance(each, Reaction) for each in outputs)


@pytest.mark.parametrize(("ts_ns", "reason"), [(2**62, "future"), (0, "past")])
def test_a_point_of_another_time_does_not_deafen_the_benchmark(ts_ns: int, reason: str) -> None:
    wrong = frame([(0, ts_ns, CLOSES[BENCHMARK], 1, POINT)], (BENCHMARK,))
    right = frame([(0, START_NS - SECOND_NS, CLOSES[BENCHMARK], 1, POINT)], (BENCHMARK,))
    engine = Engine(CONFIG)
    outputs = [x for each in (Clock(ts_ns=START_NS), wrong, right) for x in engine.apply(each)]
    assert reasons(outputs) == [reason]
    assert engine.registry.benchmarks[BENCHMARK].tape.newest_second == START_NS // SECOND_NS - 1


@pytest.mark.parametrize("ts_ns", [-(2**63), -1, 0, 2**62, 2**63 - 1])
@pytest.mark.parametrize("final", [False, True])
def test_a_clock_of_no_time(ts_ns: int, final: bool) -> None:
    log = [Clock(ts_ns=START_NS), Clock(ts_ns=ts_ns, final=final), row(160_000_000)]
    assert reasons(said(log)) == ["implausible_clock"]


@pytest.mark.parametrize(
    ("event_ns", "reason"),
    [
        (START_NS - 9 * DAY_NS - 1, "past"),
        (START_NS + DAY_NS + 1, "future"),
        (2**63 - 1, "future"),
        (-(2**63), "past"),
    ],
)
def test_a_mention_of_another_time(event_ns: int, reason: str) -> None:
    log = [Clock(ts_ns=START_NS), mention("a", ISSUER, event_ns)]
    assert reasons(said(log)) == [reason]


@pytest.mark.parametrize("event_ns", [START_NS - 9 * DAY_NS, START_NS + DAY_NS])
def test_a_mention_at_the_bounds_is_taken(event_ns: int) -> None:
    assert reasons(said([Clock(ts_ns=START_NS), mention("a", ISSUER, event_ns)])) == []


@pytest.mark.parametrize("again_s", [-3_600, 0])
def test_an_open_reaction_is_not_begun_again(again_s: int) -> None:
    """Its headline is forgotten after nine days, and comes back as another event, or as itself."""
    now_ns = START_NS + 14 * DAY_NS
    first = mention("same", ISSUER, START_NS - 3_600 * SECOND_NS)
    again = msgspec.structs.replace(first, event_ns=now_ns + again_s * SECOND_NS)
    log: list[MarketRecord] = [Clock(ts_ns=START_NS - 3_600 * SECOND_NS), first]
    log += [Clock(ts_ns=now_ns), mention("other", ISSUER, now_ns), again, first]
    log += [frame([(0, now_ns, 160_000_000, 1, 0)], (NEW_YORK,)), Clock(ts_ns=now_ns + 3 * DAY_NS)]
    engine = Engine(CONFIG)
    outputs = [output for record in log for output in engine.apply(record)]
    keys = [
        (each.headline_id, each.event_ns, each.listing, each.horizon)
        for each in outputs
        if isinstance(each, Reaction)
    ]
    assert keys
    assert len(keys) == len(set(keys))
    here = {key[1] for key in keys if key[0] == "same" and key[2] == NEW_YORK}
    assert here == {first.event_ns}


@pytest.mark.parametrize("close", [1, HIGHEST_PRICE, 2**62, 2**80])
def test_a_ladder_ends_whatever_its_close_and_the_price(close: int) -> None:
    ladder = Ladder(close=close)
    assert len(ladder.pass_up(max(OUT_OF_REACH, 2 * close))) == 6
    assert ladder.pass_up(2**90) == ()
    assert len(ladder.pass_down(-OUT_OF_REACH)) == 6


@pytest.mark.parametrize(
    "row_",
    [
        DailyRow(listing="A", date=11, dividend=100),
        DailyRow(listing="A", date=11, dividend=101),
        DailyRow(listing="A", date=11, split=(1, HIGHEST_PRICE)),
    ],
)
def test_a_close_that_an_action_makes_impossible_is_none(row_: DailyRow) -> None:
    table = DailyTable([DailyRow(listing="A", date=10, close=100), row_])
    assert table.previous_close(11) is None
