"""Tick rows as columns: what price files become before they are framed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from streams.events import I32, I64

INSTANTS_AND_PRICES = (
    "known_ns", "ts_ns", "start_ns", "price", "open", "high", "low", "size",
)  # fmt: skip
COLUMNS = ("listing", *INSTANTS_AND_PRICES, "flags", "exchange")


class Rows(msgspec.Struct, eq=False, kw_only=True):
    """The columns of many tick rows, all of one length, in file order.

    Prices are millionths of the currency unit, sizes shares, times ns UTC. A trade has its price
    as `open`, `high` and `low` and its time as `start_ns` and `known_ns`: the very same arrays,
    so that they cost nothing. `exchanges[0]` is "", unknown. `unknown_conditions` counts the
    rows of each sale condition that no table knows.
    """

    listing: I32  # index into `listings`
    known_ns: I64
    ts_ns: I64
    start_ns: I64
    price: I64
    open: I64
    high: I64
    low: I64
    size: I64
    flags: I32
    exchange: I32  # index into `exchanges`
    listings: tuple[str, ...]
    exchanges: tuple[str, ...] = ("",)
    unknown_conditions: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.ts_ns)


def concat(parts: Sequence[Rows]) -> Rows:
    """Join rows in the order given; names keep the order of their first appearance."""
    if len(parts) == 1:
        return parts[0]
    listings = _names([part.listings for part in parts])
    exchanges = _names([("",), *(part.exchanges for part in parts)])
    joined = _columns(INSTANTS_AND_PRICES, parts, _join)
    unknown: dict[str, int] = {}
    for part in parts:
        for code, rows in part.unknown_conditions.items():
            unknown[code] = unknown.get(code, 0) + rows
    return Rows(
        listing=_join([_renumbered(p.listing, p.listings, listings) for p in parts], np.int32),
        flags=_join([part.flags for part in parts], np.int32),
        exchange=_join([_renumbered(p.exchange, p.exchanges, exchanges) for p in parts], np.int32),
        listings=tuple(listings),
        exchanges=tuple(exchanges),
        unknown_conditions=unknown,
        **joined,
    )


def sort_by_known(rows: Rows) -> Rows:
    """Return the rows in the order in which they were known; equal times keep file order."""
    if bool(np.all(rows.known_ns[1:] >= rows.known_ns[:-1])):
        return rows
    return select(rows, np.argsort(rows.known_ns, kind="stable"))


def select(rows: Rows, which: npt.NDArray[Any]) -> Rows:
    """Return the rows that `which` names, by a mask or in the order of an index."""
    columns = _columns(COLUMNS, [rows], lambda part: part[0][which])
    return msgspec.structs.replace(rows, **columns)


def _columns(
    names: Sequence[str], parts: Sequence[Rows], make: Callable[[list[Any]], Any]
) -> dict[str, Any]:
    """Make each column from those of `parts`; columns that are one array stay one array."""
    made: dict[tuple[int, ...], Any] = {}
    columns: dict[str, Any] = {}
    for name in names:
        arrays = [getattr(part, name) for part in parts]
        key = tuple(map(id, arrays))
        if key not in made:
            made[key] = make(arrays)
        columns[name] = made[key]
    return columns


def _join(
    arrays: list[npt.NDArray[Any]], dtype: type[np.signedinteger[Any]] = np.int64
) -> npt.NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)


def _names(lists: Sequence[Sequence[str]]) -> dict[str, int]:
    names: dict[str, int] = {}
    for names_of_part in lists:
        for name in names_of_part:
            names.setdefault(name, len(names))
    return names


def _renumbered(index: I32, old: Sequence[str], new: dict[str, int]) -> I32:
    lookup = np.array([new[name] for name in old], np.int32)
    return lookup[index] if len(lookup) else index
