from __future__ import annotations

import datetime as dt
import zoneinfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import InputError, UsageError
from streams.events import MINUTE_NS, SECOND_NS, Phase
from streams.reference import special_days as tables
from streams.reference.calendars import MICS, Calendar, calendar_for
from streams.reference.special_days import epoch_day

NEW_YORK, HONG_KONG = calendar_for("XNYS"), calendar_for("XHKG")
BOTH = pytest.mark.parametrize("calendar", [NEW_YORK, HONG_KONG], ids=lambda c: c.name)
P = Phase


def utc(text: str) -> int:
    return int(dt.datetime.fromisoformat(text + "+00:00").timestamp()) * SECOND_NS


def day_number(date: str) -> int:
    return epoch_day(dt.date.fromisoformat(date))


def session(calendar: Calendar, date: str) -> int | None:
    found = np.flatnonzero(calendar.session_dates == day_number(date))
    return int(found[0]) if len(found) else None


def hhmm(ts_ns: int) -> str:
    return dt.datetime.fromtimestamp(ts_ns // SECOND_NS, dt.UTC).strftime("%H:%M")


def phases_of(calendar: Calendar, date: str) -> list[tuple[Phase, str, str]]:
    segments = np.flatnonzero(calendar.dates == day_number(date))
    return [
        (
            Phase(int(calendar.phases[k])),
            hhmm(int(calendar.bounds_ns[k])),
            hhmm(int(calendar.bounds_ns[k + 1])),
        )
        for k in segments
        if calendar.phases[k] != Phase.closed
    ]


def test_the_flagship_day_in_both_cities() -> None:
    assert phases_of(HONG_KONG, "2025-09-24") == [
        (P.open_auction, "01:00", "01:30"),
        (P.regular, "01:30", "04:00"),
        (P.lunch, "04:00", "05:00"),
        (P.regular, "05:00", "08:00"),
        (P.closing_auction, "08:00", "08:15"),
    ]
    assert phases_of(NEW_YORK, "2025-09-24") == [
        (P.pre, "08:00", "13:30"),
        (P.regular, "13:30", "20:00"),
        (P.post, "20:00", "00:00"),
    ]


def test_hong_kong_closes_when_new_york_opens_in_summer_and_an_hour_before_in_winter() -> None:
    for date, gap_min in (("2025-09-24", 0), ("2025-01-15", 60)):
        hong_kong, new_york = session(HONG_KONG, date), session(NEW_YORK, date)
        gap_ns = NEW_YORK.first_ns[new_york] - HONG_KONG.regular_end_ns[hong_kong]
        assert gap_ns == gap_min * MINUTE_NS


@pytest.mark.parametrize(
    ("date", "opening"),
    [
        ("2025-03-07", "14:30"),
        ("2025-03-10", "13:30"),
        ("2025-10-31", "13:30"),
        ("2025-11-03", "14:30"),
    ],
)
def test_summer_time_moves_the_opening(date: str, opening: str) -> None:
    assert hhmm(int(NEW_YORK.regular_start_ns[session(NEW_YORK, date)])) == opening


@pytest.mark.parametrize(
    "date",
    [
        "2024-07-03",
        "2024-11-29",
        "2024-12-24",
        "2025-07-03",
        "2025-11-28",
        "2025-12-24",
        "2026-11-27",
        "2026-12-24",
    ],
)
def test_new_york_closes_early_with_post_for_four_hours(date: str) -> None:
    zone = zoneinfo.ZoneInfo("America/New_York")
    k = session(NEW_YORK, date)
    ends = [int(NEW_YORK.regular_end_ns[k]), int(NEW_YORK.last_end_ns[k])]
    local = [dt.datetime.fromtimestamp(end // SECOND_NS, zone).strftime("%H:%M") for end in ends]
    assert local == ["13:00", "17:00"]


@pytest.mark.parametrize(
    "date",
    ["2024-12-24", "2024-12-31", "2025-01-28", "2025-12-24", "2025-12-31", "2026-02-16"],
)
def test_hong_kong_half_days_have_no_lunch_and_an_auction_at_noon(date: str) -> None:
    assert phases_of(HONG_KONG, date) == [
        (P.open_auction, "01:00", "01:30"),
        (P.regular, "01:30", "04:00"),
        (P.closing_auction, "04:00", "04:15"),
    ]


@pytest.mark.parametrize("date", ["2025-01-09", "2018-12-05", "2012-10-29", "2001-09-11"])
def test_new_york_was_closed(date: str) -> None:
    assert session(NEW_YORK, date) is None


@pytest.mark.parametrize("date", ["2023-07-17", "2023-09-01", "2023-09-08", "2024-09-06"])
def test_hong_kong_was_closed_by_the_weather(date: str) -> None:
    assert session(HONG_KONG, date) is None
    noon = utc(f"{date}T03:00:00")
    assert HONG_KONG.phase_at(noon) is Phase.closed


def test_a_storm_morning_starts_late_without_an_opening_auction() -> None:
    assert phases_of(HONG_KONG, "2023-10-09") == [
        (P.regular, "06:00", "08:00"),
        (P.closing_auction, "08:00", "08:15"),
    ]
    assert phases_of(HONG_KONG, "2013-09-23")[0] == (P.regular, "05:00", "08:00")


def test_a_storm_afternoon_ends_early() -> None:
    assert phases_of(HONG_KONG, "2022-11-02")[-3:] == [
        (P.lunch, "04:00", "05:00"),
        (P.regular, "05:00", "05:55"),
        (P.closing_auction, "05:55", "06:10"),
    ]


def test_new_york_opened_at_noon_a_year_after() -> None:
    assert phases_of(NEW_YORK, "2002-09-11") == [
        (P.pre, "08:00", "16:00"),
        (P.regular, "16:00", "20:00"),
        (P.post, "20:00", "00:00"),
    ]


@pytest.mark.parametrize(
    ("date", "openings"),
    [
        ("2011-03-04", ["02:00", "04:30", "06:30", "08:00"]),
        ("2011-03-07", ["01:30", "04:00", "05:30", "08:00"]),
        ("2012-03-02", ["01:30", "04:00", "05:30", "08:00"]),
        ("2012-03-05", ["01:30", "04:00", "05:00", "08:00"]),
    ],
)
def test_hong_kong_hours_changed_twice(date: str, openings: list[str]) -> None:
    phases = phases_of(HONG_KONG, date)
    assert [start for _, start, _ in phases[1:]] == openings
    assert [phase for phase, _, _ in phases] == [
        P.open_auction,
        P.regular,
        P.lunch,
        P.regular,
        P.closing_auction,
    ]


@BOTH
def test_segments_are_contiguous_and_begin_with_2000(calendar: Calendar) -> None:
    n, m = len(calendar.phases), len(calendar.session_dates)
    assert len(calendar.bounds_ns) == n + 1
    assert len(calendar.dates) == n
    assert np.all(np.diff(calendar.bounds_ns) > 0)
    assert calendar.bounds_ns[0] == utc("2000-01-01T00:00:00")
    assert calendar.bounds_ns[-1] == calendar.last_end_ns[-1]
    assert calendar.bounds_ns.dtype == np.int64
    assert calendar.phases.dtype == np.int8
    assert calendar.dates.dtype == calendar.session_dates.dtype == np.int32
    assert all(len(a) == m for a in (calendar.first_ns, calendar.last_end_ns))


@BOTH
def test_each_trade_date_is_closed_time_then_its_phases_in_order(calendar: Calendar) -> None:
    allowed = {
        (P.pre, P.regular, P.post),
        (P.open_auction, P.regular, P.lunch, P.regular, P.closing_auction),
        (P.open_auction, P.regular, P.closing_auction),
        (P.regular, P.closing_auction),
    }
    starts = np.flatnonzero(np.diff(calendar.dates, prepend=-1))
    assert np.array_equal(calendar.dates[starts], calendar.session_dates)
    assert np.all(np.diff(calendar.session_dates) > 0)
    for run in np.split(calendar.phases, starts[1:]):
        assert run[0] == Phase.closed
        assert tuple(Phase(int(phase)) for phase in run[1:]) in allowed


@BOTH
def test_session_marks_are_those_of_the_segments(calendar: Calendar) -> None:
    regular = calendar.phases == Phase.regular
    starts, ends = calendar.bounds_ns[:-1][regular], calendar.bounds_ns[1:][regular]
    dates = calendar.dates[regular]
    first = np.flatnonzero(np.diff(dates, prepend=-1))
    last = np.flatnonzero(np.diff(dates, append=dates[-1] + 1))
    assert np.array_equal(starts[first], calendar.regular_start_ns)
    assert np.array_equal(ends[last], calendar.regular_end_ns)
    closed = np.flatnonzero(calendar.phases == Phase.closed)
    assert np.array_equal(calendar.bounds_ns[closed + 1], calendar.first_ns)
    assert np.array_equal(calendar.bounds_ns[closed[1:]], calendar.last_end_ns[:-1])


def test_the_end_of_a_segment_belongs_to_the_next() -> None:
    opening = utc("2025-09-24T13:30:00")
    assert NEW_YORK.phase_at(opening - 1) is Phase.pre
    assert NEW_YORK.phase_at(opening) is Phase.regular


def test_outside_the_table_there_is_no_phase() -> None:
    for calendar in (NEW_YORK, HONG_KONG):
        assert calendar.phase_at(utc("1999-12-31T23:59:59")) is None
        assert calendar.phase_at(utc("2000-01-01T00:00:00")) is Phase.closed
        assert calendar.phase_at(int(calendar.bounds_ns[-1])) is None
        assert calendar.segment_at(int(calendar.bounds_ns[-1]) - 1) == len(calendar.phases) - 1
    assert hhmm(int(HONG_KONG.bounds_ns[-1])) == "04:15"


@given(st.integers(utc("2013-01-01T00:00:00"), utc("2027-12-30T00:00:00")))
def test_a_plain_clock_agrees_on_ordinary_weekdays(ts_ns: int) -> None:
    special = tables.special_days("XNYS")
    local = dt.datetime.fromtimestamp(ts_ns // SECOND_NS, zoneinfo.ZoneInfo("America/New_York"))
    if epoch_day(local.date()) in special:
        return
    expected = Phase.closed
    for start, phase in (("04:00", P.pre), ("09:30", P.regular), ("16:00", P.post)):
        if local.weekday() < 5 and start <= local.strftime("%H:%M") < "20:00":
            expected = phase
    assert NEW_YORK.phase_at(ts_ns) is expected


def test_us_venues_share_one_calendar_and_others_are_named() -> None:
    assert set(MICS) == {"XNYS", "XNAS", "ARCX", "XASE", "BATS", "XHKG"}
    for mic in ("XNAS", "ARCX", "XASE", "BATS"):
        assert calendar_for(mic) is NEW_YORK
    with pytest.raises(UsageError, match="no calendar for MIC 'XLON'; known are XNYS, XNAS"):
        calendar_for("XLON")


@pytest.mark.parametrize(
    "row",
    [
        "2023-09-01,shut,,",
        "2023-13-01,closed,,",
        "2023-09-01,half,9:3,12:00",
        "2023-09-01,late_open,,16:00",
    ],
)
def test_a_bad_table_row_names_its_line(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = dict(zip(("date", "kind", "open", "close"), row.split(","), strict=True))
    monkeypatch.setattr(tables, "_rows", lambda _file: iter([(7, fields)]))
    with pytest.raises(InputError, match=r"x\.csv:7: not a special day"):
        list(tables._parsed("x.csv", None))


def test_every_override_changes_or_confirms_a_weekday_with_a_reason() -> None:
    rows = [row for _, row in tables._rows("overrides.csv")]
    assert len(rows) >= 10
    for row in rows:
        assert dt.date.fromisoformat(row["date"]).weekday() < 5
        assert "[" in row["reason"], row
        assert row["mic"] in {"XNYS", "XHKG"}
    assert len({(row["mic"], row["date"]) for row in rows}) == len(rows)
