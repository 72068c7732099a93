"""Real history through the real command: day levels equal a computation of a few lines, and the
result is one whatever the frames and the hash seed.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.replay.play.day_levels import (
    LEVELS_PCT,
    DayLevels,
    day_levels,
    minute_bars,
    told,
    trades,
)
from tests.running import (
    Plain,
    demo_day,
    filled,
    newsquake,
    nine_stocks,
    recomputed_sha256,
    records,
    replayed,
    summary_of,
)

pytestmark = pytest.mark.slow

# Beside the baseline: the columns with seed 0.
FRAMES_AND_SEEDS = ((None, "12345"), (1, "1"), (7, "12345"), (1000, "0"))
AIG_DAY = ("AIG", "2013-10-10")
AIG_PASSES_NS = 1_381_415_502_342_000_000  # 14:31:42.342 UTC, the first trade at 49.17 or above


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="module")
def r1_rows(shared_data: Path) -> dict[str, pl.DataFrame]:
    folder = shared_data / "R1_replay_dev_2013-10"
    return {
        "bars": minute_bars(folder / "bars_1m.csv"),
        "trades": pl.concat([trades(path) for path in sorted(folder.glob("ticks_*.parquet"))]),
    }


def nothing_but(expected: DayLevels, moves: list[Plain]) -> None:
    """Assert that the moves are the expected ones, listing by listing and day by day."""
    found = told(moves)
    assert set(found) <= set(expected)
    for day, passed in expected.items():
        assert found.get(day, {}) == passed, day


def test_r1_bars_alone_pass_the_levels_that_the_files_hold(
    shared_data: Path, tmp_path: Path, r1_rows: dict[str, pl.DataFrame]
) -> None:
    folder = filled("r1", shared_data, tmp_path / "r1")
    keep_only_bars(folder / "replay.toml")
    summary = replayed(folder, tmp_path / "out")
    expected = day_levels(r1_rows["bars"])
    assert len(expected) == 4 * 6
    nothing_but(expected, records(tmp_path / "out", "moves"))
    assert set(expected[AIG_DAY]) == {("up", 3)}
    assert summary["ticks"] == len(r1_rows["bars"])
    assert summary["rejected"] == summary["late"] == 0
    (alert,) = records(tmp_path / "out", "alerts")
    carries_its_evidence(alert)


def carries_its_evidence(alert: Plain) -> None:
    """Assert that AIG's alert is the one move, with shares that add up and the market's part."""
    key = (alert["listing"], alert["trade_date"], alert["direction"], alert["level_pct"])
    assert key == ("AIG.XNYS", "2013-10-10", "up", 3)
    assert (alert["state"], alert["session"]) == ("resolved", "regular")
    attribution = alert["attribution"]
    shares = [candidate["share"] for candidate in attribution["candidates"]]
    assert shares == sorted(shares, reverse=True)
    whole = sum(shares) + attribution["market_share"] + attribution["unexplained_share"]
    assert whole == pytest.approx(1, abs=1e-9)
    assert attribution["market_share"] > 0.3, "the market rose 2.2 % that day"


def test_r1_bars_and_trades_pass_the_levels_that_the_files_hold(
    shared_data: Path, tmp_path: Path, r1_rows: dict[str, pl.DataFrame]
) -> None:
    """Closing prints are the closes where there are any: on all days but the first."""
    summary = replayed(filled("r1", shared_data, tmp_path / "r1"), tmp_path / "out")
    both = pl.concat([r1_rows["bars"], r1_rows["trades"]])
    expected = day_levels(both)
    nothing_but(expected, records(tmp_path / "out", "moves"))
    assert expected[AIG_DAY] == {("up", 3): (49_170_000, 47_730_000, AIG_PASSES_NS)}
    assert all(level < 5 for passed in expected.values() for _, level in passed)
    assert summary["ticks"] == len(both)
    assert summary["moves"] == summary["alerts"] == 1
    assert summary["output_sha256"] == recomputed_sha256(tmp_path / "out")


def test_r2_passes_the_levels_that_the_file_holds(shared_data: Path, base: Path) -> None:
    _, out = nine_stocks(base, shared_data)
    rows = minute_bars(shared_data / "R2_replay_dev_2007-01" / "prices_1m.csv")
    expected = day_levels(rows)
    nothing_but(expected, records(out, "moves"))
    assert {day: set(passed) for day, passed in expected.items() if passed} == {
        ("IBM", "2007-01-19"): {("down", 3)},
        ("MSFT", "2007-01-11"): {("up", 3)},
    }
    summary = summary_of(out)
    assert (summary["ticks"], summary["headlines"]) == (len(rows), 44_196)
    assert summary["rejected"] == summary["late"] == 0
    assert summary["output_sha256"] == recomputed_sha256(out)


def test_r2_every_mention_is_answered(shared_data: Path, base: Path) -> None:
    _, out = nine_stocks(base, shared_data)
    mentions = {(m["headline_id"], m["issuer"]) for m in records(out, "mentions")}
    reactions = records(out, "reactions")
    keys = [(r["headline_id"], r["listing"], r["horizon"]) for r in reactions]
    assert len(keys) == len(set(keys))
    assert {(r["headline_id"], r["issuer"]) for r in reactions} == mentions
    unpriced = [r for r in reactions if r["price"] is None]
    assert all("no_trade" in r["flags"] for r in unpriced)
    assert all(r["return_bps"] is None for r in unpriced)


@pytest.mark.parametrize(("frame", "hash_seed"), FRAMES_AND_SEEDS)
def test_demo_day_is_one_result(
    base: Path, tmp_path: Path, frame: int | None, hash_seed: str
) -> None:
    whole, _ = demo_day(base)
    same_result(whole / "replay", whole, tmp_path / "out", frame, hash_seed)


@pytest.mark.parametrize(("frame", "hash_seed"), FRAMES_AND_SEEDS)
def test_r2_is_one_result(
    shared_data: Path, base: Path, tmp_path: Path, frame: int | None, hash_seed: str
) -> None:
    folder, whole = nine_stocks(base, shared_data)
    same_result(folder, whole, tmp_path / "out", frame, hash_seed)


def same_result(folder: Path, whole: Path, out: Path, frame: int | None, hash_seed: str) -> None:
    """Assert that another way to run it leaves the same hash and the same files."""
    words = () if frame is None else ("--frame", frame)
    summary = replayed(folder, out, *words, hash_seed=hash_seed)
    expected = summary_of(whole)
    for key in ("output_sha256", "config_id", "ticks", "reactions", "late", "rejected"):
        assert summary[key] == expected[key], key
    for path in sorted(out.glob("*.jsonl")):
        assert path.read_bytes() == (whole / path.name).read_bytes(), path.name


def test_r1_slice_is_one_result(shared_data: Path, tmp_path: Path) -> None:
    """Forty minutes of AIG's and SPY's trades: what takes minutes in frames of one as a whole."""
    folder = sliced(shared_data / "R1_replay_dev_2013-10", tmp_path / "slice")
    summaries = [replayed(folder, tmp_path / "whole")]
    for frame, hash_seed in ((1, "1"), (7, "12345"), (1000, "0")):
        out = tmp_path / f"frame{frame}"
        summaries.append(replayed(folder, out, "--frame", frame, hash_seed=hash_seed))
    assert len({summary["output_sha256"] for summary in summaries}) == 1
    assert summaries[0]["mentions"] > 0
    (move,) = records(tmp_path / "frame7", "moves")
    assert (move["listing"], move["level_pct"], move["ts_ns"]) == ("AIG.XNYS", 3, AIG_PASSES_NS)


def test_a_replay_that_is_done_is_done_anew_with_the_same_result(
    base: Path, tmp_path: Path
) -> None:
    whole, _ = demo_day(base)
    first = replayed(whole / "replay", tmp_path / "out")
    again = replayed(whole / "replay", tmp_path / "out")
    assert (first["resumed"], again["resumed"]) == (False, False)
    assert first["output_sha256"] == again["output_sha256"] == recomputed_sha256(tmp_path / "out")


def test_rules_of_a_configuration_are_the_ones_that_fire(base: Path, tmp_path: Path) -> None:
    whole, _ = demo_day(base)
    config = tmp_path / "newsquake.toml"
    config.write_text(
        '[[rules]]\nname = "big"\nkind = "day_move"\nlevels_pct = [8, 10]\n'
        'severity = "critical"\nlistings = ["BABA.XNYS"]\n'
    )
    done = newsquake(
        *("replay", whole / "replay", "--out", tmp_path / "out", "--config", config, "--json")
    )
    assert done.returncode == 0, done.stderr
    (alert,) = records(tmp_path / "out", "alerts")
    assert (alert["rule"], alert["severity"], alert["listing"]) == ("big", "critical", "BABA.XNYS")
    assert json.loads(done.stdout)["config_id"] != summary_of(whole)["config_id"]
    assert records(tmp_path / "out", "moves") == records(whole, "moves")


def test_levels_are_those_of_the_design() -> None:
    from agents.reacting.config import DAY_LEVELS_PCT

    assert DAY_LEVELS_PCT == LEVELS_PCT


def keep_only_bars(path: Path) -> None:
    """Drop the stanzas of trades from a filled template."""
    head, *stanzas = path.read_text("utf-8").split("[[prices]]")
    kept = [stanza for stanza in stanzas if "ticks_" not in stanza]
    path.write_text("[[prices]]".join([head, *kept]), "utf-8")


def sliced(r1: Path, folder: Path) -> Path:
    """Write a replay folder of the last minutes of 9 October 2013 and forty of the day after."""
    folder.mkdir()
    at = pl.col("ts").dt.strftime("%d %H:%M")
    wanted = at.is_between(pl.lit("09 19:55"), pl.lit("09 20:04"))
    wanted |= at.is_between(pl.lit("10 14:05"), pl.lit("10 14:44"))
    stanzas = []
    for symbol in ("AIG", "SPY"):
        name = f"ticks_{symbol}.parquet"
        pl.read_parquet(r1 / name).filter(wanted).write_parquet(folder / name)
        stanzas.append(
            f'[[prices]]\npath = "{name}"\nsymbol = "{symbol}"\nmic = "XNYS"\n'
            'columns = { time = "ts", price = "price", size = "size", exchange = "exchange", '
            'conditions = "cond" }\nconditions_format = "flags_hex"\n'
        )
    lines = (r1 / "headlines.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "headlines.jsonl").write_text("".join(x for x in lines if '"2013-10-10T1' in x))
    (folder / "replay.toml").write_text(
        '[replay]\nname = "slice"\nbenchmark = "SPY.XNYS"\n'
        '[[headlines]]\npath = "headlines.jsonl"\nprecision = "minute"\n'
        'columns = { id = "id", published = "published_at", title = "title", url = "url", '
        'source = "source" }\n' + "".join(stanzas)
    )
    return folder
