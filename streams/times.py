"""Read instants in the ways feeds and vendors write them; the result is always ns UTC.

Understood: ISO-8601 (a stamp without zone is UTC), RFC 822/2822 with the zone names of
`ZONE_HOURS`, and epoch numbers in s, ms, us or ns, told apart by magnitude: the limits below lie
between the year 1973 read in one unit and the year 5138 read in the other.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from streams.events import I64, SECOND_NS

Valid = npt.NDArray[np.bool_]

MINUTE_S, DAY_S = 60, 86_400
FARTHEST_NS = 2**63 - 1
# 2000-01-01 and 2028-01-01 UTC: the span of the shipped calendars, `past` and `future` beyond it.
FIRST_NS = 946_684_800 * SECOND_NS
PAST_END_NS = 1_830_297_600 * SECOND_NS

# Hours east of UTC. The US names and UT/GMT are RFC 822's; the rest are names that real feeds
# print and that have one meaning. IST, AST and the bare "ET" have several: unknown, so no time.
ZONE_HOURS = {
    "": 0, "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "bst": 1, "west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3,
    "hkt": 8, "sgt": 8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

_ISO = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:\s*[Tt]\s*|\s+)(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?"
    r"\s*(Z|z|[A-Za-z]{2,4}|[+-]\d\d(?::?\d\d)?)?"
)
_RFC822 = re.compile(
    r"(?:[A-Za-z]{2,9}\.?,?\s*)?(\d{1,2})[\s-]+([A-Za-z]{3,9})\.?,?[\s-]+(\d{4}|\d\d)"
    r"(?:[\s,]+(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
    r"\s*([A-Za-z]{1,4}|(?:GMT|UTC)?[+-]\d\d:?\d\d)?(?:\s*\([^)]*\))?"
)
_EPOCH = re.compile(r"([+-]?)(\d{1,25})(?:\.(\d*))?")
_SECONDS = re.compile(r"\d:\d\d:\d")
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d\d):?([0-5]\d)?")
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()


def parse_time(text: str) -> int | None:
    """Return the instant `text` names in ns UTC, or None where it names none.

    A date alone is its first instant. A zone name of several meanings gives None: a wrong hour
    is worse than no hour. The result may lie beyond 64 bits; the caller bounds it.
    """
    text = text.strip()
    if match := _ISO.fullmatch(text):
        year, month, day, *clock = match.groups()
        return _instant(int(year), int(month), int(day), clock)
    if match := _EPOCH.fullmatch(text):
        return _epoch_text(match)
    if match := _RFC822.fullmatch(text):
        name, year = match[2][:3].lower(), match[3]
        if name in _MONTHS:
            month_number = _MONTHS.index(name) + 1
            return _instant(_full_year(year), month_number, int(match[1]), match.groups()[3:])
    return None


def epoch_to_ns(number: float) -> int | None:
    """Return the instant of an epoch number, its unit by magnitude; None beyond 1e30."""
    if not abs(number) < 1e30:  # so that NaN is caught, and integers too large for a float
        return None
    scale = _epoch_scale(abs(number))
    whole = int(number)
    return whole * scale + round((number - whole) * scale)


def precision_s(text: str) -> int:
    """Return how exact the stamp `text` is: 1, 60 (no seconds given) or 86,400 s (no time)."""
    text = text.strip()
    if ":" in text:
        return 1 if _SECONDS.search(text) else MINUTE_S
    return 1 if _EPOCH.fullmatch(text) else DAY_S


def times_to_ns(series: pl.Series) -> tuple[I64, Valid]:
    """Return the instants of a column in ns UTC and where they are valid.

    Takes date-times of any unit, with or without zone (without: UTC), epoch numbers of one unit
    a column (by the median's magnitude), and text. Instants beyond 64 bits are clipped to them;
    a column of any other type, dates included, has no valid instant.
    """
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        unit_ns = {"ns": 1, "us": 1_000, "ms": 1_000_000}[dtype.time_unit]
        return _scaled(series.to_physical(), unit_ns)
    if dtype.is_integer():
        return _scaled(series, _column_scale(series))
    if dtype.is_float() or dtype.is_decimal():
        return _from_floats(series.cast(pl.Float64))
    if dtype == pl.String:
        return _from_text(series)
    return np.zeros(len(series), np.int64), np.zeros(len(series), np.bool_)


def _instant(year: int, month: int, day: int, clock: Sequence[str | None]) -> int | None:
    """Return the instant of a civil date and (hour, minute, second, fraction, zone) in ns."""
    hour, minute, second, fraction, zone = clock
    offset_s = _zone_offset_s(zone or "")
    try:
        days = dt.date(year, month, day).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        return None
    # RFC 3339 allows a leap second, written :60; it is read as the second before it.
    h, m, s = int(hour or 0), int(minute or 0), min(int(second or 0), 59)
    if offset_s is None or h > 23 or m > 59 or int(second or 0) > 60:
        return None
    nanos = int((fraction or "0").ljust(9, "0")[:9])
    return (days * DAY_S + h * 3600 + m * MINUTE_S + s - offset_s) * SECOND_NS + nanos


def _zone_offset_s(zone: str) -> int | None:
    """Return seconds east of UTC of `+0530`, `+05:30`, `-05`, `GMT+1:00` or a known name."""
    if match := _OFFSET.fullmatch(zone):
        seconds = int(match[2]) * 3600 + int(match[3] or 0) * MINUTE_S
        return -seconds if match[1] == "-" else seconds
    hours = ZONE_HOURS.get(zone.lower())
    return None if hours is None else hours * 3600


def _full_year(text: str) -> int:
    """Return a year of two digits by RFC 2822 section 4.3: 00-49 is 2000-2049."""
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 50 else 1900)


def _epoch_scale(magnitude: float) -> int:
    if magnitude < 1e11:
        return SECOND_NS
    if magnitude < 1e14:
        return 1_000_000
    return 1_000 if magnitude < 1e17 else 1


def _epoch_text(match: re.Match[str]) -> int:
    """Return an epoch number without rounding its decimals through a float."""
    sign, whole, fraction = match.groups()
    scale = _epoch_scale(int(whole))
    decimals = int((fraction or "0").ljust(9, "0")[:9]) * scale // SECOND_NS
    return (-1 if sign == "-" else 1) * (int(whole) * scale + decimals)


def _column_scale(numbers: pl.Series) -> int:
    middle = numbers.cast(pl.Float64).abs().quantile(0.5, "lower")
    return _epoch_scale(float(middle) if isinstance(middle, (int, float)) else 0.0)


def _scaled(physical: pl.Series, scale: int) -> tuple[I64, Valid]:
    """Multiply integers into ns, clipping what would leave 64 bits."""
    valid = physical.is_not_null().to_numpy()
    limit = FARTHEST_NS // scale
    # An unsigned number too large for Int64 becomes null here, and so the limit.
    whole = physical.cast(pl.Int64, strict=False).fill_null(limit).to_numpy()
    return np.where(valid, np.clip(whole, -limit, limit) * scale, 0), valid


def _from_floats(numbers: pl.Series) -> tuple[I64, Valid]:
    numbers = numbers.fill_nan(None)
    values = numbers.fill_null(0.0).to_numpy()
    valid = numbers.is_not_null().to_numpy() & np.isfinite(values)
    values = np.where(valid, values, 0.0)
    scale = _column_scale(numbers.filter(pl.Series(valid)))
    limit = float(FARTHEST_NS // scale) * (1 - 1e-9)
    values = np.clip(values, -limit, limit)
    # Whole and fraction apart: seconds times 1e9 would round to 256 ns in a float.
    whole = np.trunc(values)
    fraction = np.rint((values - whole) * scale).astype(np.int64)
    return whole.astype(np.int64) * scale + fraction, valid


def _from_text(texts: pl.Series) -> tuple[I64, Valid]:
    """Read a text column: numbers if its first value is one, else ISO in bulk, the rest singly."""
    texts = texts.str.strip_chars()
    present = texts.drop_nulls().filter(texts.drop_nulls() != "")
    if len(present) and _EPOCH.fullmatch(present[0]):
        numbers = texts.cast(pl.Int64, strict=False)
        if numbers.null_count() == texts.null_count():
            return times_to_ns(numbers)
        return times_to_ns(texts.cast(pl.Float64, strict=False))
    ns, valid = _bulk(texts, _bulk_form(present[0] if len(present) else ""))
    return _singly(texts, ns, valid)


def _bulk_form(first: str) -> str:
    """Return the format of a column that begins with `first`.

    "%+" is RFC 3339 with "T" or a blank, any fraction and any numeric zone, but with a zone.
    """
    match = _ISO.fullmatch(first)
    if match is None or match[8]:
        return "%+"
    return "%Y-%m-%dT%H:%M:%S%.f" if "T" in first else "%Y-%m-%d %H:%M:%S%.f"


def _bulk(texts: pl.Series, form: str) -> tuple[I64, Valid]:
    """Parse with one format; years that ns cannot hold come out invalid, for the single path."""
    # polars wraps silently beyond the year 2262 in ns, so the microseconds are the judge.
    micros, held = _scaled(_parsed(texts, form, "us"), 1)
    held &= np.abs(micros) < FARTHEST_NS // 1_000
    nanos, _ = _scaled(_parsed(texts, form, "ns"), 1)
    return np.where(held, nanos, 0), held


def _parsed(texts: pl.Series, form: str, unit: str) -> pl.Series:
    stamps = texts.str.to_datetime(form, time_unit=unit, strict=False)  # type: ignore[arg-type]
    return stamps.to_physical()


def _singly(texts: pl.Series, ns: I64, valid: Valid) -> tuple[I64, Valid]:
    """Read what the bulk formats refused, each distinct text once; a date alone is no instant."""
    left = np.flatnonzero(~valid)
    known: dict[str | None, int | None] = {None: None}
    for row, text in zip(left.tolist(), texts.gather(left).to_list(), strict=True):
        if text not in known:
            known[text] = parse_time(text) if ":" in text else None
        instant = known[text]
        if instant is not None:
            ns[row] = max(-FARTHEST_NS, min(FARTHEST_NS, instant))
            valid[row] = True
    return ns, valid


def utc(ts_ns: int) -> str:
    """Return an instant as `2025-09-24 02:05:00` (UTC)."""
    return str(np.datetime64(ts_ns // SECOND_NS, "s")).replace("T", " ")
