"""The rules of each venue's day: which phase runs when, in minutes after local midnight.

New York: pre 04:00, regular 09:30, post 16:00-20:00 ET; a 13:00 close has its post until 17:00
(NYSE and Nasdaq holiday schedules; NYSE Arca trading hours). Whole years are given the same
extended hours, although they were shorter before about 2005: a print there is rare, not wrong.

Hong Kong, by HKEX news releases of 23 November 2010 (trading hours in two phases) and
1 March 2012 (second phase): continuous trading 10:00-12:30 and 14:30-16:00 until 4 March 2011;
09:30-12:00 and 13:30-16:00 until 2 March 2012; since then 09:30-12:00 and 13:00-16:00. The
pre-opening session is the half hour before; there is none when trading resumes after a storm
(HKEX, 9 October 2023). The closing auction ends at random before 16:10 (12:10 on half days);
its print is accepted until a quarter past. It did not exist in 2000-2008 and 2009-2016, where
the same quarter hour only catches late reports.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import NamedTuple

from streams.events import Phase
from streams.reference.special_days import FIRST_DAY, SpecialDay, epoch_day

PRE_OPEN_MIN = 4 * 60
POST_LENGTH_MIN = 4 * 60
OPEN_AUCTION_MIN = 30
CLOSING_AUCTION_MIN = 15


class Era(NamedTuple):
    """The regular hours from `first_day` on; `lunch_min == lunch_end_min` means no lunch."""

    first_day: int
    open_min: int
    close_min: int
    lunch_min: int = 0
    lunch_end_min: int = 0


class Venue(NamedTuple):
    """A table of special days, the zone it is written in, and the venue's eras in order."""

    table: str
    zone: str
    eras: tuple[Era, ...]


class DayPlan(NamedTuple):
    """The phases of one day: phase k runs from `borders_min[k]` to `borders_min[k + 1]`."""

    borders_min: tuple[int, ...]
    phases: tuple[Phase, ...]

    @property
    def regular_start_min(self) -> int:
        """Return when the first regular phase starts."""
        return self.borders_min[self.phases.index(Phase.regular)]

    @property
    def regular_end_min(self) -> int:
        """Return when the last regular phase ends, lunch or not."""
        last = max(k for k, phase in enumerate(self.phases) if phase is Phase.regular)
        return self.borders_min[last + 1]


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def _era(first: dt.date, opens: str, closes: str, lunch: tuple[str, str] | None) -> Era:
    start, end = (_minute(lunch[0]), _minute(lunch[1])) if lunch else (0, 0)
    return Era(epoch_day(first), _minute(opens), _minute(closes), start, end)


XNYS = Venue("XNYS", "America/New_York", (_era(FIRST_DAY, "09:30", "16:00", None),))
XHKG = Venue(
    "XHKG",
    "Asia/Hong_Kong",
    (
        _era(FIRST_DAY, "10:00", "16:00", ("12:30", "14:30")),
        _era(dt.date(2011, 3, 7), "09:30", "16:00", ("12:00", "13:30")),
        _era(dt.date(2012, 3, 5), "09:30", "16:00", ("12:00", "13:00")),
    ),
)
# Every US equity venue keeps the same days and hours (all trade under the NMS plans).
VENUE_OF_MIC = dict.fromkeys(("XNYS", "XNAS", "ARCX", "XASE", "BATS"), XNYS) | {"XHKG": XHKG}


def era_of(venue: Venue, day: int) -> Era:
    """Return the era whose hours the venue kept on an epoch day."""
    return next(era for era in reversed(venue.eras) if era.first_day <= day)


@functools.lru_cache(maxsize=256)
def day_plan(venue: Venue, era: Era, special: SpecialDay | None) -> DayPlan | None:
    """Return the phases of a weekday, or None where the venue is closed."""
    if special is None or special.kind == "regular":
        special = SpecialDay("regular", era.open_min, era.close_min)
    if special.kind == "closed":
        return None
    return _new_york_plan(special) if venue is XNYS else _hong_kong_plan(era, special)


def _new_york_plan(hours: SpecialDay) -> DayPlan:
    borders = (PRE_OPEN_MIN, hours.open_min, hours.close_min, hours.close_min + POST_LENGTH_MIN)
    return DayPlan(borders, (Phase.pre, Phase.regular, Phase.post))


def _hong_kong_plan(era: Era, hours: SpecialDay) -> DayPlan:
    borders, phases = [hours.open_min], [Phase.regular]
    if hours.kind != "late_open":
        borders, phases = (
            [hours.open_min - OPEN_AUCTION_MIN, *borders],
            [Phase.open_auction, *phases],
        )
    if hours.open_min < era.lunch_min and era.lunch_end_min < hours.close_min:
        borders += [era.lunch_min, era.lunch_end_min]
        phases += [Phase.lunch, Phase.regular]
    borders += [hours.close_min, hours.close_min + CLOSING_AUCTION_MIN]
    return DayPlan(tuple(borders), (*phases, Phase.closing_auction))
