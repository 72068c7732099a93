"""Read recorded prices, trades or bars, from CSV or Parquet, as `replay.toml` describes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from streams.bounds import HIGHEST_PRICE, LARGEST_SIZE, LEAST_PRICE
from streams.errors import InputError
from streams.events import I32, I64, PRICE_SCALE, RECORD_CHARS, SECOND_NS, Flag, Reject
from streams.prices.conditions import ConditionsFormat, decode_conditions
from streams.prices.rows import Rows, select
from streams.prices.table import Table, read_table
from streams.times import FIRST_NS, PAST_END_NS, times_to_ns

Resolve = Callable[[str, str | None], str | None]
Mask = npt.NDArray[np.bool_]

FIELDS = (
    "symbol", "mic", "time", "price", "open", "high", "low", "close", "size", "volume",
    "conditions", "exchange",
)  # fmt: skip
KEY_SEPARATOR = "\x1f"
OHLC = ("open", "high", "low", "close")
# A row is refused for the first of these that is true of it.
REASONS = ("", "bad_time", "past", "future", "bad_price", "bad_bar", "bad_size")
UNDATED = ("bad_time", "past", "future")


class BarSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a bar is and which of its ends its stamp names."""

    seconds: int
    stamp: Literal["start", "end"] = "start"

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 86_400:
            raise ValueError(f"seconds: it is {self.seconds}; it must be 1 to 86400")


class PriceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[prices]]` stanza; `columns` maps our names to the file's."""

    path: str
    columns: dict[str, str]
    conditions_format: ConditionsFormat | None = None
    symbol: str | None = None
    mic: str | None = None
    bar: BarSpec | None = None

    def __post_init__(self) -> None:
        if fault := _fault(self):
            raise ValueError(f"columns: {fault}")

    @property
    def price_fields(self) -> tuple[str, ...]:
        """Our names of the price columns: all four of a bar, or the one there is."""
        if set(OHLC) <= set(self.columns):
            return OHLC
        return ("price",) if "price" in self.columns else ("close",)


def read_prices(path: Path, spec: PriceSpec, resolve: Resolve) -> tuple[Rows, list[Reject]]:
    """Return the rows of one file in its order, and a Reject for each one that is unusable.

    `resolve` names the listing of a vendor's symbol and MIC, None if unknown; rows of an unknown
    symbol share one Reject `unknown_symbol`. Other reasons: REASONS and `bad_row`. Raises
    InputError for a file that cannot be read, ColumnError for a column it lacks.
    """
    table = read_table(path, list(dict.fromkeys(spec.columns.values())))
    _check_types(path, table, spec)
    listing, listings, rejects = _listings(path.name, table, spec, resolve)
    rows, verdict = _rows(table.frame, spec, listing, listings)
    known = listing >= 0
    bad = np.flatnonzero(known & (verdict > 0))
    rejects += table.rejects
    for row in bad.tolist():
        reason = REASONS[verdict[row]]
        ts_ns = None if reason in UNDATED else int(rows.ts_ns[row])
        rejects.append(_bad_row(path.name, table, row, reason, ts_ns))
    keep = known & (verdict == 0)
    return (rows if keep.all() else select(rows, keep)), rejects


def _fault(spec: PriceSpec) -> str:
    """Return what is wrong with the columns, and how to mend it; "" if nothing is."""
    columns = set(spec.columns)
    if unknown := sorted(columns - set(FIELDS)):
        return f"there is no {unknown[0]!r}; there are {', '.join(FIELDS)}"
    if "symbol" not in columns and not spec.symbol:
        return "give columns.symbol, or symbol = where the file holds one listing"
    if "time" not in columns:
        return "they must name `time`"
    if {"size", "volume"} <= columns:
        return "they name both size and volume, which mean the same"
    if ("conditions" in columns) != (spec.conditions_format is not None):
        return "conditions and conditions_format go together: give both or neither"
    return _price_fault(columns, spec.bar)


def _price_fault(columns: set[str], bar: BarSpec | None) -> str:
    ohlc = columns & set(OHLC)
    if "price" in columns:
        return "they name price and also open, high, low or close" if ohlc else ""
    if not ohlc:
        return "they must name `price`, or open, high, low and close"
    if bar is None:
        return 'these are bars: add bar = { seconds = 60, stamp = "start" } (or "end")'
    if ohlc not in ({"close"}, set(OHLC)):
        return f"they lack {', '.join(sorted(set(OHLC) - ohlc))} of a bar"
    return ""


def _check_types(path: Path, table: Table, spec: PriceSpec) -> None:
    """Refuse a file whose columns cannot hold what they are said to hold."""
    time = spec.columns["time"]
    numbers = {spec.columns[name] for name in spec.price_fields}
    for column, dtype in table.frame.schema.items():
        number = dtype.is_numeric() or dtype == pl.String
        if column == time and not (number or isinstance(dtype, pl.Datetime)):
            raise InputError(str(path), f"column {column!r} holds {dtype}, not instants")
        if column in numbers and not number:
            raise InputError(str(path), f"column {column!r} holds {dtype}, not prices")


def _listings(
    file: str, table: Table, spec: PriceSpec, resolve: Resolve
) -> tuple[I32, tuple[str, ...], list[Reject]]:
    """Return each row's listing as an index into the names, -1 where the symbol is unknown."""
    keys, counts = _keys(table.frame, spec)
    places: dict[str, int] = {}
    index: dict[str, int] = {}
    rejects: list[Reject] = []
    for key, rows in counts:
        symbol, mic = key.split(KEY_SEPARATOR)
        name = resolve(symbol, mic or None) if symbol else None
        index[key] = places.setdefault(name, len(places)) if name else -1
        if name is None:
            rejects.append(_unknown_symbol(file, symbol, mic, rows))
    if len(index) <= 1:
        only = next(iter(index.values()), -1)
        return np.full(len(table.frame), only, np.int32), tuple(places), rejects
    numbers = keys.replace_strict(
        list(index), list(index.values()), return_dtype=pl.Int32, default=-1
    )
    return numbers.to_numpy(), tuple(places), rejects


def _keys(frame: pl.DataFrame, spec: PriceSpec) -> tuple[pl.Series, list[tuple[str, int]]]:
    """Return symbol and MIC of each row as one text, and the rows of each, by first appearance."""
    fallback = {"symbol": spec.symbol or "", "mic": spec.mic or ""}
    if spec.columns.keys().isdisjoint(fallback):
        return pl.Series(), [(KEY_SEPARATOR.join(fallback.values()), len(frame))]
    parts = [
        pl.col(spec.columns[name]).cast(pl.String).str.strip_chars().fill_null(text)
        if name in spec.columns
        else pl.lit(text)
        for name, text in fallback.items()
    ]
    keys = frame.select(pl.concat_str(parts, separator=KEY_SEPARATOR).alias("key"))
    counts = keys.group_by("key", maintain_order=True).len()
    return keys["key"], counts.rows()


def _unknown_symbol(file: str, symbol: str, mic: str, rows: int) -> Reject:
    name = f"{symbol}.{mic}" if mic else symbol
    mend = "add it to universe.csv" if mic else "add it to universe.csv or give `mic`"
    detail = f"{file}: symbol {name!r} ({rows} rows) is not in the universe; {mend}"
    return Reject(stage="read", reason="unknown_symbol", detail=detail, ts_ns=None, record=symbol)


def _rows(
    frame: pl.DataFrame, spec: PriceSpec, listing: I32, listings: tuple[str, ...]
) -> tuple[Rows, npt.NDArray[np.int8]]:
    """Return all rows, and for each the place in REASONS of what is wrong with it."""
    stamps, timed = times_to_ns(frame[spec.columns["time"]])
    price, priced = _prices([frame[spec.columns[name]] for name in spec.price_fields])
    size, sized = _sizes(frame, spec.columns.get("size") or spec.columns.get("volume"))
    open_, high, low, close = price if len(price) == 4 else price * 4
    broken = np.zeros(0, np.bool_)
    if len(price) == 4:
        broken = (low > np.minimum(open_, close)) | (high < np.maximum(open_, close))
    verdict = np.zeros(len(frame), np.int8)
    faults = (~timed, stamps < FIRST_NS, stamps >= PAST_END_NS, ~priced, broken, ~sized)
    for reason, mask in reversed(list(enumerate(faults, start=1))):
        if mask.any():
            verdict[mask] = reason
    # An instant outside the calendars may be at the edge of 64 bits: a bar's length overflows.
    dated = timed & (stamps >= FIRST_NS) & (stamps < PAST_END_NS)
    start_ns, ts_ns, known_ns = _instants(np.where(dated, stamps, FIRST_NS), spec.bar)
    flags, unknown = _flags(frame, spec)
    exchange, exchanges = _exchanges(frame, spec.columns.get("exchange"))
    rows = Rows(
        listing=listing, known_ns=known_ns, ts_ns=ts_ns, start_ns=start_ns, price=close,
        open=open_, high=high, low=low, size=size, flags=flags, exchange=exchange,
        listings=listings, exchanges=exchanges, unknown_conditions=unknown,
    )  # fmt: skip
    return rows, verdict


def _instants(stamps: I64, bar: BarSpec | None) -> tuple[I64, I64, I64]:
    """Return start, event time and known time; a bar happens 1 ns before its end (DESIGN 4.8)."""
    if bar is None:
        return stamps, stamps, stamps
    length_ns = bar.seconds * SECOND_NS
    start_ns = stamps if bar.stamp == "start" else stamps - length_ns
    end_ns = start_ns + length_ns
    return start_ns, end_ns - 1, end_ns


def _prices(columns: list[pl.Series]) -> tuple[list[I64], Mask]:
    """Return prices in millionths, and which rows have all of them sound."""
    made: list[I64] = []
    sound = np.ones(len(columns[0]), np.bool_)
    for column in columns:
        numbers = _floats(column).fill_null(np.nan).to_numpy()
        good = (numbers > LEAST_PRICE) & (numbers <= HIGHEST_PRICE / PRICE_SCALE)
        sound &= good
        whole = numbers if good.all() else np.where(good, numbers, 0.0)
        made.append(np.rint(whole * PRICE_SCALE).astype(np.int64))
    return made, sound


def _sizes(frame: pl.DataFrame, column: str | None) -> tuple[I64, Mask]:
    """Return shares, 0 where the file does not say, and which rows have a sound one."""
    if column is None:
        return np.zeros(len(frame), np.int64), np.ones(len(frame), np.bool_)
    said = frame[column]
    if said.dtype == pl.String:
        said = said.str.strip_chars().replace("", None)
    # A cell that is there but no number is bad; one that is not there is no volume.
    numbers = said.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    values = np.where(said.is_null().to_numpy(), 0.0, numbers)
    good = (values >= 0) & (values <= LARGEST_SIZE)
    return np.rint(np.where(good, values, 0.0)).astype(np.int64), good


def _floats(column: pl.Series) -> pl.Series:
    column = column.str.strip_chars() if column.dtype == pl.String else column
    return column.cast(pl.Float64, strict=False)


def _flags(frame: pl.DataFrame, spec: PriceSpec) -> tuple[I32, dict[str, int]]:
    flags, unknown = np.zeros(len(frame), np.int32), dict[str, int]()
    if spec.conditions_format is not None:
        column = frame[spec.columns["conditions"]]
        flags, unknown = decode_conditions(column, spec.conditions_format)
    return (flags | np.int32(Flag.bar) if spec.bar else flags), unknown


def _exchanges(frame: pl.DataFrame, column: str | None) -> tuple[I32, tuple[str, ...]]:
    """Return each row's exchange as an index into the names; 0 = not known."""
    if column is None:
        return np.zeros(len(frame), np.int32), ("",)
    texts = frame[column].cast(pl.String)
    written = sorted(texts.drop_nulls().unique().to_list())
    names = ["", *sorted({text.strip() for text in written} - {""})]
    places = [names.index(text.strip()) for text in written]
    index = texts.replace_strict(written, places, default=0, return_dtype=pl.Int32)
    return index.to_numpy(), tuple(names)


def _bad_row(file: str, table: Table, row: int, reason: str, ts_ns: int | None) -> Reject:
    cells = table.frame.row(row, named=True)
    text = " ".join(f"{column}={cell}" for column, cell in cells.items())
    detail = f"{file}:{int(table.numbers[row])}: {text[:200]}"
    record = text[:RECORD_CHARS]
    return Reject(stage="read", reason=reason, detail=detail, ts_ns=ts_ns, record=record)
