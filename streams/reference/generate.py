"""Write `xnys.csv` and `xhkg.csv` anew: `python -m streams.reference.generate`.

Needs exchange_calendars, a development dependency; the tables are shipped so that a run needs
neither it nor pandas. What it has wrong is put right in `overrides.csv`, never in the tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streams.errors import UsageError
from streams.reference.special_days import COLUMNS, FIRST_DAY, LAST_DAY, epoch_day
from streams.reference.venue_hours import XHKG, XNYS, Venue, era_of

SATURDAY = 5


class LibrarySession(NamedTuple):
    """The opening and closing of one session as exchange_calendars has them, local `HH:MM`."""

    open_time: str
    close_time: str


def library_version() -> str:
    """Return the version of exchange_calendars that is installed."""
    import exchange_calendars  # noqa: PLC0415 - a development dependency, slow to load

    return str(exchange_calendars.__version__)


def library_sessions(venue: Venue) -> dict[dt.date, LibrarySession]:
    """Return every session that exchange_calendars knows of a venue, by its local date."""
    import exchange_calendars  # noqa: PLC0415 - a development dependency, slow to load

    start, end = FIRST_DAY.isoformat(), LAST_DAY.isoformat()
    calendar = exchange_calendars.get_calendar(venue.table, start=start, end=end)
    opens = calendar.opens.dt.tz_convert(venue.zone).dt.strftime("%H:%M")
    closes = calendar.closes.dt.tz_convert(venue.zone).dt.strftime("%H:%M")
    days = [stamp.date() for stamp in calendar.sessions]
    return dict(zip(days, map(LibrarySession, opens, closes), strict=True))


def render(venue: Venue) -> str:
    """Return the text of a venue's table."""
    head = (
        f"# Special days of {venue.table} in local time ({venue.zone}),"
        f" {FIRST_DAY} to {LAST_DAY}; other weekdays are regular.\n"
        f"# Generated with exchange_calendars {library_version()} by"
        " `python -m streams.reference.generate`; corrections go to overrides.csv.\n"
    )
    rows = [",".join(COLUMNS), *special_rows(venue)]
    return head + "\n".join(rows) + "\n"


def special_rows(venue: Venue) -> Iterator[str]:
    """Yield one CSV row for each weekday that exchange_calendars does not show as regular.

    Raises UsageError for a session at a weekend, which the table cannot say.
    """
    sessions = library_sessions(venue)
    for ordinal in range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1):
        day = dt.date.fromordinal(ordinal)
        session = sessions.get(day)
        if day.weekday() >= SATURDAY:
            if session is not None:
                raise UsageError(f"{venue.table} has a session at a weekend: {day}")
        elif session is None:
            yield f"{day},closed,,"
        else:
            yield from _irregular_row(venue, day, session)


def _irregular_row(venue: Venue, day: dt.date, session: LibrarySession) -> Iterator[str]:
    era = era_of(venue, epoch_day(day))
    if session.open_time != _clock(era.open_min):
        yield f"{day},late_open,{session.open_time},{session.close_time}"
    elif session.close_time != _clock(era.close_min):
        yield f"{day},half,{session.open_time},{session.close_time}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def main() -> None:
    """Write both tables beside this file."""
    for venue in (XNYS, XHKG):
        path = Path(__file__).with_name(f"{venue.table.lower()}.csv")
        path.write_text(render(venue), encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
