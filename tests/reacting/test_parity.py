"""The column engine says what the scalar oracle says, in any framing and over any restart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.reacting import row_pass as row_pass_module
from agents.reacting.config import DailyRow, EngineConfig
from agents.reacting.engine import Engine
from agents.reacting.explaining import tracing as tracing_module
from agents.reacting.tapes import tape as tape_module
from streams.events import Alert, Mention, Move, Output, Reaction, Reject, TickFrame
from tests.oracle import cases as cases_module
from tests.oracle.engine import Oracle
from tests.oracle.framing import reframe
from tests.strategies import MarketLog, calendars, market_logs

MOVE_KEYS = (
    "listing",
    "trade_date",
    "direction",
    "level_pct",
    "ts_ns",
    "session",
    "price",
    "reference_price",
    "flags",
)
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(autouse=True)
def columns_from_the_second_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the column pass see these short logs: in earnest it starts at 16 rows."""
    monkeypatch.setattr(row_pass_module, "SCALAR_ROWS", 2)
    monkeypatch.setattr(row_pass_module, "SCALAR_CHUNK", 3)
    # and short paths are joined as long ones are
    monkeypatch.setattr(tracing_module, "LARGEST", 3)
    monkeypatch.setattr(cases_module, "ALONE", 3)


def config_of(log: MarketLog) -> EngineConfig:
    daily = []
    for row in log.daily:
        split = None if row.split is None else Fraction(str(row.split))
        ratio = None if split is None else (split.numerator, split.denominator)
        daily.append(
            DailyRow(
                listing=row.listing,
                date=row.date,
                close=row.close,
                split=ratio,
                dividend=row.dividend,
            )
        )
    return EngineConfig(
        listings=log.listings,
        calendars=calendars(),
        benchmark=log.benchmark,
        daily=tuple(daily),
    )


def run(log: MarketLog, records: Iterable[Any]) -> tuple[Engine, list[Output]]:
    engine = Engine(config_of(log))
    outputs: list[Output] = []
    for record in records:
        outputs += engine.apply(record)
    return engine, outputs


def plain(outputs: Sequence[Output]) -> list[bytes]:
    return sorted(msgspec.json.encode(o) for o in outputs)


def of_type(outputs: Sequence[Output], type_: type) -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(o) for o in outputs if isinstance(o, type_)]


