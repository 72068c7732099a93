"""`[[daily]]` files: official closes, splits and dividends by trade date."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl

from agents.config.replay import DailySpec
from agents.reacting.config import DailyRow
from streams.bounds import HIGHEST_PRICE
from streams.errors import ColumnError, InputError
from streams.events import PRICE_SCALE, Reject

Resolve = Callable[[str, str | None], str | None]
FIELDS = ("symbol", "date", "close", "split", "dividend")


def read_daily(
    path: Path, spec: DailySpec, resolve: Resolve
) -> tuple[list[DailyRow], list[Reject]]:
    """Return the rows of a daily file, and a Reject for each that is unusable.

    Raises InputError for an unreadable file, ColumnError for a named column it lacks.
    """
    frame = _table(path)
    columns = {f: c for f in FIELDS if (c := getattr(spec.columns, f)) is not None}
    for column in columns.values():
        if column not in frame.columns:
            raise ColumnError(str(path), column, frame.columns)
    rows: list[DailyRow] = []
    rejects: list[Reject] = []
    chosen = frame.select(pl.col(list(dict.fromkeys(columns.values()))).cast(pl.String))
    first = 1 if path.suffix.lower() == ".parquet" else 2  # a CSV's line, its header being 1
    for number, record in enumerate(chosen.iter_rows(named=True), start=first):
        values = {field: (record[column] or "").strip() for field, column in columns.items()}
        try:
            rows.append(_row(values, spec, resolve))
        except (ValueError, ZeroDivisionError, OverflowError) as fault:
            rejects.append(
                Reject(
                    stage="read",
                    reason="bad_daily",
                    detail=f"{path.name}:{number}: {fault}",
                    ts_ns=None,
                    record=str(record)[:2000],
                )
            )
    return rows, rejects


def _table(path: Path) -> pl.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as fault:
        first = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise InputError(str(path), f"cannot be read as a table: {first}") from fault


def _row(values: dict[str, str], spec: DailySpec, resolve: Resolve) -> DailyRow:
    symbol = values.get("symbol") or spec.symbol or ""
    listing = resolve(symbol, spec.mic)
    if listing is None:
        raise ValueError(f"unknown symbol {symbol!r}; add it to universe.csv or give mic")
    split = Fraction(values["split"]) if values.get("split") else None
    if split is not None and split <= 0:
        raise ValueError(f"split is {values['split']}; it must be above 0")
    return DailyRow(
        listing=listing,
        date=int(np.datetime64(values["date"][:10], "D").astype(np.int64)),
        close=_millionths(values.get("close", ""), least=1),
        split=None if split in (None, 1) else (split.numerator, split.denominator),
        dividend=_millionths(values.get("dividend", ""), least=0) or None,
    )


def _millionths(text: str, least: int) -> int | None:
    if not text:
        return None
    value = round(Fraction(text) * PRICE_SCALE)
    if not least <= value <= HIGHEST_PRICE:
        raise ValueError(f"{text} is no price")
    return value
