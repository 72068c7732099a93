"""What the halt lists of the American exchanges share: market names, Eastern time, symbols.

Both lists hold the halts of every exchange, so one listing must have one name from both; the NYSE
tells times to the second and reasons in English, Nasdaq to the millisecond and in codes.
"""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from streams.errors import RecordError
from streams.events import SECOND_NS, Status
from streams.news.headline import check_span
from streams.text import clean_text

EASTERN = ZoneInfo("America/New_York")
REASON_CHARS = 100

# The names of both lists, without blanks and case -> MIC (ISO 10383).
MIC_OF_MARKET = {
    "nasdaq": "XNAS", "q": "XNAS",
    "nyse": "XNYS", "n": "XNYS",
    "nyseamerican": "XASE", "nyseamer": "XASE", "nysemkt": "XASE", "amex": "XASE", "a": "XASE",
    "nysearca": "ARCX", "arca": "ARCX", "p": "ARCX",
    "bats": "BATS", "cboe": "BATS", "cboebzx": "BATS", "batsbzx": "BATS", "z": "BATS",
    "iex": "IEXG", "iexg": "IEXG", "v": "IEXG",
    "otc": "OTCM", "otcmarkets": "OTCM", "otherotc": "OTCM", "otcbb": "OTCM",
}  # fmt: skip
# `BKSY WS` at the NYSE is `BKSY.W` at Nasdaq: warrants, units and rights have two spellings.
_SUFFIXES = {"WS": "W", "WT": "W", "UN": "U", "RT": "R"}

_DATE = re.compile(r"(?:(\d{4})-(\d\d?)-(\d\d?))|(?:(\d\d?)/(\d\d?)/(\d{4}))", re.ASCII)
_TIME = re.compile(r"(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([AP]M)?", re.IGNORECASE | re.ASCII)
_SYMBOL = re.compile(r"[A-Z0-9]{1,8}(?:\.[A-Z0-9]{1,6}){0,2}")


def halt_statuses(
    symbol: str, market: str, halted: tuple[str, str], resumed: tuple[str, str], reason: str
) -> tuple[Status, ...]:
    """Return the halt of one row, and its resumption once both its date and its time are given.

    `halted` and `resumed` are (date, time) in Eastern time. A resumption may lie ahead.
    Raises RecordError: `bad_row`, or `past` and `future` beyond the calendars.
    """
    listing = f"{us_symbol(symbol)}.{mic_of_market(market)}"
    reason = clean_text(reason, REASON_CHARS)
    halt_ns = eastern_ns(*halted)
    halt = Status(listing=listing, ts_ns=halt_ns, action="halt", reason=reason)
    if not all(part.strip() for part in resumed):
        return (halt,)
    resume_ns = eastern_ns(*resumed)
    if resume_ns < halt_ns:
        raise RecordError("bad_row", f"{listing} resumes before it halts")
    return halt, Status(listing=listing, ts_ns=resume_ns, action="resume", reason=reason)


def us_symbol(text: str) -> str:
    """Return the one spelling of an American symbol: `BKSY WS`, `BKSY.WS`, `BKSY.W` -> `BKSY.W`."""
    base, *suffixes = re.split(r"[\s./-]+", text.strip().upper())
    symbol = ".".join([base, *(_SUFFIXES.get(suffix, suffix) for suffix in suffixes)])
    if not _SYMBOL.fullmatch(symbol):
        raise RecordError("bad_row", f"no symbol: {text[:60]!r}")
    return symbol


def mic_of_market(market: str) -> str:
    """Return the MIC of the exchange that a halt list calls `market`."""
    mic = MIC_OF_MARKET.get("".join(market.split()).lower())
    if mic is None:
        raise RecordError("bad_row", f"no such market: {market[:60]!r}")
    return mic


def eastern_ns(date: str, time: str) -> int:
    """Return the instant of New York's date and time of day in ns UTC, by its summer time."""
    day, clock = _DATE.fullmatch(date.strip()), _TIME.fullmatch("".join(time.split()))
    if day is None or clock is None:
        raise RecordError("bad_row", f"no time: {f'{date} {time}'[:60]!r}")
    parts = [part for part in day.groups() if part]
    year, month, of_month = parts if day[1] else (parts[2], *parts[:2])
    hour = int(clock[1]) if not clock[5] else int(clock[1]) % 12 + 12 * (clock[5].upper() == "PM")
    try:
        local = dt.datetime(
            *(int(year), int(month), int(of_month), hour, int(clock[2]), int(clock[3] or 0)),
            tzinfo=EASTERN,
        )
    except ValueError as error:
        raise RecordError("bad_row", f"no time: {f'{date} {time}'[:60]!r}: {error}") from error
    instant_ns = int(local.timestamp()) * SECOND_NS + int((clock[4] or "0").ljust(9, "0"))
    check_span(instant_ns)
    return instant_ns