def ordered(records: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(repr(sorted(r.items())) for r in records)


def check_against_oracle(log: MarketLog) -> None:
    oracle = Oracle(log.listings, calendars(), log.daily, log.benchmark)
    for record in log.records:
        oracle.apply(record)
    engine, outputs = run(log, log.records)
    moves = [{k: m[k] for k in MOVE_KEYS} for m in of_type(outputs, Move)]
    assert ordered(moves) == ordered({k: m[k] for k in MOVE_KEYS} for m in oracle.moves)
    check_reactions(of_type(outputs, Reaction), oracle.reactions)
    rejects = Counter(
        (r["reason"], r["detail"].removeprefix("a tick of "), r["ts_ns"])
        for r in of_type(outputs, Reject)
    )
    assert rejects == Counter((r["reason"], r["listing"], r["ts_ns"]) for r in oracle.rejects)
    assert engine.counts["ineligible"] == oracle.out.ineligible
    assert engine.counts["gaps"] == oracle.out.gaps
    alerts = [o for o in outputs if isinstance(o, Alert)]
    check_alerts(alerts, oracle.alerts)
    check_causes(alerts, oracle.told)


def check_alerts(found: list[Alert], wanted: dict[tuple[str, str, str], Any]) -> None:
    """A transition is never stamped before the one it follows; updates are those of `check_causes`."""
    alerts: dict[tuple[str, str, str], list[Alert]] = {}
    for alert in found:
        alerts.setdefault((alert.listing, alert.trade_date, alert.direction), []).append(alert)
    assert set(alerts) == set(wanted)
    for key, log in alerts.items():
        expected = iter(wanted[key])
        newest_ns = 0
        for alert in log:
            if alert.transition != "updated":
                what, ts_ns, level = next(expected)
                assert (alert.transition, alert.level_pct) == (what, level)
                assert alert.updated_ns == max(ts_ns, newest_ns)
            assert alert.updated_ns >= newest_ns
            newest_ns = alert.updated_ns
        assert next(expected, None) is None


def check_causes(found: list[Alert], wanted: dict[tuple[str, str, str], Any]) -> None:
    """Every state tells the same shares; both round them down to a millionth."""
    for key in {(a.listing, a.trade_date, a.direction) for a in found}:
        log = [a for a in found if (a.listing, a.trade_date, a.direction) == key]
        assert [a.transition for a in log] == [transition for transition, _ in wanted[key]]
        for alert, (_, told) in zip(log, wanted[key], strict=True):
            why = alert.attribution
            assert why.market_share == pytest.approx(told.market, abs=2e-6)
            assert why.unexplained_share == pytest.approx(told.unexplained, abs=1e-5)
            assert ("against_market" in why.flags) is told.against
            causes = {(c.story_id, c.headline_id): c.share for c in why.candidates}
            expected = {(story, headline): share for story, headline, share in told.causes}
            assert causes == pytest.approx(expected, abs=2e-6)


def check_reactions(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    def key(r: dict[str, Any]) -> tuple[str, str, str]:
        return r["headline_id"], r["listing"], r["horizon"]

    assert Counter(map(key, found)) == Counter(map(key, wanted))
    by_key = {key(r): r for r in wanted}
    for reaction in found:
        other = by_key[key(reaction)]
        for name, value in reaction.items():
            expected = other[name]
            if isinstance(value, float) and expected is not None:
                assert value == pytest.approx(expected, rel=1e-6, abs=2e-6), (key(reaction), name)
            elif name == "flags":
                assert sorted(value) == sorted(expected), (key(reaction), name)
            else:
                assert value == expected, (key(reaction), name)


@SLOW
@given(market_logs())
def test_engine_equals_the_scalar_oracle(log: MarketLog) -> None:
    check_against_oracle(log)


@SLOW
@given(market_logs(), st.lists(st.integers(1, 50), min_size=1, max_size=3))
def test_framing_changes_nothing(log: MarketLog, cuts: list[int]) -> None:
    _, whole = run(log, log.records)
    _, cut = run(log, reframe(log.records, cuts))
    assert plain(whole) == plain(cut)


@SLOW
@given(market_logs())
def test_frames_taken_together_change_nothing(log: MarketLog) -> None:
    engine, outputs = Engine(config_of(log)), list[Output]()
    for frames, records in groupby(log.records, lambda r: isinstance(r, TickFrame)):
        if frames:
            outputs += engine.apply_frames(records)
        else:
            outputs += [o for record in records for o in engine.apply(record)]
    assert plain(run(log, log.records)[1]) == plain(outputs)


@SLOW
@given(market_logs(), st.data())
def test_a_restart_at_any_record_changes_nothing(log: MarketLog, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(log.records)), label="restart")
    _, whole = run(log, log.records)
    engine, first = run(log, log.records[:at])
    fresh = Engine(config_of(log))
    fresh.restore(engine.snapshot())
    rest = [o for record in log.records[at:] for o in fresh.apply(record)]
    assert plain(whole) == plain([*first, *rest])


@SLOW
@given(market_logs(), st.data())
def test_a_replayed_suffix_of_frames_changes_nothing(log: MarketLog, data: st.DataObject) -> None:
    """What was applied before a crash and is sent again is dropped by its numbers and ids."""
    frames = list(log.records[:-1])
    at = data.draw(st.integers(0, len(frames)), label="from")
    _, whole = run(log, log.records)
    again = [*frames, *(r for r in frames[at:] if not isinstance(r, Mention)), log.records[-1]]
    engine, outputs = run(log, again)
    assert plain(whole) == plain(outputs)
    assert engine.clock_ns >= 0


@SLOW
@given(market_logs(), st.lists(st.booleans(), min_size=1, max_size=7))
def test_pruning_changes_nothing(log: MarketLog, when: list[bool]) -> None:
    """A replay prunes by the wall clock: whenever it does, the answers are the same."""
    _, whole = run(log, log.records)
    engine = Engine(config_of(log))
    outputs: list[Output] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tape_module, "PRUNE_AT", 0)
        for number, record in enumerate(log.records):
            outputs += engine.apply(record)
            if when[number % len(when)]:
                engine.prune()
    assert plain(whole) == plain(outputs)
