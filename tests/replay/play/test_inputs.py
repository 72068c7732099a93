"""A replay folder as it is read: whose rows they are, and what daily files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.config.daily import read_daily
from agents.config.replay import DailyColumns, DailySpec
from agents.reacting.config import DailyRow, Rule
from agents.replay.play.inputs import Inputs, read_inputs
from streams.errors import ColumnError, ConfigError, InputError

UNIVERSE = (
    "issuer,name,symbol,mic,currency,shares_per_unit,aliases\n"
    "ALI,Alibaba Group,BABA,XNYS,USD,8,Alibaba\n"
    "ALI,Alibaba Group,9988,XHKG,HKD,1,Alibaba\n"
)
PRICES = "tk,mic,ts,px\nBABA,XNYS,2025-09-24T14:00:00Z,170\nNEWCO,XHKG,2025-09-24T02:00:00Z,5\n"
STANZA = 'columns = { symbol = "tk", time = "ts", price = "px"%s }\n'


def folder(tmp_path: Path, prices: str, stanza: str, head: str = "") -> Path:
    (tmp_path / "universe.csv").write_text(UNIVERSE)
    (tmp_path / "p.csv").write_text(prices)
    (tmp_path / "replay.toml").write_text(
        f'[replay]\nname = "t"\nuniverse = "universe.csv"\n{head}'
        f'[[prices]]\npath = "p.csv"\n{stanza}'
    )
    return tmp_path


def read(path: Path) -> Inputs:
    return read_inputs(path, (Rule(),), lambda _: None)


def test_a_mic_column_is_believed_and_makes_listings(tmp_path: Path) -> None:
    inputs = read(folder(tmp_path, PRICES, STANZA % ', mic = "mic"'))
    assert set(inputs.rows.listings) == {"BABA.XNYS", "NEWCO.XHKG"}
    assert inputs.universe.listings["NEWCO.XHKG"].currency == "HKD"
    assert inputs.universe.issuers["NEWCO"].listings[0].listing == "NEWCO.XHKG"
    assert inputs.rows.known_ns.tolist() == sorted(inputs.rows.known_ns.tolist())
    assert inputs.rejects == []


def test_the_stanzas_mic_only_fills_in(tmp_path: Path) -> None:
    inputs = read(folder(tmp_path, PRICES, STANZA % "" + 'mic = "XNAS"\n'))
    assert set(inputs.rows.listings) == {"BABA.XNYS", "NEWCO.XNAS"}


def test_without_any_mic_an_unknown_symbol_is_one_reject(tmp_path: Path) -> None:
    inputs = read(folder(tmp_path, PRICES, STANZA % ""))
    assert inputs.rows.listings == ("BABA.XNYS",)
    assert [r.reason for r in inputs.rejects] == ["unknown_symbol"]


def test_inputs_id_follows_every_byte_and_config_id_the_rules(tmp_path: Path) -> None:
    path = folder(tmp_path, PRICES, STANZA % ', mic = "mic"')
    first = read(path)
    assert (read(path).inputs_id, read(path).config_id) == (first.inputs_id, first.config_id)
    (path / "p.csv").write_text(PRICES.replace("170", "171"))
    assert read(path).inputs_id != first.inputs_id
    other = read_inputs(path, (Rule(name="mine"),), lambda _: None)
    assert other.config_id != first.config_id


def test_a_file_that_appears_while_others_are_read_is_neither_read_nor_hashed(
    tmp_path: Path,
) -> None:
    path = folder(tmp_path, PRICES, STANZA % ', mic = "mic"')
    (path / "h.jsonl").write_text('{"at": "2025-09-24T14:00:00Z", "title": "Alibaba rises"}\n')
    with (path / "replay.toml").open("a") as file:
        file.write('[[headlines]]\npath = "h.jsonl"\n')
        file.write('columns = { title = "title", published = "at" }\n')
    (path / "replay.toml").write_text(
        (path / "replay.toml").read_text().replace('path = "p.csv"', 'path = "p*.csv"')
    )
    before = read(path)

    def appears(text: str) -> None:
        if text == "reading h.jsonl":
            (path / "p2.csv").write_text(PRICES.replace("NEWCO", "LATER"))

    during = read_inputs(path, (Rule(),), appears)
    assert (path / "p2.csv").is_file()
    assert during.paths == before.paths
    assert during.inputs_id == before.inputs_id
    assert during.rows.listings == before.rows.listings
    after = read(path)
    assert "LATER.XHKG" in after.rows.listings
    assert after.inputs_id != before.inputs_id


def test_a_universe_is_one_file(tmp_path: Path) -> None:
    path = folder(tmp_path, PRICES, STANZA % ', mic = "mic"')
    (path / "replay.toml").write_text(
        (path / "replay.toml").read_text().replace('"universe.csv"', '"universe*.csv"')
    )
    assert "BABA.XNYS" in read(path).universe.listings
    (path / "universe2.csv").write_text(UNIVERSE)
    with pytest.raises(ConfigError, match="names 2 files; it must name one"):
        read(path)


def test_a_benchmark_outside_the_universe_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, PRICES, STANZA % ', mic = "mic"', head='benchmark = "QQQ.XNAS"\n')
    with pytest.raises(ConfigError, match=r"QQQ\.XNAS"):
        read(path)


def daily(tmp_path: Path, text: str) -> tuple[list[DailyRow], list[str]]:
    path = tmp_path / "daily.csv"
    path.write_text(text)
    columns = DailyColumns(
        date="date", symbol="tk", close="close", split="split", dividend="dividend"
    )
    spec = DailySpec(path="daily.csv", columns=columns)
    rows, rejects = read_daily(path, spec, lambda s, _: f"{s}.XNYS" if s == "BABA" else None)
    return rows, [r.detail for r in rejects]


def test_daily_rows_are_exact(tmp_path: Path) -> None:
    rows, rejects = daily(
        tmp_path,
        "tk,date,close,split,dividend\nBABA,2025-09-23,163.08,,\nBABA,2025-09-24,,1.5,0.125\n",
    )
    assert rejects == []
    assert rows == [
        DailyRow(listing="BABA.XNYS", date=20_354, close=163_080_000),
        DailyRow(listing="BABA.XNYS", date=20_355, split=(3, 2), dividend=125_000),
    ]


def test_bad_daily_rows_are_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    rows, rejects = daily(
        tmp_path,
        "tk,date,close,split,dividend\nBABA,yesterday,1,,\nWHO,2025-09-23,1,,\n"
        "BABA,2025-09-23,0,,\nBABA,2025-09-23,-5,,\nBABA,2025-09-23,1,0,\nBABA,2025-09-23,2,,\n"
        "BABA,2025-09-23,nan,,\n",
    )
    assert [r.close for r in rows] == [2_000_000]
    assert [d.split(":")[1] for d in rejects] == ["2", "3", "4", "5", "6", "8"]


def test_an_unreadable_daily_file_is_named(tmp_path: Path) -> None:
    spec = DailySpec(path="d.parquet", columns=DailyColumns(date="date", close="c"), symbol="BABA")
    (tmp_path / "d.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"d\.parquet: cannot be read"):
        read_daily(tmp_path / "d.parquet", spec, lambda *_: None)
    with pytest.raises(ColumnError, match="no column 'split'"):
        daily(tmp_path, "tk,date,close,dividend\n")
