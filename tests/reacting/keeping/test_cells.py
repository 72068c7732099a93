"""A checkpoint in parts: whatever is cut where, the engine made of the cells goes on the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.reacting import row_pass as row_pass_module
from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine
from agents.reacting.keeping import cells as cells_module
from agents.reacting.keeping import pages as pages_module
from agents.reacting.keeping.cells import Cells
from agents.reacting.keeping.pages import Pages
from agents.reacting.tapes import tape as tape_module
from streams.events import SECOND_NS, Clock, Output, Reaction
from streams.prices.live import Tick, frame_of
from tests.oracle import DailyRow
from tests.reacting.test_parity import config_of, plain, run
from tests.strategies import BENCHMARK, DATES, LISTINGS, MarketLog, market_logs, mention

SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
Kept = dict[str, bytes]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let short logs meet the column pass, full pages, blocks of one issuer and forgetting."""
    monkeypatch.setattr(row_pass_module, "SCALAR_ROWS", 2)
    monkeypatch.setattr(row_pass_module, "SCALAR_CHUNK", 3)
    monkeypatch.setattr(pages_module, "PAGE_POINTS", 3)
    monkeypatch.setattr(cells_module, "BLOCK_ISSUERS", 2)
    monkeypatch.setattr(tape_module, "PRUNE_AT", 0)


def keep(kept: Kept, cells: Cells) -> None:
    for key, body in cells.changes().items():
        if body is None:
            kept.pop(key, None)
        else:
            kept[key] = body


def restarted(config: EngineConfig, kept: Kept) -> tuple[Engine, Cells]:
    engine = Engine(config)
    cells = Cells(engine)
    cells.restore(kept)
    return engine, cells


@SLOW
@given(market_logs(), st.lists(st.sampled_from("  skp"), min_size=1, max_size=11))
def test_restarts_from_cells_change_nothing(log: MarketLog, plan: list[str]) -> None:
    """`s` a checkpoint, `k` one and then a crash right after it, `p` a pruning after one."""
    _, whole = run(log, log.records)
    config, kept = config_of(log), Kept()
    engine = Engine(config)
    cells, outputs = Cells(engine), list[Output]()
    for number, record in enumerate(log.records):
        outputs += engine.apply(record)
        step = plan[number % len(plan)]
        if step != " ":
            keep(kept, cells)
        if step == "k":
            engine, cells = restarted(config, kept)
        if step == "p":
            engine.prune()
    assert plain(whole) == plain(outputs)


OPEN_S = 1_758_720_600  # 24 September 2025, 13:30 UTC


@pytest.mark.parametrize("listing", ["BABA.XNYS", BENCHMARK])
def test_seconds_go_only_when_their_minutes_are_kept(listing: str) -> None:
    """Four seconds fill a page and more; two and a half idle hours later it is dropped."""
    ends = (0, 1, 2, 5)
    records: list[Any] = []
    for number, second in enumerate(ends):
        tick = Tick(listing, (OPEN_S + second) * SECOND_NS, 163_000_000 + number * 10_000, 100)
        records.append(Clock(ts_ns=tick.ts_ns))
        records.append(msgspec.structs.replace(frame_of([tick]), run="run0", first_seq=number))
    late_ns = (OPEN_S + 9_000) * SECOND_NS
    records.append(Clock(ts_ns=late_ns))
    issuer = next(each.issuer for each in LISTINGS if each.listing == listing)
    records.append(mention("h0", issuer, OPEN_S * SECOND_NS, known_ns=late_ns))
    records.append(Clock(ts_ns=late_ns + SECOND_NS, final=True))
    yesterday = DATES[0] - 1
    close = DailyRow(listing=listing, date=yesterday, close=163_000_000, split=None, dividend=None)
    log = MarketLog(LISTINGS, (close,), tuple(records))
    _, whole = run(log, log.records)
    config, kept = config_of(log), Kept()
    engine, outputs = Engine(config), list[Output]()
    cells = Cells(engine)
    for record in log.records:
        outputs += engine.apply(record)
        keep(kept, cells)
        engine, cells = restarted(config, kept)
    assert plain(whole) == plain(outputs)
    reactions = [each for each in outputs if isinstance(each, Reaction) and each.listing == listing]
    assert reactions[0].path_low_bps == 0.0


@SLOW
@given(market_logs(), st.integers(0, 400), st.integers(0, 60))
def test_a_crash_does_what_followed_the_checkpoint_again(
    log: MarketLog, at: int, more: int
) -> None:
    config, kept = config_of(log), Kept()
    engine = Engine(config)
    cells, outputs = Cells(engine), list[Output]()
    at = min(at, len(log.records))
    for record in log.records[:at]:
        outputs += engine.apply(record)
    keep(kept, cells)
    for record in log.records[at : at + more]:
        engine.apply(record)
    engine, _ = restarted(config, kept)
    for record in log.records[at:]:
        outputs += engine.apply(record)
    assert plain(run(log, log.records)[1]) == plain(outputs)


@SLOW
@given(market_logs(), st.integers(0, 400))
def test_another_order_of_the_universe_is_taken_over(log: MarketLog, at: int) -> None:
    """The blocks of the old one are given up with the next checkpoint, and nothing is lost."""
    config, kept = config_of(log), Kept()
    engine = Engine(config)
    cells, outputs = Cells(engine), list[Output]()
    for record in log.records[:at]:
        outputs += engine.apply(record)
    keep(kept, cells)
    turned = msgspec.structs.replace(config, listings=config.listings[::-1])
    engine, cells = restarted(turned, kept)
    keep(kept, cells)
    engine, _ = restarted(turned, kept)
    for record in log.records[at:]:
        outputs += engine.apply(record)
    assert plain(run(log, log.records)[1]) == plain(outputs)


def points(seconds: list[int]) -> np.ndarray:
    return np.array([seconds, *([s * 10 + k for s in seconds] for k in range(5))], np.int64)


def bodies(pages: Pages) -> Iterator[tuple[str, bytes]]:
    yield from ((key, body) for key, body in pages.changes().items() if body is not None)


def test_a_full_page_is_written_once_and_its_number_used_again() -> None:
    pages = Pages("seconds", 6, ["A", "B"])
    pages.add(0, points([1, 2]))
    assert list(pages.changes()) == ["seconds/0"]
    pages.add(1, points([2, 3]))
    assert list(pages.changes()) == ["seconds/0", "seconds/1"]
    assert pages.changes() == {}
    assert [key for key, _ in pages.expired(lambda _: 3, 3)] == ["seconds/0"]
    pages.add(0, points([4, 5, 6]))
    assert list(pages.changes()) == ["seconds/1", "seconds/0"]


def test_a_page_that_one_owner_needs_is_kept() -> None:
    pages = Pages("seconds", 6, ["A", "B"])
    pages.add(0, points([1, 2]))
    pages.add(1, points([2]))
    pages.changes()
    assert pages.expired(lambda owner: (9, 2)[owner], 9) == []


def test_pages_come_back_by_owner_rising_and_once() -> None:
    pages, kept = Pages("seconds", 6, ["A", "B"]), dict[str, bytes]()
    for owner, seconds in ((0, [5, 6]), (1, [5]), (0, [7]), (0, [5])):
        pages.add(owner, points(seconds))
        kept |= bodies(pages)
    fresh = Pages("seconds", 6, ["B", "A"])
    found = fresh.restore(kept.items())
    assert found[1].tolist() == points([5, 6, 7]).tolist()
    assert found[0].tolist() == points([5]).tolist()
    fresh.add(0, points([8]))
    assert list(fresh.changes()) == ["seconds/1"]  # the page that was not full
