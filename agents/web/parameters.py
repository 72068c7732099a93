"""The parameters of the read API: read strictly, each fault in words that say what is valid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, get_type_hints
from typing import get_args as valid_of

from agents.web.reader import MOST_ROWS, Span
from streams.events import Alert
from streams.times import FARTHEST_NS, parse_time

STATES: Final[tuple[str, ...]] = valid_of(get_type_hints(Alert)["state"])
DEFAULT_ROWS: Final = 100
MOST_CHARS: Final = 200  # of one value
HEADLINES: Final = ("listing", "from", "to", "limit", "before")
ALERTS: Final = ("state", *HEADLINES)
_LISTING: Final = re.compile(r"\S{1,40}\.[A-Z0-9]{4}")
_BEFORE: Final = re.compile(r"(-?\d{1,19}):(\S{1,200})")


class ParameterError(ValueError):
    """A parameter that cannot be used; its text is the answer."""


def span_of(given: Mapping[str, str], names: tuple[str, ...]) -> Span:
    """Return what the parameters ask for. ParameterError: one is unknown, given twice, or wrong."""
    for name in given:
        if name not in names:
            raise ParameterError(f"{_shown(name)}: no such parameter; valid: {', '.join(names)}")
        if len([*getattr(given, "getall", lambda n: [n])(name)]) > 1:
            raise ParameterError(f"{name}: it is given twice")
    first_ns, end_ns = _time(given, "from", 0), _time(given, "to", FARTHEST_NS)
    if first_ns > end_ns:
        raise ParameterError("from: it is later than to")
    return Span(
        listing=_listing(given.get("listing")),
        states=_states(given.get("state")),
        first_ns=first_ns,
        end_ns=end_ns,
        limit=_limit(given.get("limit")),
        before=_before(given.get("before")),
    )


def _time(given: Mapping[str, str], name: str, missing: int) -> int:
    text = given.get(name, "")
    if not text:
        return missing
    at_ns = parse_time(text[:MOST_CHARS])
    if at_ns is None or abs(at_ns) > FARTHEST_NS:
        raise ParameterError(
            f"{name}: {_shown(text)} is no time; write ISO 8601 (a + in it as %2B) or epoch s, ms or ns"
        )
    return at_ns


def _listing(text: str | None) -> str | None:
    if not text:
        return None
    if not _LISTING.fullmatch(text):
        raise ParameterError(f"listing: {_shown(text)} is none; write SYMBOL.MIC, as in BABA.XNYS")
    return text


def _states(text: str | None) -> tuple[str, ...]:
    states = tuple(each for each in (text or "").split(",") if each)
    for state in states:
        if state not in STATES:
            raise ParameterError(f"state: {_shown(state)} is none; valid: {', '.join(STATES)}")
    return states


def _limit(text: str | None) -> int:
    if not text:
        return DEFAULT_ROWS
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST_ROWS):
        raise ParameterError(f"limit: {_shown(text)} is no whole number from 1 to {MOST_ROWS}")
    return int(text)


def _before(text: str | None) -> tuple[int, str]:
    if not text:
        return Span().before
    match = _BEFORE.fullmatch(text)
    if match is None or abs(int(match[1])) > FARTHEST_NS:
        raise ParameterError(f"before: {_shown(text)} was not given by a Link of ours")
    return int(match[1]), match[2]


def _shown(text: str) -> str:
    """Return what was given, short and in ASCII."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
