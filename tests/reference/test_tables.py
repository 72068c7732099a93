from __future__ import annotations

import datetime as dt
import importlib.resources
import zoneinfo

import pytest

from streams.errors import UsageError
from streams.events import SECOND_NS
from streams.reference import generate
from streams.reference.calendars import calendar_for
from streams.reference.special_days import epoch_day, override_days
from streams.reference.venue_hours import XHKG, XNYS, Venue

pytest.importorskip(
    "exchange_calendars", reason="exchange_calendars, which made the tables, is not installed"
)
# The library calls what the installed pandas deprecates; that is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
BOTH = pytest.mark.parametrize("venue", [XNYS, XHKG], ids=lambda venue: venue.table)


@BOTH
def test_the_shipped_table_is_what_the_generator_writes(venue: Venue) -> None:
    name = f"{venue.table.lower()}.csv"
    shipped = (importlib.resources.files("streams.reference") / name).read_text(encoding="ascii")
    if f"exchange_calendars {generate.library_version()} " not in shipped:
        pytest.skip("another version of exchange_calendars made the shipped tables")
    assert generate.render(venue) == shipped


@BOTH
def test_every_session_opens_and_closes_as_the_library_says_but_for_overrides(
    venue: Venue,
) -> None:
    calendar, overridden = calendar_for(venue.table), override_days(venue.table)
    theirs = {
        epoch_day(day): hours
        for day, hours in generate.library_sessions(venue).items()
        if epoch_day(day) not in overridden
    }
    ours = {
        int(day): generate.LibrarySession(_local(start, venue), _local(end, venue))
        for day, start, end in zip(
            calendar.session_dates,
            calendar.regular_start_ns,
            calendar.regular_end_ns,
            strict=True,
        )
        if int(day) not in overridden
    }
    assert len(ours) > 6800
    assert ours == theirs


def _local(ts_ns: int, venue: Venue) -> str:
    zone = zoneinfo.ZoneInfo(venue.zone)
    return dt.datetime.fromtimestamp(int(ts_ns) // SECOND_NS, zone).strftime("%H:%M")


def test_a_session_at_a_weekend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    saturday = {dt.date(2000, 1, 1): generate.LibrarySession("09:30", "16:00")}
    monkeypatch.setattr(generate, "library_sessions", lambda _venue: saturday)
    with pytest.raises(UsageError, match="XNYS has a session at a weekend: 2000-01-01"):
        list(generate.special_rows(XNYS))


def test_a_late_opening_in_the_library_becomes_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monday = {dt.date(2000, 1, 3): generate.LibrarySession("11:00", "16:00")}
    monkeypatch.setattr(generate, "library_sessions", lambda _venue: monday)
    rows = list(generate.special_rows(XNYS))
    assert rows[:2] == ["2000-01-03,late_open,11:00,16:00", "2000-01-04,closed,,"]
