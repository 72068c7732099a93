"""Builders for logs written by hand: rows of September 2025 in dollars and UTC times."""

from __future__ import annotations

import datetime as dt
from typing import Any

from streams.events import SECOND_NS, Clock, Listing
from tests.oracle import DailyRow, Oracle
from tests.oracle.rows import Row, frame_of
from tests.oracle.venue import EPOCH_ORDINAL
from tests.strategies import calendars

BABA, SPY, HK = "BABA.XNYS", "SPY.XNYS", "9988.XHKG"
DOLLAR = 1_000_000
D23, D24, D25 = (dt.date(2025, 9, d).toordinal() - EPOCH_ORDINAL for d in (23, 24, 25))
CLOSE_23 = DailyRow(BABA, D23, 100 * DOLLAR)


def at(clock: str, day: int = 24) -> int:
    """Return the ns of a UTC time of September 2025, such as "13:30:00.5"."""
    hours, minutes, seconds = clock.split(":")
    midnight = int(dt.datetime(2025, 9, day, tzinfo=dt.UTC).timestamp())
    whole = midnight + 3600 * int(hours) + 60 * int(minutes)
    return whole * SECOND_NS + round(float(seconds) * SECOND_NS)


def listing(name: str) -> Listing:
    symbol, mic = name.split(".")
    issuer = "SPDR" if symbol == "SPY" else "ALIBABA"
    return Listing(listing=name, issuer=issuer, symbol=symbol, mic=mic, currency="USD")


def oracle(*names: str, daily: tuple[DailyRow, ...] = (CLOSE_23,)) -> Oracle:
    names = names or (BABA,)
    benchmark = SPY if SPY in names else ""
    return Oracle([listing(n) for n in names], calendars(), daily, benchmark)


def trade(clock: str, dollars: float, size: int = 1, exchange: str = "", **more: Any) -> Row:
    ts_ns = at(clock, more.pop("day", 24))
    return Row(
        more.pop("name", BABA), ts_ns, round(dollars * DOLLAR), size, exchange=exchange, **more
    )


def feed(one: Oracle, *records: Any) -> Oracle:
    """Apply the records; each row is a frame of its own, numbered on."""
    for record in records:
        if isinstance(record, Row):
            seq = one.applied.get("r", -1) + 1
            one.apply(frame_of([record], "r", seq))
        else:
            one.apply(record)
    return one


def clock(text: str, day: int = 24, *, final: bool = False) -> Clock:
    return Clock(ts_ns=at(text, day), final=final)
