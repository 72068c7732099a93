"""Read the columns of a CSV or Parquet file, whatever its faults, in one vectorised pass.

A CSV comes as text: each column is converted by who knows what it means, so one bad cell costs
one row and not the file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from polars.exceptions import ComputeError, NoDataError, PanicException, PolarsError

from streams.errors import ColumnError, InputError
from streams.events import I64, RECORD_CHARS, Reject
from streams.inflate import MOST_RATIO, SURE_BYTES, contents

PARQUET_SUFFIXES = (".parquet", ".pq")
CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


class Table(msgspec.Struct, frozen=True, eq=False):
    """Some columns of a file; `numbers` are a CSV's lines (its header is 1), else rows from 1."""

    frame: pl.DataFrame
    numbers: I64
    rejects: list[Reject]


def read_table(path: Path, columns: Sequence[str]) -> Table:
    """Return `columns` of the file; CSV columns are text, an empty cell null, blank lines gone.

    A CSV line of too many fields becomes a Reject `bad_row`. Raises InputError for a file that
    is not what its name says or is damaged, ColumnError for a column it does not have.
    """
    name = path.name.lower()
    if name.endswith(PARQUET_SUFFIXES):
        return _parquet(path, columns)
    if name.endswith(CSV_SUFFIXES):
        return _csv(path, columns, "\t" if ".tsv" in name else ",")
    known = " ".join((*PARQUET_SUFFIXES, *CSV_SUFFIXES))
    raise InputError(str(path), f"unknown kind of price file; known are {known}")


def _parquet(path: Path, columns: Sequence[str]) -> Table:
    try:
        with path.open("rb") as file:  # a name may hold what globs read as marks
            schema = pl.read_parquet_schema(file)
        _check_columns(path, columns, list(schema))
        _check_growth(path, len(columns))
        frame = pl.read_parquet(path, columns=list(columns), glob=False)
    except OSError as error:
        raise InputError(str(path), error.strerror or _first_line(error)) from error
    # A damaged page can make polars' reader panic, which is no PolarsError.
    except (PolarsError, PanicException) as error:
        raise InputError(str(path), f"not a sound Parquet file: {_first_line(error)}") from error
    return Table(frame, np.arange(1, len(frame) + 1), [])


def _check_growth(path: Path, columns: int) -> None:
    """Refuse a file whose rows, run-length encoded, would fill the memory; its footer counts them."""
    rows = int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    size = path.stat().st_size
    if 8 * rows * columns > max(SURE_BYTES, MOST_RATIO * size):
        detail = f"{rows:,} rows in {size:,} bytes: it inflates as no table does"
        raise InputError(str(path), detail)


def _csv(path: Path, columns: Sequence[str], separator: str) -> Table:
    data = contents(path)
    try:
        header = pl.read_csv(
            data, n_rows=0, infer_schema=False, encoding="utf8-lossy", separator=separator,
            truncate_ragged_lines=True,
        ).columns  # fmt: skip
        _check_columns(path, columns, header)
        frame = pl.read_csv(
            data, columns=list(columns), infer_schema=False, encoding="utf8-lossy",
            separator=separator,
        )  # fmt: skip
    except NoDataError as error:
        raise InputError(str(path), "the file is empty") from error
    except ComputeError as error:
        if "more fields" in str(error):
            return _ragged(path, data, columns, separator)
        raise InputError(str(path), f"not a sound CSV file: {_first_line(error)}") from error
    except (PolarsError, PanicException) as error:
        raise InputError(str(path), f"not a sound CSV file: {_first_line(error)}") from error
    return _without_blank_lines(frame, np.arange(2, len(frame) + 2), [])


def _ragged(path: Path, data: bytes, columns: Sequence[str], separator: str) -> Table:
    """Read a CSV some of whose lines have too many fields, line by line; those are refused."""
    text = data.decode("utf-8-sig", "replace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header, *lines = list(reader)
    except csv.Error as error:
        raise InputError(str(path), f"line {reader.line_num}: {error}") from error
    good, rejects = list[int](), list[Reject]()
    for number, cells in enumerate(lines, start=2):
        if len(cells) <= len(header):
            good.append(number)
            continue
        detail = f"{path.name}:{number}: {len(cells)} fields, the header has {len(header)}"
        rejects.append(_bad_row(detail, separator.join(cells)))
    wanted = [(column, header.index(column)) for column in columns]
    frame = pl.DataFrame(
        {column: [_cell(lines[number - 2], place) for number in good] for column, place in wanted},
        schema=dict.fromkeys(columns, pl.String),
    )
    return _without_blank_lines(frame, np.array(good, np.int64), rejects)


def _cell(cells: list[str], place: int) -> str | None:
    return (cells[place] or None) if place < len(cells) else None


def _bad_row(detail: str, text: str) -> Reject:
    return Reject(
        stage="read", reason="bad_row", detail=detail, ts_ns=None, record=text[:RECORD_CHARS]
    )


def _without_blank_lines(frame: pl.DataFrame, numbers: I64, rejects: list[Reject]) -> Table:
    if not frame.width or not frame.get_columns()[0].null_count():
        return Table(frame, numbers, rejects)
    written = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    return Table(frame.filter(written), numbers[written.to_numpy()], rejects)


def _check_columns(path: Path, wanted: Sequence[str], present: list[str]) -> None:
    for column in wanted:
        if column not in present:
            raise ColumnError(str(path), column, present)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:200] or type(error).__name__
