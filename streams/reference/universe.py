"""Read the issuers and listings that a run follows: `universe.csv`, one row a listing."""

from __future__ import annotations

import csv
import functools
import importlib.resources
import io
import math
from collections.abc import Iterator
from pathlib import Path

import msgspec

from streams.errors import ColumnError, InputError
from streams.events import Issuer, Listing

REQUIRED_COLUMNS = (
    "issuer",
    "name",
    "symbol",
    "mic",
    "currency",
    "shares_per_unit",
    "aliases",
)
OPTIONAL_COLUMNS = ("isin", "cik", "sector", "benchmark")
HONG_KONG = "XHKG"

Row = dict[str, str]


class Universe(msgspec.Struct, frozen=True, kw_only=True):
    """The companies and their tradeable lines, both in file order.

    `issuers` is keyed by issuer id, `listings` by `SYMBOL.MIC`. Aliases keep the `~product`
    mark of products and subsidiaries, which the linker reads.
    """

    issuers: dict[str, Issuer]
    listings: dict[str, Listing]
    _unique: dict[str, Listing | None] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        unique: dict[str, Listing | None] = {}
        for listing in self.listings.values():
            unique[listing.symbol] = None if listing.symbol in unique else listing
        msgspec.structs.force_setattr(self, "_unique", unique)

    def by_symbol(self, symbol: str, mic: str | None = None) -> Listing | None:
        """Return the listing a vendor writes `symbol`; None if unknown, or ambiguous without `mic`.

        Lower case is accepted, and so are the leading zeros of Hong Kong's codes (`00700`).
        """
        for spelling in _spellings(symbol):
            found = self._find(spelling, mic)
            if found is not None:
                return found
        unpadded = _hong_kong_code(symbol.strip())
        found = self._find(unpadded, mic)
        return found if found is not None and found.mic == HONG_KONG else None

    def _find(self, symbol: str, mic: str | None) -> Listing | None:
        if mic is None:
            return self._unique.get(symbol)
        return self.listings.get(f"{symbol}.{mic}")


def load_universe(path: Path) -> Universe:
    """Read a universe from a CSV file in UTF-8.

    Raises ColumnError for a missing column and InputError, with file and line, for a bad row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read: {error}") from error
    return parse_universe(text, str(path))


@functools.lru_cache(maxsize=1)
def builtin_universe() -> Universe:
    """Return the universe that is used when a configuration names none."""
    table = importlib.resources.files("streams.reference") / "universe.csv"
    return parse_universe(table.read_text(encoding="utf-8"), "universe.csv (built in)")


def parse_universe(text: str, path: str) -> Universe:
    """Build a universe from the text of a CSV; `path` only names it in errors."""
    issuers: dict[str, Issuer] = {}
    listings: dict[str, Listing] = {}
    wanted_benchmarks: list[tuple[str, str]] = []
    for where, row in _rows(text, path):
        listing = _listing(row, where)
        if listing.listing in listings:
            raise InputError(where, f"duplicate listing {listing.listing}")
        listings[listing.listing] = listing
        issuers[listing.issuer] = _joined(issuers.get(listing.issuer), listing, row, where)
        wanted_benchmarks.append((where, listing.benchmark))
    for where, benchmark in wanted_benchmarks:
        if benchmark and benchmark not in listings:
            raise InputError(where, f"benchmark {benchmark!r} is not a listing of this file")
    if not listings:
        raise InputError(path, "holds no listing")
    return Universe(issuers=issuers, listings=listings)


def _rows(text: str, path: str) -> Iterator[tuple[str, Row]]:
    """Yield `file:line` and the stripped cells of each row, after checking the header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(header, path)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{path}:{reader.line_num}"
            if len(cells) != len(header):
                raise InputError(where, f"{len(cells)} cells where the header has {len(header)}")
            yield (
                where,
                dict(zip(header, (cell.strip() for cell in cells), strict=True)),
            )
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}", f"not CSV: {error}") from error


def _check_header(header: list[str], path: str) -> None:
    for column in REQUIRED_COLUMNS:
        if column not in header:
            raise ColumnError(path, column, header)
    for place, column in enumerate(header):
        if column not in REQUIRED_COLUMNS + OPTIONAL_COLUMNS:
            known = ", ".join(REQUIRED_COLUMNS + OPTIONAL_COLUMNS)
            raise InputError(path, f"unknown column {column!r}; known are {known}")
        if column in header[:place]:
            raise InputError(path, f"column {column!r} appears twice")


def _listing(row: Row, where: str) -> Listing:
    for column in ("issuer", "symbol", "mic"):
        if not row[column]:
            raise InputError(where, f"empty {column}")
    mic = row["mic"].upper()
    symbol = _hong_kong_code(row["symbol"]) if mic == HONG_KONG else row["symbol"]
    return Listing(
        listing=f"{symbol}.{mic}",
        issuer=row["issuer"],
        symbol=symbol,
        mic=mic,
        currency=row["currency"].upper(),
        shares_per_unit=_shares_per_unit(row["shares_per_unit"], where),
        isin=row.get("isin", ""),
        benchmark=row.get("benchmark", ""),
    )


def _shares_per_unit(text: str, where: str) -> float:
    try:
        shares = float(text)
    except ValueError:
        shares = math.nan
    if not 0 < shares < math.inf:
        raise InputError(where, f"shares_per_unit {text!r} is not a positive number")
    return shares


def _joined(known: Issuer | None, listing: Listing, row: Row, where: str) -> Issuer:
    """Return the issuer with this row's listing and aliases added to what is `known` of it."""
    if known is None:
        known = Issuer(issuer=listing.issuer, name=row["name"])
    aliases = [alias.strip() for alias in row["aliases"].split("|") if alias.strip()]
    return Issuer(
        issuer=known.issuer,
        name=_agreed(known.name, row, "name", where),
        aliases=tuple(dict.fromkeys([*known.aliases, *aliases])),
        listings=(*known.listings, listing),
        cik=_agreed(known.cik, row, "cik", where),
        sector=_agreed(known.sector, row, "sector", where),
    )


def _agreed(known: str, row: Row, column: str, where: str) -> str:
    """Return the one value an issuer's rows give for `column`; an empty cell says nothing."""
    value = row.get(column, "")
    if known and value and value != known:
        issuer = row["issuer"]
        raise InputError(where, f"issuer {issuer} has two {column}s: {known!r} and {value!r}")
    return known or value


def _spellings(symbol: str) -> Iterator[str]:
    """Yield the symbol as written, then as the tables write symbols: bare and in capitals."""
    yield symbol
    bare = symbol.strip().upper()
    if bare != symbol:
        yield bare


def _hong_kong_code(symbol: str) -> str:
    """Return a stock code without its leading zeros: HKEX pads `5` to `00005`, others to `0005`."""
    return symbol.lstrip("0") or symbol if symbol.isascii() and symbol.isdigit() else symbol
