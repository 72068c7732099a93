"""The configuration of an engine, fixed when it is made: listings, rules, daily rows, lateness."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from streams.events import SECOND_NS, Listing
from streams.reference.calendars import Calendar

DAY_LEVELS_PCT = (3, 5, 8, 10, 15, 20)


class DailyRow(msgspec.Struct, frozen=True, kw_only=True):
    """An official close, split or dividend of one listing, by trade date (days since 1970)."""

    listing: str
    date: int
    close: int | None = None  # millionths
    split: tuple[int, int] | None = None  # (2, 1): each share became two on this date
    dividend: int | None = None  # millionths, ex on this date


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A named rule; `day_move` fires when a listing passes one of its day levels."""

    name: str = "day_move"
    kind: str = "day_move"
    levels_pct: tuple[int, ...] = DAY_LEVELS_PCT
    severity: str = "warning"
    listings: tuple[str, ...] = ()  # none named: all


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything outside the log that the outputs depend on."""

    listings: tuple[Listing, ...]
    calendars: Mapping[str, Calendar]  # by MIC
    benchmark: str = ""  # of listings that name none of their own
    daily: tuple[DailyRow, ...] = ()
    rules: tuple[Rule, ...] = (Rule(),)
    lateness_ns: int = 2 * SECOND_NS
