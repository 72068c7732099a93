"""The market's gauges over a whole replay, as agents/reacting/view.py has them of one moment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agents.reacting.tapes.points import HIGH, LAST, LAST_TS, LOW, SECOND
from agents.reacting.view import MINUTE_S, WINDOWS_S
from agents.replay.backfill.grid import Grid
from agents.replay.backfill.openmetrics import OpenMetricsFile
from streams.events import I64, PRICE_SCALE, SECOND_NS, Listing, Phase
from streams.reference.calendars import Calendar

DECIMALS = 9  # of ratios: a ten-millionth of a percent
F64 = npt.NDArray[np.float64]


class TradedListing(NamedTuple):
    """All that one listing has traded (agents/reacting/tapes/points.py), and the closes it is measured by."""

    listing: Listing
    calendar: Calendar
    points: I64
    closes: dict[int, int]  # trade date -> its previous close


def write_listing(file: OpenMetricsFile, tape: TradedListing, grid: Grid) -> None:
    """Write the gauges of one listing."""
    segment = _segments(tape.calendar, tape.points[SECOND] * SECOND_NS)
    dates = tape.calendar.dates[segment].astype(np.int64)
    times = _instants(tape, dates, grid)
    at = np.searchsorted(tape.points[SECOND], times - 1, "right") - 1  # the newest point before
    known = at >= 0
    times, at = times[known], at[known]
    price = tape.points[LAST, at]
    close = _closes(tape, dates)
    _write_prices(file, tape, times, price, close[at], tape.points[LAST_TS, at])
    labels = {"listing": tape.listing.listing}
    phase = tape.calendar.phases[_segments(tape.calendar, times * SECOND_NS)]
    file.write(
        "listing_open", labels, times.tolist(), (phase == Phase.regular).astype(int).tolist()
    )
    _write_ratio(file, "move_ratio", {**labels, "window": "day"}, times, price, close[at])
    for name, window_s in WINDOWS_S.items():
        base = _base(tape, close, times - window_s - 1, at)
        _write_ratio(file, "move_ratio", {**labels, "window": name}, times, price, base)
    _write_extreme(file, tape, close, times)


def _segments(calendar: Calendar, ts_ns: I64) -> npt.NDArray[np.intp]:
    last = len(calendar.phases) - 1
    return np.clip(np.searchsorted(calendar.bounds_ns, ts_ns, "right") - 1, 0, last)


def _instants(tape: TradedListing, dates: I64, grid: Grid) -> I64:
    """Return when the listing is sampled: not while its venue is closed, but at the moment it closes."""
    parts = [grid.busy(tape.points[SECOND] + 1)]
    ends = dict(
        zip(tape.calendar.session_dates.tolist(), tape.calendar.last_end_ns.tolist(), strict=True)
    )
    for date in np.unique(dates).tolist():
        first = int(tape.points[SECOND, np.argmax(dates == date)])
        if date in ends:
            parts.append(grid.quiet(first + 1, ends[date] // SECOND_NS))
    return np.unique(np.concatenate(parts))


def _closes(tape: TradedListing, dates: I64) -> I64:
    """Return the previous close at each point, 0 where none is known."""
    found, place = np.unique(dates, return_inverse=True)
    closes = np.array([tape.closes.get(date, 0) for date in found.tolist()], np.int64)
    return closes[place]


def _base(tape: TradedListing, close: I64, newest_s: I64, at: npt.NDArray[np.intp]) -> I64:
    """Return the last price of each `newest_s` or before it, else the previous close."""
    before = np.searchsorted(tape.points[SECOND], newest_s, "right") - 1
    return np.where(before >= 0, tape.points[LAST, before], close[at])


def _write_prices(
    file: OpenMetricsFile, tape: TradedListing, times: I64, price: I64, close: I64, last_ns: I64
) -> None:
    labels = {"listing": tape.listing.listing, "currency": tape.listing.currency}
    file.write("price", labels, times.tolist(), (price / PRICE_SCALE).tolist())
    known = close > 0
    closes = (close[known] / PRICE_SCALE).tolist()
    file.write("previous_close", labels, times[known].tolist(), closes)
    seconds = (last_ns / SECOND_NS).tolist()
    own = {"listing": tape.listing.listing}
    file.write("last_tick_timestamp_seconds", own, times.tolist(), seconds)


def _write_ratio(
    file: OpenMetricsFile, name: str, labels: dict[str, str], times: I64, price: I64, base: I64
) -> None:
    known = base > 0
    ratio = (price[known] - base[known]) / base[known]
    file.write(name, labels, times[known].tolist(), _rounded(ratio))


def _write_extreme(file: OpenMetricsFile, tape: TradedListing, close: I64, times: I64) -> None:
    """Write the largest move of each newest minute: of highs and lows against a minute before."""
    seconds = tape.points[SECOND]
    base = _base(tape, close, seconds - MINUTE_S, np.arange(len(seconds)))
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(base > 0, (tape.points[HIGH] - base) / base, -np.inf)
        down = np.where(base > 0, (tape.points[LOW] - base) / base, np.inf)
    lo = np.searchsorted(seconds, times - MINUTE_S, "right")
    hi = np.searchsorted(seconds, times - 1, "right")
    extreme = np.zeros(len(times))
    some = np.flatnonzero(hi > lo)
    if len(some):
        bounds = np.stack([lo[some], hi[some]], axis=1).ravel()
        highest = np.maximum.reduceat(np.append(up, -np.inf), bounds)[::2]
        lowest = np.minimum.reduceat(np.append(down, np.inf), bounds)[::2]
        extreme[some] = np.where(highest >= -lowest, highest, lowest)
    known = np.isfinite(extreme)
    file.write(
        "move_max_ratio",
        {"listing": tape.listing.listing},
        times[known].tolist(),
        _rounded(extreme[known]),
    )


def _rounded(values: F64) -> list[float]:
    return [
        round(value, DECIMALS) + 0.0 for value in values.tolist()
    ]  # + 0.0: no minus before zero
