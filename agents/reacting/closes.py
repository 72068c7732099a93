"""The previous close: which price it is, and what splits and dividends make of it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from math import log
from typing import NamedTuple

import msgspec

from agents.reacting.config import DailyRow
from streams.bounds import HIGHEST_PRICE


class OfficialPrint(msgspec.Struct, frozen=True, array_like=True):
    """A print flagged as the venue's closing price."""

    ts_ns: int
    price: int
    size: int
    corrected: bool


class DayPrices(msgspec.Struct):
    """The prices of one trade date from which its close is taken."""

    officials: list[OfficialPrint] = []
    last_auction: int | None = None
    last_regular: int | None = None
    late_auction: int | None = None  # of rows after the session close fell due
    late_regular: int | None = None


def close_of(day: DayPrices, *, auction_counts: bool, until_ns: int | None = None) -> int | None:
    """Return the close of a trade date by rules (2)-(4) of DESIGN 3; None where nothing traded.

    `auction_counts` is true for venues whose closing auction makes the close (XHKG). `until_ns` is
    when the session close fell due: later rows do not count for it.
    """
    prints = [p for p in day.officials if until_ns is None or p.ts_ns <= until_ns]
    corrected = [p for p in prints if p.corrected]
    if corrected:
        return corrected[-1].price
    if prints:
        largest = max(p.size for p in prints)
        return [p.price for p in prints if p.size == largest][-1]
    late = until_ns is None
    auction = _newest(day.last_auction, day.late_auction if late else None)
    if auction_counts and auction is not None:
        return auction
    return _newest(day.last_regular, day.late_regular if late else None)


def _newest(price: int | None, late: int | None) -> int | None:
    return price if late is None else late


class DailyReturn(NamedTuple):
    """The logarithmic return from one daily close to the next, splits and dividends made good."""

    since: int  # trade date of the close before
    date: int
    value: float


class DailyTable:
    """The `[[daily]]` rows of one listing, by trade date."""

    __slots__ = ("_actions", "_returns", "_rows")

    def __init__(self, rows: Iterable[DailyRow]) -> None:
        self._rows = tuple(sorted(rows, key=lambda r: r.date))
        self._actions = tuple(r for r in self._rows if r.split or r.dividend)
        self._returns: tuple[DailyReturn, ...] | None = None  # once somebody asks

    def returns(self) -> tuple[DailyReturn, ...]:
        """Return the returns between the closes that follow each other, rising."""
        if self._returns is None:
            closes = [(r.date, r.close) for r in self._rows if r.close is not None]
            self._returns = tuple(
                DailyReturn(since, date, log(close / before))
                for (since, old), (date, close) in pairwise(closes)
                if since < date and (before := self._adjusted(old, since, date)) is not None
            )
        return self._returns

    def previous_close(self, date: int, rolled: tuple[int, int] | None = None) -> int | None:
        """Return the previous close of trade date `date`, in shares of that date.

        `rolled` is (trade date, close) as taken from the tape; a daily row of the same date wins.
        """
        known = [(r.date, r.close) for r in self._rows if r.close is not None and r.date < date]
        if rolled is not None and (not known or rolled[0] > known[-1][0]):
            known.append(rolled)
        if not known:
            return None
        since, close = known[-1]
        return self._adjusted(close, since, date)

    def _adjusted(self, close: int, since: int, date: int) -> int | None:
        value = Fraction(close)
        for row in self._actions:
            if since < row.date <= date:
                value -= row.dividend or 0
                value /= Fraction(*row.split) if row.split else 1
        adjusted = round(value)  # half to even
        return adjusted if 0 < adjusted <= HIGHEST_PRICE else None
