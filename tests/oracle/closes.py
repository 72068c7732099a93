"""The close of a trade date and the previous close of the next (section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple


class DailyRow(NamedTuple):
    """One row of `[[daily]]`; close and dividend in millionths."""

    listing: str
    date: int
    close: int | None = None
    split: float | None = None
    dividend: int | None = None


class Print(NamedTuple):
    """An official closing print."""

    ts_ns: int
    price: int
    size: int
    corrected: bool


@dataclass
class Day:
    """One trade date of one listing; `regular` and `auction` are (ts, price) in order of setting."""

    date: int
    previous_close: int | None = None
    first_trade_ns: int | None = None
    first_price: int | None = None
    carried: int = 0  # volume without a price, for the next row accepted
    accepted: int | None = None
    expired: int | None = None  # the price that expired last, with nothing accepted since
    regular: list[tuple[int, int]] = field(default_factory=list)
    auction: list[tuple[int, int]] = field(default_factory=list)
    prints: list[Print] = field(default_factory=list)
    passed: set[tuple[str, int]] = field(default_factory=set)


def close_of(day: Day, mic: str, until_ns: int | None = None) -> int | None:
    """Return the day's close by rules (2)-(4), from rows up to `until_ns`."""

    def seen(ts_ns: int) -> bool:
        return until_ns is None or ts_ns <= until_ns

    prints = [p for p in day.prints if seen(p.ts_ns)]
    corrected = [p for p in prints if p.corrected]
    if corrected:
        return corrected[-1].price
    if prints:
        largest = max(p.size for p in prints)
        return [p for p in prints if p.size == largest][-1].price
    auction = [price for ts_ns, price in day.auction if seen(ts_ns)]
    if mic == "XHKG" and auction:
        return auction[-1]
    regular = [price for ts_ns, price in day.regular if seen(ts_ns)]
    return regular[-1] if regular else None


def previous_close(date: int, daily: Sequence[DailyRow], rolled: Mapping[int, int]) -> int | None:
    """Return the newest close before `date`, in terms of `date`'s shares."""
    candidates = [(day, 0, close) for day, close in rolled.items() if day < date]
    candidates += [(r.date, 1, r.close) for r in daily if r.close is not None and r.date < date]
    if not candidates:
        return None
    since, _, close = max(candidates)
    for row in sorted(daily, key=lambda r: r.date):
        if since < row.date <= date and (row.split or row.dividend):
            close = round(Fraction(close - (row.dividend or 0)) / Fraction(row.split or 1))
    return close if 0 < close <= 10**15 else None
