"""Which day levels recorded prices pass, in a few lines of their own: no product code, no engine.

DESIGN 3 and 4: the previous close is the official closing print (the largest, then the last) or
else the last regular price; a level is passed by 100 * (price - close) >= level * close, up or
down, once a trade date, in whole millionths; of a bar the high and the low count, at its end.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl

LEVELS_PCT = (3, 5, 8, 10, 15, 20)
CLOSING_PRINT = 0x80
OPENS, CLOSES = dt.time(9, 30), dt.time(16)  # New York; neither window holds a half day

Passed = dict[tuple[str, int], tuple[int, int, int]]  # (direction, level): price, close, ts_ns
DayLevels = dict[tuple[str, str], Passed]  # by symbol and trade date


def minute_bars(path: Path) -> pl.DataFrame:
    """Return a CSV's bars, or its minute prices as bars whose prices are all equal."""
    frame = pl.read_csv(path)
    high, low, close = ("high", "low", "close") if "high" in frame.columns else ("price",) * 3
    start = pl.col("ts").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ns").dt.epoch("ns")
    return frame.select(
        symbol="ticker",
        start_ns=start,
        ts_ns=start + 60 * 10**9 - 1,
        known_ns=start + 60 * 10**9,
        high=_millionths(high),
        low=_millionths(low),
        close=_millionths(close),
        size=pl.lit(0, pl.Int64),
        official=pl.lit(value=False),
    )


def trades(path: Path) -> pl.DataFrame:
    """Return the trades of `ticks_SYMBOL.parquet`."""
    ts_ns = pl.col("ts").dt.epoch("ns")
    flags = pl.col("cond").cast(pl.String).str.to_integer(base=16, dtype=pl.Int64)
    return pl.read_parquet(path).select(
        symbol=pl.lit(path.stem.removeprefix("ticks_")),
        start_ns=ts_ns,
        ts_ns=ts_ns,
        known_ns=ts_ns,
        high=_millionths("price"),
        low=_millionths("price"),
        close=_millionths("price"),
        size=pl.col("size").cast(pl.Int64),
        official=flags & CLOSING_PRINT != 0,
    )


def day_levels(rows: pl.DataFrame) -> DayLevels:
    """Return what each symbol passes on each of its trade dates, empty where it is nothing."""
    local = pl.from_epoch("start_ns", time_unit="ns").dt.replace_time_zone("UTC")
    local = local.dt.convert_time_zone("America/New_York")
    rows = rows.with_columns(date=local.dt.date().cast(pl.String), at=local.dt.time())
    found: DayLevels = {}
    close: dict[str, int] = {}
    for day in rows.sort("known_ns", maintain_order=True).partition_by("symbol", "date"):
        symbol, date = day["symbol"][0], day["date"][0]
        traded = day.filter(~pl.col("official"))
        found[symbol, date] = _passed(traded, close[symbol]) if symbol in close else {}
        closing = day.filter("official").sort("size", maintain_order=True)
        regular = traded.filter((pl.col("at") >= OPENS) & (pl.col("at") < CLOSES))
        close[symbol] = (closing if len(closing) else regular)["close"][-1]
    return found


def told(moves: list[dict[str, Any]]) -> DayLevels:
    """Return what a `moves.jsonl` says in the same form, without the empty days."""
    found: DayLevels = {}
    for move in moves:
        assert move["kind"] == "day"
        day = found.setdefault((move["listing"].rpartition(".")[0], move["trade_date"]), {})
        price, close = (round(move[key] * 10**6) for key in ("price", "reference_price"))
        assert (move["direction"], move["level_pct"]) not in day, "a level passed twice"
        day[move["direction"], move["level_pct"]] = (price, close, move["ts_ns"])
    return found


def _passed(rows: pl.DataFrame, close: int) -> Passed:
    passed: Passed = {}
    for direction, extreme, sign in (("up", "high", 1), ("down", "low", -1)):
        for level in LEVELS_PCT:
            beyond = rows.filter(100 * sign * (pl.col(extreme) - close) >= level * close)
            if len(beyond):
                passed[direction, level] = (beyond[extreme][0], close, beyond["ts_ns"][0])
    return passed


def _millionths(column: str) -> pl.Expr:
    return (pl.col(column) * 10**6).round().cast(pl.Int64)
