"""Recorded prices: trades and bars, CSV and Parquet, with all that is wrong in them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from streams.errors import ColumnError, InputError
from streams.events import SECOND_NS, Flag, Reject
from streams.prices.files import BarSpec, PriceSpec, read_prices
from streams.prices.rows import Rows, concat, sort_by_known

NOON = "2025-09-24T12:00:00Z"
NOON_NS = 1_758_715_200 * SECOND_NS
TRADES = {"time": "t", "price": "p", "size": "s"}
BARS = {"time": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
KNOWN = {("BABA", None): "BABA.XNYS", ("9988", "XHKG"): "9988.XHKG", ("SPY", None): "SPY.XNYS"}

Read = Callable[..., tuple[Rows, list[Reject]]]


def resolve(symbol: str, mic: str | None) -> str | None:
    return KNOWN.get((symbol, mic))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read text or a frame as a file of the given name and description."""

    def reader(
        content: str | bytes | pl.DataFrame, name: str = "p.csv", **spec: Any
    ) -> tuple[Rows, list[Reject]]:
        path = tmp_path / name
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        given = {"path": name, "columns": TRADES, **spec}
        if "symbol" not in given["columns"]:
            given.setdefault("symbol", "BABA")
        return read_prices(path, PriceSpec(**given), resolve)

    return reader


def reasons(rejects: list[Reject]) -> list[tuple[str, str]]:
    return [(reject.reason, reject.detail.split(": ")[0]) for reject in rejects]


def test_trades(read: Read) -> None:
    text = f"t,p,s,x,c\n{NOON},178.01,100,Q,\n2025-09-24T12:00:00.000000001Z,178.0000005,,, TI\n"
    columns = {**TRADES, "exchange": "x", "conditions": "c"}
    rows, rejects = read(text, columns=columns, conditions_format="cta")
    assert rejects == []
    assert rows.ts_ns.tolist() == [NOON_NS, NOON_NS + 1]
    assert rows.price.tolist() == [178_010_000, 178_000_000]  # half a millionth rounds to even
    assert rows.size.tolist() == [100, 0]
    assert rows.flags.tolist() == [0, Flag.extended | Flag.no_last | Flag.no_range]
    assert [rows.exchanges[place] for place in rows.exchange] == ["Q", ""]
    assert rows.known_ns is rows.ts_ns is rows.start_ns
    assert rows.open is rows.high is rows.low is rows.price


@pytest.mark.parametrize(("stamp", "start_s"), [("start", 0), ("end", -60)])
def test_bars(read: Read, stamp: Any, start_s: int) -> None:
    text = f"t,o,h,l,c,v\n{NOON},10,11.5,9.25,10.75,1200\n"
    rows, rejects = read(text, columns=BARS, bar=BarSpec(60, stamp))
    assert rejects == []
    start_ns = NOON_NS + start_s * SECOND_NS
    assert rows.start_ns.tolist() == [start_ns]
    assert rows.ts_ns.tolist() == [start_ns + 60 * SECOND_NS - 1]
    assert rows.known_ns.tolist() == [start_ns + 60 * SECOND_NS]
    assert [int(column[0]) for column in (rows.open, rows.high, rows.low, rows.price)] == [
        10_000_000, 11_500_000, 9_250_000, 10_750_000,
    ]  # fmt: skip
    assert rows.size.tolist() == [1_200]
    assert rows.flags.tolist() == [Flag.bar]


def test_one_price_a_minute_is_a_bar_of_four_equal_prices(read: Read) -> None:
    rows, _ = read(f"t,p\n{NOON},53.26\n", columns={"time": "t", "price": "p"}, bar=BarSpec(60))
    assert rows.open is rows.high is rows.low is rows.price
    assert rows.price.tolist() == [53_260_000]
    assert rows.flags.tolist() == [Flag.bar]
    assert rows.known_ns.tolist() == [NOON_NS + 60 * SECOND_NS]


