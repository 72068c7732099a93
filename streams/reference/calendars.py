"""Turn a venue's tables and rules into sorted UTC borders that are looked up in a microsecond."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from streams.errors import UsageError
from streams.events import DAY_NS, I32, I64, MINUTE_NS, SECOND_NS, Phase
from streams.reference.special_days import (
    EPOCH_ORDINAL,
    FIRST_DAY,
    LAST_DAY,
    epoch_day,
    special_days,
)
from streams.reference.venue_hours import VENUE_OF_MIC, DayPlan, Venue, day_plan, era_of

MICS = tuple(VENUE_OF_MIC)
MONDAY_OFFSET = 3  # 1970-01-01 was a Thursday
SATURDAY = 5


class Calendar(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The phases of one venue from 2000 to the end of its last session; times in UTC ns.

    Segment k runs over [bounds_ns[k], bounds_ns[k + 1]); the segments leave no gap, closed time
    included. `dates` are trade dates in days since 1970-01-01; a closed segment carries that of
    the session after it. The arrays of the second group have one entry a session.
    """

    name: str
    bounds_ns: I64  # n + 1, strictly rising
    phases: npt.NDArray[np.int8]  # n, Phase
    dates: I32  # n

    session_dates: I32  # m, strictly rising
    first_ns: I64  # m: the start of the first phase that is not closed
    regular_start_ns: I64  # m: the start of the first regular phase
    regular_end_ns: I64  # m: the end of the last regular phase
    last_end_ns: I64  # m: the end of the last phase that is not closed
    utc_offset_ns: I64  # m: local minus UTC time
    zone: str = "UTC"  # of the IANA database

    def segment_at(self, ts_ns: int) -> int | None:
        """Return the segment that holds an instant; None before 2000 or past the last session."""
        segment = int(np.searchsorted(self.bounds_ns, ts_ns, side="right")) - 1
        return segment if 0 <= segment < len(self.phases) else None

    def phase_at(self, ts_ns: int) -> Phase | None:
        """Return the phase an instant lies in; None outside the table."""
        segment = self.segment_at(ts_ns)
        return None if segment is None else Phase(int(self.phases[segment]))


class Session(NamedTuple):
    """One trade date: its epoch day, its local midnight in UTC ns, and what runs in it."""

    day: int
    midnight_ns: int
    plan: DayPlan


def calendar_for(mic: str) -> Calendar:
    """Return the calendar of a venue; venues with the same hours share one object.

    Raises UsageError for a MIC without a calendar.
    """
    venue = VENUE_OF_MIC.get(mic)
    if venue is None:
        raise UsageError(f"no calendar for MIC {mic!r}; known are {', '.join(MICS)}")
    return _calendar(venue)


@functools.cache
def _calendar(venue: Venue) -> Calendar:
    sessions = list(_sessions(venue))
    bounds_ns, phases, dates = _segments(sessions)
    midnights_ns = np.array([session.midnight_ns for session in sessions], np.int64)
    marks_min = np.array(
        [
            (p.borders_min[0], p.regular_start_min, p.regular_end_min, p.borders_min[-1])
            for p in (session.plan for session in sessions)
        ],
        np.int64,
    )
    marks_ns = np.ascontiguousarray((midnights_ns[:, None] + marks_min * MINUTE_NS).T)
    return Calendar(
        name=venue.table,
        bounds_ns=bounds_ns,
        phases=phases,
        dates=dates,
        session_dates=np.array([session.day for session in sessions], np.int32),
        first_ns=marks_ns[0],
        regular_start_ns=marks_ns[1],
        regular_end_ns=marks_ns[2],
        last_end_ns=marks_ns[3],
        utc_offset_ns=np.array([s.day * DAY_NS - s.midnight_ns for s in sessions], np.int64),
        zone=venue.zone,
    )


def _segments(sessions: list[Session]) -> tuple[I64, npt.NDArray[np.int8], I32]:
    """Return borders, phases and dates; each session brings the closed time before it."""
    bounds_ns = [epoch_day(FIRST_DAY) * DAY_NS]
    phases: list[int] = []
    dates: list[int] = []
    for day, midnight_ns, plan in sessions:
        bounds_ns.extend([midnight_ns + border * MINUTE_NS for border in plan.borders_min])
        phases.append(Phase.closed)
        phases.extend(plan.phases)
        dates.extend([day] * len(plan.borders_min))
    return np.array(bounds_ns, np.int64), np.array(phases, np.int8), np.array(dates, np.int32)


def _sessions(venue: Venue) -> Iterator[Session]:
    zone = zoneinfo.ZoneInfo(venue.zone)
    specials = special_days(venue.table)
    for day in range(epoch_day(FIRST_DAY), epoch_day(LAST_DAY) + 1):
        if (day + MONDAY_OFFSET) % 7 >= SATURDAY:
            continue
        plan = day_plan(venue, era_of(venue, day), specials.get(day))
        if plan is not None:
            yield Session(day, day * DAY_NS - _utc_offset_ns(zone, day), plan)


def _utc_offset_ns(zone: zoneinfo.ZoneInfo, day: int) -> int:
    """Return local minus UTC time at noon: clocks are changed at night, on Sundays."""
    date = dt.date.fromordinal(day + EPOCH_ORDINAL)
    offset = dt.datetime(date.year, date.month, date.day, 12, tzinfo=zone).utcoffset()
    return int((offset or dt.timedelta()).total_seconds()) * SECOND_NS
