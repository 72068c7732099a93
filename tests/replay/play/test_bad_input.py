"""Wrong files, wrong words: one clear line, an exit code, OUT untouched; never a traceback."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from agents.cli.main import main
from tests.replay.small_folder import HEADER, edited, write_small_folder
from tests.running import (
    contents,
    newsquake,
    records,
    refusal,
    summary_of,
)

FAILED, USAGE = 1, 2
Spoil = Callable[[Path], object]
UNIVERSE = "issuer,name,symbol,mic,currency,shares_per_unit,aliases\n"


class Case(NamedTuple):
    """One way to spoil a sound folder or the command line, and what the refusal must say."""

    name: str
    code: int
    words: tuple[str, ...]
    spoil: Spoil = lambda _: None
    options: tuple[str, ...] = ()


def as_parquet(folder: Path, **columns: pl.Expr) -> Path:
    """Turn the price file into Parquet, some columns replaced, and return its path."""
    path = folder / "prices.parquet"
    pl.read_csv(folder / "prices.csv").with_columns(**columns).write_parquet(path)
    edited(folder / "replay.toml", "prices.csv", path.name)
    return path


def cut_parquet(folder: Path) -> None:
    path = as_parquet(folder)
    path.write_bytes(path.read_bytes()[:-100])


def as_parquet_without_price(folder: Path) -> None:
    path = as_parquet(folder)
    pl.read_parquet(path).drop("price").write_parquet(path)


def overwritten_parquet(folder: Path) -> None:
    """Keep head and foot: what reads only the footer does not notice."""
    path = as_parquet(folder)
    data = path.read_bytes()
    path.write_bytes(data[:20] + bytes(range(100)) + data[120:])


def cut_gzip(folder: Path) -> None:
    edited(folder / "replay.toml", "prices.csv", "prices.csv.gz")
    data = gzip.compress((folder / "prices.csv").read_bytes())
    (folder / "prices.csv.gz").write_bytes(data[: len(data) // 2])


def in_replay(old: str, new: str) -> Spoil:
    return lambda folder: edited(folder / "replay.toml", old, new)


def with_universe(text: str) -> Spoil:
    def spoil(folder: Path) -> None:
        edited(folder / "replay.toml", 'name = "small"', 'name = "small"\nuniverse = "u.csv"')
        (folder / "u.csv").write_text(UNIVERSE + text)

    return spoil


def with_rules(text: str) -> Spoil:
    return lambda folder: (folder / "newsquake.toml").write_text(text)


CONFIG = ("--config", "FOLDER/newsquake.toml")
CASES = (
    Case("truncated Parquet", FAILED, ("prices.parquet",), cut_parquet),
    Case("overwritten Parquet", FAILED, ("prices.parquet",), overwritten_parquet),
    Case(
        *("empty Parquet", FAILED, ("prices.parquet",)),
        lambda folder: as_parquet(folder).write_bytes(b""),
    ),
    Case("truncated gzip", FAILED, ("prices.csv.gz",), cut_gzip),
    Case("empty CSV", FAILED, ("prices.csv", "empty"), lambda f: (f / "prices.csv").write_text("")),
    Case(
        *("CSV without a column", FAILED, ("prices.csv", "'price'", "ticker, ts, last")),
        lambda folder: edited(folder / "prices.csv", HEADER, "ticker,ts,last\n"),
    ),
    Case(
        *("Parquet without a column", FAILED, ("prices.parquet", "'price'")),
        as_parquet_without_price,
    ),
    Case(
        *("prices that are no numbers", FAILED, ("prices.parquet", "'price'", "Boolean")),
        lambda folder: as_parquet(folder, price=pl.lit(value=True)),
    ),
    Case(
        *("headlines without a title", FAILED, ("headlines.jsonl", "'title'")),
        lambda folder: edited(folder / "headlines.jsonl", '"title"', '"headline"'),
    ),
    Case(
        *("no replay.toml", USAGE, ("FOLDER", "replay.toml")),
        lambda folder: (folder / "replay.toml").unlink(),
    ),
    Case(
        *("unknown key", USAGE, ("replay.toml:3:", '"benchmrk"', '"benchmark"')),
        in_replay("benchmark", "benchmrk"),
    ),
    Case(
        *("unknown key in a stanza", USAGE, ("replay.toml:10:", '"symbols"', '"symbol"')),
        in_replay("[[prices]]", '[[prices]]\nsymbols = "IBM"'),
    ),
    Case(
        *("unknown column name", USAGE, ("replay.toml:11:", "'zone'")),
        in_replay('price = "price"', 'price = "price", zone = "ts"'),
    ),
    Case("no TOML", USAGE, ("replay.toml:2:",), in_replay('"small"', "small")),
    Case(
        *("benchmark outside the universe", USAGE, ("replay.toml", "benchmark", "NOPE.XNYS")),
        in_replay("SPY.XNYS", "NOPE.XNYS"),
    ),
    Case(
        *("benchmark without a MIC", USAGE, ("replay.toml:3:", "benchmark", "SYMBOL.MIC")),
        in_replay("SPY.XNYS", "SPY"),
    ),
    Case(
        *("missing headlines", USAGE, ("replay.toml", "headlines.jsonl")),
        lambda folder: (folder / "headlines.jsonl").unlink(),
    ),
    Case(
        *("missing prices", USAGE, ("replay.toml", "prices.csv")),
        lambda folder: (folder / "prices.csv").unlink(),
    ),
    Case(
        *("missing universe", USAGE, ("universe.csv",)),
        in_replay('name = "small"', 'name = "small"\nuniverse = "universe.csv"'),
    ),
    Case(
        *("universe with a bad cell", FAILED, ("u.csv:2", "shares_per_unit")),
        with_universe("IBM,IBM,IBM,XNYS,USD,none,\n"),
    ),
    Case("speed 0", USAGE, ("--speed", "'0'"), options=("--speed", "0")),
    Case("speed below 0", USAGE, ("--speed", "'-1'"), options=("--speed=-1",)),
    Case("speed no number", USAGE, ("--speed", "'fast'"), options=("--speed", "fast")),
    Case("frame 0", USAGE, ("--frame", "'0'"), options=("--frame", "0")),
    Case("frame no number", USAGE, ("--frame", "'1.5'"), options=("--frame", "1.5")),
    Case("unknown option", USAGE, ("--sped",), options=("--sped", "1")),
    Case("missing configuration", USAGE, ("newsquake.toml",), options=CONFIG),
    Case(
        *("unknown key of a rule", USAGE, ("newsquake.toml:4:", '"level"', '"levels_pct"')),
        with_rules('[[rules]]\nname = "x"\nkind = "day_move"\nlevel = [3]\n'),
        CONFIG,
    ),
)
# What only a process of its own shows: the exit code, and what other libraries print.
AS_PROCESSES = ("truncated Parquet", "overwritten Parquet", "unknown key", "speed 0")


def spoilt(case: Case, folder: Path, out: Path) -> list[str]:
    """Write the case's folder and return the words of its command line."""
    case.spoil(write_small_folder(folder))
    options = [option.replace("FOLDER", str(folder)) for option in case.options]
    return ["replay", str(folder), "--out", str(out), *options]