def test_parquet_reads_like_csv(read: Read) -> None:
    stamps = pl.Series([NOON_NS // 1_000]).cast(pl.Datetime("us", "UTC"))
    frame = pl.DataFrame({"t": stamps, "p": [178.01], "s": [100], "extra": ["x"]})
    rows, rejects = read(frame, "p.parquet")
    assert rejects == []
    assert (rows.ts_ns[0], rows.price[0], rows.size[0]) == (NOON_NS, 178_010_000, 100)


def test_each_bad_trade_is_refused_with_its_row_and_reason(read: Read) -> None:
    lines = [
        f"{NOON},178,1", f"{NOON},0,1", f"{NOON},-1,1", f"{NOON},NaN,1", f"{NOON},inf,1",
        f"{NOON},,1", f"{NOON},x,1", f"{NOON},2e9,1", "soon,178,1", ",178,1",
        "1999-12-31T23:59:59Z,178,1", "2028-01-01T00:00:00Z,178,1", "9999-01-01T00:00:00Z,178,1",
        f"{NOON},178,-1", f"{NOON},178,NaN", f"{NOON},178,many", f"{NOON},178,", "soon,-1,-1",
        "2025-09-24T11:00:00Z,177,1",
    ]  # fmt: skip
    rows, rejects = read("t,p,s\n" + "\n".join(lines) + "\n")
    assert rows.price.tolist() == [178_000_000, 178_000_000, 177_000_000]
    assert reasons(rejects) == [
        *((reason, f"p.csv:{row}") for row, reason in enumerate(
            ["bad_price"] * 7 + ["bad_time"] * 2 + ["past", "future", "future"]
            + ["bad_size"] * 3, start=3)),
        ("bad_time", "p.csv:19"),
    ]  # fmt: skip
    assert rejects[0].record == f"t={NOON} p=0 s=1"
    assert rejects[0].ts_ns == NOON_NS
    assert rejects[7].ts_ns is None


def test_null_and_odd_numbers_in_parquet(read: Read) -> None:
    nan, inf = float("nan"), float("inf")
    frame = pl.DataFrame(
        {
            "t": [NOON_NS, None, NOON_NS, NOON_NS, NOON_NS, NOON_NS],
            "p": [178.0, 178.0, None, nan, -inf, 178.0],
            "s": [None, 1.0, 1.0, 1.0, 1.0, inf],
        }
    )
    rows, rejects = read(frame, "p.parquet")
    assert rows.size.tolist() == [0]
    assert [reason for reason, _ in reasons(rejects)] == [
        "bad_time", "bad_price", "bad_price", "bad_price", "bad_size",
    ]  # fmt: skip


def test_bars_that_contradict_themselves(read: Read) -> None:
    lines = ["10,9,11,10", "12,11,9,10", "10,11,9,8", "10,11,9,10", "10,0,9,10"]
    text = "t,o,h,l,c,v\n" + "".join(f"{NOON},{line},1\n" for line in lines)
    rows, rejects = read(text, columns=BARS, bar=BarSpec(60))
    assert len(rows) == 1
    assert reasons(rejects) == [
        ("bad_bar", "p.csv:2"), ("bad_bar", "p.csv:3"), ("bad_bar", "p.csv:4"),
        ("bad_price", "p.csv:6"),
    ]  # fmt: skip


def test_an_unknown_symbol_is_one_reject_however_many_rows(read: Read) -> None:
    rows = [("BABA", ""), ("XYZ", ""), ("9988", "XHKG"), ("XYZ", ""), ("9988", ""), ("", "")]
    text = "y,m,t,p,s\n" + "".join(f"{y},{m},{NOON},5,1\n" for y, m in rows)
    columns = {**TRADES, "symbol": "y", "mic": "m"}
    kept, rejects = read(text, columns=columns)
    assert [kept.listings[place] for place in kept.listing] == ["BABA.XNYS", "9988.XHKG"]
    assert [(reject.reason, reject.record) for reject in rejects] == [
        ("unknown_symbol", "XYZ"), ("unknown_symbol", "9988"), ("unknown_symbol", ""),
    ]  # fmt: skip
    assert rejects[0].detail == (
        "p.csv: symbol 'XYZ' (2 rows) is not in the universe; add it to universe.csv or give `mic`"
    )


def test_the_symbol_and_mic_of_the_description(read: Read) -> None:
    text = f"t,p,s\n{NOON},5,1\n"
    rows, _ = read(text, symbol="9988", mic="XHKG")
    assert rows.listings == ("9988.XHKG",)
    rows, rejects = read(text, symbol="9988")
    assert (len(rows), [reject.reason for reject in rejects]) == (0, ["unknown_symbol"])


def test_numeric_symbols(read: Read) -> None:
    frame = pl.DataFrame({"y": [9988], "t": [NOON_NS], "p": [174], "s": [400]})
    rows, _ = read(frame, "p.parquet", columns={**TRADES, "symbol": "y"}, mic="XHKG")
    assert (rows.listings, rows.price.tolist()) == (("9988.XHKG",), [174_000_000])


def test_csv_lines_of_too_many_fields_are_refused_and_the_rest_read(read: Read) -> None:
    text = f"t,p,s\n{NOON},178,1\n{NOON},1,780.5,1\n\n{NOON},179\n{NOON},180,1\n"
    rows, rejects = read(text)
    assert rows.price.tolist() == [178_000_000, 179_000_000, 180_000_000]
    assert reasons(rejects) == [("bad_row", "p.csv:3")]


def test_blank_lines_and_no_rows(read: Read) -> None:
    rows, rejects = read(f"t,p,s\n\n{NOON},178,1\n\n")
    assert (len(rows), rejects) == (1, [])
    rows, rejects = read("t,p,s\n")
    assert (len(rows), rejects) == (0, [])


def test_gzip_is_read_whole_or_not_at_all(read: Read) -> None:
    packed = gzip.compress(b"t,p,s\n" + f"{NOON},178,1\n".encode() * 500)
    assert len(read(packed, "p.csv.gz")[0]) == 500
    with pytest.raises(InputError, match=r"p\.csv\.gz"):
        read(packed[: len(packed) // 2], "p.csv.gz")


def test_missing_columns_name_what_is_there(read: Read) -> None:
    with pytest.raises(ColumnError, match="no column 'p'; the file has t, price, s"):
        read(f"t,price,s\n{NOON},1,1\n")
    with pytest.raises(ColumnError, match="no column 's'"):
        read(pl.DataFrame({"t": [1], "p": [1.0]}), "p.parquet")


def test_damaged_files_are_named(read: Read, tmp_path: Path) -> None:
    frame = pl.DataFrame({"t": [NOON_NS], "p": [1.0], "s": [1]})
    frame.write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"PAR1", whole[:-4] + b"XXXX"):
        with pytest.raises(InputError, match=r"p\.parquet: not a sound Parquet file") as caught:
            read(damaged, "p.parquet")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="the file is empty"):
        read("")
    with pytest.raises(InputError, match="not a sound CSV file"):
        read(f't,p,s\n{NOON},"178,1\n')
    with pytest.raises(InputError, match="unknown kind of price file"):
        read("x", "p.xlsx")
    with pytest.raises(InputError, match="No such file"):
        read_prices(
            tmp_path / "gone.csv", PriceSpec(path="g", columns=TRADES, symbol="BABA"), resolve
        )


def test_columns_of_the_wrong_kind(read: Read) -> None:
    dates = pl.Series(["2025-09-24"]).str.to_date()
    with pytest.raises(InputError, match="column 't' holds Date, not instants"):
        read(pl.DataFrame({"t": dates, "p": [1.0], "s": [1]}), "p.parquet")
    with pytest.raises(InputError, match="column 'p' holds Boolean, not prices"):
        read(pl.DataFrame({"t": [NOON_NS], "p": [True], "s": [1]}), "p.parquet")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"columns": TRADES}, "give columns.symbol, or symbol ="),
        ({"columns": {"price": "p"}, "symbol": "A"}, "must name `time`"),
        ({"columns": {"time": "t"}, "symbol": "A"}, "must name `price`"),
        ({"columns": BARS, "symbol": "A"}, "add bar = { seconds = 60"),
        ({"columns": {**BARS, "price": "p"}, "symbol": "A"}, "name price and also open"),
        ({"columns": {**TRADES, "volume": "v"}, "symbol": "A"}, "both size and volume"),
        ({"columns": {**TRADES, "ticker": "v"}, "symbol": "A"}, "there is no 'ticker'"),
        ({"columns": {**TRADES, "conditions": "c"}, "symbol": "A"}, "go together"),
        ({"columns": TRADES, "conditions_format": "cta", "symbol": "A"}, "go together"),
        (
            {"columns": {"time": "t", "open": "o"}, "symbol": "A", "bar": BarSpec(60)},
            "lack close, high, low",
        ),
    ],
)
def test_wrong_descriptions_say_what_would_be_right(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PriceSpec(path="p.csv", **spec)


def test_a_bar_has_a_length_and_unknown_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="seconds: it is 0"):
        BarSpec(0)
    given = {"path": "p.csv", "columns": TRADES, "symbol": "A", "bars": 60}
    with pytest.raises(msgspec.ValidationError, match="bars"):
        msgspec.convert(given, PriceSpec)


