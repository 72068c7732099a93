"""A replay in columns, with its Clocks folded in, says what it says record by record."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.reacting import row_pass as row_pass_module
from agents.reacting.config import DailyRow, EngineConfig
from agents.reacting.engine import Engine
from agents.replay.play.inputs import Inputs
from agents.replay.play.timeline import Timeline
from streams.events import DAY_NS, SECOND_NS, Flag, Headline, Mention, Output
from streams.news.headline import HeadlineParts, make_headline
from streams.prices.rows import Rows, sort_by_known
from streams.reference.calendars import calendar_for
from streams.reference.universe import Universe
from tests.strategies import LISTINGS, mention

OPEN_NS = 1_758_720_600 * SECOND_NS  # 24 September 2025, 13:30 UTC: XNYS opens
DATE = OPEN_NS // DAY_NS
NAMES = tuple(x.listing for x in LISTINGS)
SPECIAL = (
    Flag.no_last | Flag.no_range,
    Flag.extended,
    Flag.first_last,
    Flag.official_close,
    Flag.no_last,
    Flag.no_volume,
)


@pytest.fixture(autouse=True)
def columns_from_the_second_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the column pass see these short replays: in earnest it starts at 16 rows."""
    monkeypatch.setattr(row_pass_module, "SCALAR_ROWS", 2)
    monkeypatch.setattr(row_pass_module, "SCALAR_CHUNK", 3)


def random_rows(seed: int, count: int, pace_s: float) -> Rows:
    """Return trades, bars, odd lots and wild prices of four listings, sorted by known."""
    rng = Random(seed)
    price = dict.fromkeys(range(4), 100_000_000)
    known = OPEN_NS + rng.choice((0, -6 * 3600, 6 * 3600 + 1700)) * SECOND_NS
    columns: dict[str, list[int]] = {name: [] for name in COLUMNS}
    for _ in range(count):
        known += int(rng.expovariate(1 / pace_s) * SECOND_NS)
        who = rng.randrange(4)
        price[who] = int(price[who] * (1 + rng.gauss(0, 0.0008) + (rng.random() < 0.01) * 0.04))
        shown = int(price[who] * rng.choice((1.0,) * 40 + (1.11, 0.9)))
        bar = rng.random() < 0.05
        end = (known // (60 * SECOND_NS) + 1) * 60 * SECOND_NS
        flags = int(rng.choice(SPECIAL)) if rng.random() < 0.25 else 0
        row = {
            "listing": who,
            "known_ns": end if bar else known,
            "ts_ns": end - 1 if bar else known,
            "start_ns": end - 60 * SECOND_NS if bar else known,
            "price": shown,
            "open": shown,
            "high": int(shown * 1.001) if bar else shown,
            "low": int(shown * 0.999) if bar else shown,
            "size": rng.randrange(500),
            "flags": int(Flag.bar) if bar else flags,
            "exchange": rng.randrange(3),
        }
        for name, value in row.items():
            columns[name].append(value)
    small = ("listing", "flags", "exchange")
    arrays: dict[str, Any] = {
        n: np.array(v, np.int32 if n in small else np.int64) for n, v in columns.items()
    }
    return sort_by_known(Rows(**arrays, listings=NAMES, exchanges=("", "N", "P")))


COLUMNS = (
    "listing",
    "known_ns",
    "ts_ns",
    "start_ns",
    "price",
    "open",
    "high",
    "low",
    "size",
    "flags",
    "exchange",
)


def inputs_of(rows: Rows, headlines: list[Headline]) -> Inputs:
    daily = tuple(DailyRow(listing=n, date=DATE - 1, close=100_000_000) for n in NAMES)
    config = EngineConfig(
        listings=LISTINGS,
        calendars={mic: calendar_for(mic) for mic in ("XNYS", "XHKG")},
        benchmark="SPY.XNYS",
        daily=daily,
    )
    return Inputs(
        name="random",
        universe=Universe(issuers={}, listings={}),
        engine=config,
        headlines=headlines,
        rows=rows,
        rejects=[],
        config_id="",
        paths=(),
        inputs_id="",
    )


def played(inputs: Inputs, mentions: list[Mention], frame: int | None, span_s: int) -> list[bytes]:
    engine = Engine(inputs.engine)
    timeline = Timeline(inputs, engine, frame, span_s * SECOND_NS)
    outputs: list[Output] = []
    row = 0
    for number, one in enumerate(mentions):
        until = int(timeline.headline_rows[number])
        for stop, some in timeline.play(row, until):
            row, outputs = stop, outputs + some
        outputs += timeline.clock(one.known_ns)
        outputs += engine.apply(one)
    for _, some in timeline.play(row, len(timeline)):
        outputs += some
    outputs += timeline.finish(int(inputs.rows.known_ns[-1]))
    return sorted(msgspec.json.encode(o) for o in outputs)


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 250),
    pace_s=st.sampled_from((0.05, 1.0, 30.0, 300.0)),
    frame=st.sampled_from((1, 2, 7, 1000)),
    span_s=st.sampled_from((1, 10, 300)),
)
def test_columns_equal_records(
    seed: int, count: int, pace_s: float, frame: int, span_s: int
) -> None:
    rows = random_rows(seed, count, pace_s)
    rng = Random(seed)
    times = sorted(int(rng.choice(rows.known_ns.tolist())) + rng.choice((0, 1)) for _ in range(4))
    headlines = [
        make_headline(
            HeadlineParts(source="s", source_key=str(i), title="t", published_ns=t, tier="wire")
        )
        for i, t in enumerate(times)
    ]
    mentions = [
        mention(f"h{i}", rng.choice(("ALIBABA", "SPDR")), t - rng.choice((0, 5400)) * SECOND_NS)
        for i, t in enumerate(times)
    ]
    mentions = [
        msgspec.structs.replace(m, known_ns=t) for m, t in zip(mentions, times, strict=True)
    ]
    inputs = inputs_of(rows, headlines)
    in_columns = played(inputs, mentions, None, span_s)
    assert in_columns == played(inputs, mentions, frame, 300)
    assert sum(b'"horizon"' in line for line in in_columns) >= 5 * len(mentions)