def says(line: str, case: Case, folder: Path) -> None:
    for word in case.words:
        assert word.replace("FOLDER", str(folder)) in line
    assert len(line) < 400, "one line, not a page"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_said_in_one_line(
    case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "folder", tmp_path / "out"
    words = spoilt(case, folder, out)
    try:
        code = main(words)
    except SystemExit as leaving:  # argparse leaves by itself
        code = int(str(leaving.code))
    captured = capfd.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("newsquake")]
    assert code == case.code, captured.err
    assert len(lines) == 1, captured.err
    assert "Traceback" not in captured.err
    assert "panicked" not in captured.err
    assert captured.out == ""
    says(lines[0], case, folder)
    assert not out.exists(), "OUT was begun"


@pytest.mark.slow
@pytest.mark.parametrize("name", AS_PROCESSES)
def test_a_process_says_it_too(name: str, tmp_path: Path) -> None:
    (case,) = [case for case in CASES if case.name == name]
    done = newsquake(*spoilt(case, tmp_path / "folder", tmp_path / "out"))
    assert done.returncode == case.code
    assert "panicked" not in done.stderr
    says(refusal(done), case, tmp_path / "folder")
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["nowhere", "folder/replay.toml"])
def test_a_folder_that_is_none_is_refused(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_small_folder(tmp_path / "folder")
    assert main(["replay", str(tmp_path / name), "--out", str(tmp_path / "out")]) == USAGE
    (line,) = capfd.readouterr().err.splitlines()
    assert str(tmp_path / name) in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["taken", "taken/below"])
def test_an_out_that_is_a_file_is_refused(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = write_small_folder(tmp_path / "folder")
    (tmp_path / "taken").write_text("mine")
    assert main(["replay", str(folder), "--out", str(tmp_path / name)]) in (FAILED, USAGE)
    (line,) = [x for x in capfd.readouterr().err.splitlines() if x.startswith("newsquake")]
    assert str(tmp_path / name) in line
    assert (tmp_path / "taken").read_text() == "mine"


def test_an_earlier_result_survives_a_run_that_fails(tmp_path: Path) -> None:
    folder, out = write_small_folder(tmp_path / "folder"), tmp_path / "out"
    assert main(["replay", str(folder), "--out", str(out), "--json"]) == 0
    before = contents(out)
    cut_parquet(folder)
    assert main(["replay", str(folder), "--out", str(out), "--json"]) == FAILED
    assert contents(out) == before


def test_a_price_file_without_rows_is_nothing_wrong(tmp_path: Path) -> None:
    folder, out = write_small_folder(tmp_path / "folder"), tmp_path / "out"
    (folder / "prices.csv").write_text(HEADER)
    assert main(["replay", str(folder), "--out", str(out), "--json"]) == 0
    summary = summary_of(out)
    assert (summary["ticks"], summary["headlines"], summary["moves"]) == (0, 2, 0)
    reactions = records(out, "reactions")
    assert len(reactions) == 10
    assert all(r["price"] is None and "no_trade" in r["flags"] for r in reactions)


def test_results_never_replace_what_is_replayed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The folder's `headlines.jsonl` has the name of a result: OUT may not be the folder."""
    folder = write_small_folder(tmp_path / "folder")
    before = contents(folder)
    assert main(["replay", str(folder), "--out", str(folder)]) == USAGE
    assert str(folder) in capfd.readouterr().err
    assert contents(folder) == before


def test_bad_labels_are_counted_by_eval(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    good = json.dumps({"title": "Profit falls", "label": "negative"})
    file.write_text(f"{good}\nno JSON\n{good[:20]}\n")
    assert main(["eval", "sentiment", str(file)]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["n"], result["skipped"]) == (1, 2)
    assert main(["eval", "sentiment", str(tmp_path / "none.jsonl")]) in (FAILED, USAGE)
    assert "none.jsonl" in capfd.readouterr().err