def test_the_real_ticks_read_whole(shared_data: Path) -> None:
    folder = shared_data / "R1_replay_dev_2013-10"
    columns = {"time": "ts", "price": "price", "size": "size", "conditions": "cond",
               "exchange": "exchange"}  # fmt: skip
    parts = []
    for symbol in ("SPY", "BAC", "AIG", "IBM"):
        spec = PriceSpec(
            path="ticks", columns=columns, conditions_format="flags_hex", symbol=symbol
        )
        rows, rejects = read_prices(
            folder / f"ticks_{symbol}.parquet", spec, lambda symbol, _: f"{symbol}.XNYS"
        )
        assert rejects == []
        parts.append(rows)
    rows = sort_by_known(concat(parts))
    assert len(rows) == 2_793_812
    assert rows.listings == ("SPY.XNYS", "BAC.XNYS", "AIG.XNYS", "IBM.XNYS")
    closes = rows.flags & Flag.official_close != 0
    assert int(closes[rows.listing == 2].sum()) == 5  # AIG: one closing print a day


def test_the_real_minutes_read_whole(shared_data: Path) -> None:
    columns = {"symbol": "ticker", "time": "ts", "price": "price"}
    spec = PriceSpec(path="prices", columns=columns, bar=BarSpec(60))
    path = shared_data / "R2_replay_dev_2007-01" / "prices_1m.csv"
    rows, rejects = read_prices(path, spec, lambda symbol, _: f"{symbol}.XNYS")
    assert (len(rows), len(rows.listings), rejects) == (112_320, 9, [])
    assert set(rows.flags.tolist()) == {int(Flag.bar)}
