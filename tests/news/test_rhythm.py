"""How often a feed speaks at each hour of the week, as New York has it, and what silence means."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import SECOND_NS
from streams.rhythm import BUSY, HOUR_NS, SILENT_ITEMS, Expect, Rhythm

NEW_YORK = ZoneInfo("America/New_York")
WIRE = Expect(busy_per_hour=60.0, quiet_per_hour=2.0)
DAY = dt.timedelta(days=1)
# A week each side of both changes of the clock in 2026: 8 March and 1 November.
SPRING, AUTUMN = dt.date(2026, 3, 2), dt.date(2026, 10, 26)


def ns(day: dt.date, hour: float = 0.0, zone: ZoneInfo = NEW_YORK) -> int:
    """Return that hour of the day by the clocks of the zone."""
    midnight = dt.datetime.combine(day, dt.time(), zone)
    return round((midnight + dt.timedelta(hours=hour)).timestamp()) * SECOND_NS  # hours of clocks


MONDAY, SUNDAY = dt.date(2026, 11, 23), dt.date(2026, 11, 22)


def listened(rhythm: Rhythm, from_ns: int, hours: int, items: int) -> None:
    """Hear so many items in each of the hours, and be there to their end."""
    for hour in range(hours):
        rhythm.note(from_ns + hour * HOUR_NS, items)
    rhythm.note(from_ns + hours * HOUR_NS, 0)


# -- before anything is learned


@pytest.mark.parametrize(
    ("day", "hour", "rate"),
    [
        (MONDAY, 6.99, 2), (MONDAY, 7, 60), (MONDAY, 18.99, 60), (MONDAY, 19, 2),
        (MONDAY + 4 * DAY, 12, 60), (MONDAY + 5 * DAY, 12, 2), (SUNDAY, 12, 2),
    ],
)  # fmt: skip
def test_the_rate_of_its_kind_stands_in(day: dt.date, hour: float, rate: float) -> None:
    assert Rhythm(WIRE).rate_per_hour(ns(day, hour)) == rate
    assert Rhythm().rate_per_hour(ns(day, hour)) == 0


def test_busy_hours_are_those_of_the_zone() -> None:
    tokyo = Expect(busy_per_hour=60.0, zone="Asia/Tokyo")
    assert Rhythm(tokyo).rate_per_hour(ns(MONDAY, 7, ZoneInfo("Asia/Tokyo"))) == 60
    assert Rhythm(tokyo).rate_per_hour(ns(MONDAY, 12)) == 0


def test_ten_quiet_minutes_are_a_fault_on_a_busy_monday_alone() -> None:
    rhythm = Rhythm(WIRE)
    for day, silent in ((MONDAY, True), (SUNDAY, False)):
        last_ns = ns(day, 10)
        assert rhythm.silent(last_ns, last_ns + HOUR_NS // 6) is silent
    assert not rhythm.silent(ns(MONDAY, 10), ns(MONDAY, 10) + 9 * HOUR_NS // 60)
    assert not rhythm.silent(ns(SUNDAY, 10), ns(SUNDAY, 14.5))
    assert rhythm.silent(ns(SUNDAY, 10), ns(SUNDAY, 14.7))


def test_a_feed_of_which_nothing_is_expected_is_never_silent() -> None:
    assert not Rhythm().silent(0, ns(MONDAY))


# -- learning


@pytest.mark.parametrize(("begin", "changed"), [(SPRING, 8), (AUTUMN, 7)], ids=["spring", "autumn"])
def test_an_hour_keeps_its_rate_when_the_clocks_change(begin: dt.date, changed: int) -> None:
    """Eight o'clock is learned in one week and expected at eight in the next, not at seven."""
    rhythm = Rhythm(Expect())
    listened(rhythm, ns(begin, 8), 1, 0)  # begun in the middle of what is known: not learned
    for day in range(5):
        rhythm.note(ns(begin + day * DAY, 7), 0)
        listened(rhythm, ns(begin + day * DAY, 8), 1, 100)
    after = begin + changed * DAY
    assert (ns(after, 8) - ns(after - 7 * DAY, 8)) % (24 * HOUR_NS) != 0
    rates = [rhythm.rate_per_hour(ns(after, hour)) for hour in (7, 8, 9)]
    assert rates == [0, 100, 0]


def test_an_hour_is_learned_week_by_week() -> None:
    rhythm = Rhythm(WIRE)
    rates = []
    for week in range(3):
        day = MONDAY - (3 - week) * 7 * DAY
        rhythm.note(ns(day, 9), 0)
        listened(rhythm, ns(day, 10), 1, (100, 200, 0)[week])
        rates.append(rhythm.rate_per_hour(ns(MONDAY, 10.5)))
    assert rates == [100, pytest.approx(130), pytest.approx(91)]
    assert rhythm.rate_per_hour(ns(MONDAY, 11)) == 60  # an hour that was not heard to its end


def test_an_hour_that_was_not_heard_whole_is_not_learned() -> None:
    rhythm = Rhythm(WIRE)
    rhythm.note(ns(MONDAY, 10.5), 3)  # begun amid it
    rhythm.note(ns(MONDAY, 11.2), 5)
    assert rhythm.rate_per_hour(ns(MONDAY, 10)) == 60
    rhythm.note(ns(MONDAY, 14.1), 0)  # away since
    assert rhythm.rate_per_hour(ns(MONDAY, 11)) == 60
    rhythm.note(ns(MONDAY, 15.1), 0)
    assert rhythm.rate_per_hour(ns(MONDAY, 14)) == 60


def test_a_feed_that_speaks_only_at_night_is_missed_at_night() -> None:
    rhythm = Rhythm(WIRE)
    for day in range(14):
        begin_ns = ns(SUNDAY + (day - 14) * DAY)
        for hour in range(24):
            rhythm.note(begin_ns + hour * HOUR_NS, 40 if hour < 4 else 0)
    last_ns = ns(MONDAY, 1)
    assert rhythm.silent(last_ns, last_ns + HOUR_NS // 2)
    assert not rhythm.silent(ns(MONDAY, 8), ns(MONDAY, 18))


# -- restarts, clocks that jump


def test_a_restart_goes_on_amid_the_hour() -> None:
    one, cut = Rhythm(WIRE), Rhythm(WIRE)
    for minute in range(0, 180, 7):
        at_ns = ns(MONDAY, 9) + minute * 60 * SECOND_NS
        one.note(at_ns, minute % 3)
        cut = Rhythm(WIRE, cut.snapshot())
        cut.note(at_ns, minute % 3)
    assert cut.snapshot() == one.snapshot()
    other = Rhythm()
    other.restore(one.snapshot())
    assert other.snapshot() == one.snapshot()


@pytest.mark.parametrize("jump", [-5, -1, 3, 400])
def test_a_clock_that_jumps_spoils_no_rate(jump: int) -> None:
    """The hours around the jump were not heard whole; those after it are learned as always."""
    rhythm = Rhythm(WIRE)
    begin_ns = ns(MONDAY, 9)
    rhythm.note(begin_ns, 10_000)
    rhythm.note(begin_ns + jump * HOUR_NS, 10_000)
    listened(rhythm, begin_ns + (jump + 1) * HOUR_NS, 2, 30)
    rates = {rhythm.rate_per_hour(begin_ns + hour * HOUR_NS) for hour in range(-10, 420)}
    assert rates == {2, 60, 30}


@pytest.mark.parametrize("state", [b"\xc1", b"\x01", b"no"])
def test_a_state_that_is_none_is_said_to_be(state: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Rhythm(WIRE, state)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Mars/Olympus"}, {"zone": ""}, {"zone": "../etc"}, {"zone": "America"},
        {"busy_per_hour": -1.0}, {"quiet_per_hour": float("nan")}, {"busy_per_hour": float("inf")},
    ],
)  # fmt: skip
def test_an_impossible_expectation_is_refused(wrong: dict[str, object]) -> None:
    (key,) = wrong
    with pytest.raises(ValueError, match=f"^{key}: "):
        Expect(**wrong)  # type: ignore[arg-type]


# -- for all

instants = st.integers(ns(SPRING), ns(SPRING) + 60 * 24 * HOUR_NS)
notes = st.lists(st.tuples(instants, st.integers(0, 500)), max_size=60)
expects = st.builds(
    Expect, busy_per_hour=st.floats(0, 1e4), quiet_per_hour=st.floats(0, 1e4),
    zone=st.sampled_from(["America/New_York", "Asia/Hong_Kong", "Asia/Kathmandu", "UTC"]),
)  # fmt: skip


def taught(expect: Expect, heard: list[tuple[int, int]]) -> Rhythm:
    rhythm = Rhythm(expect)
    for at_ns, items in heard:  # in any order: the clock may jump as it likes
        rhythm.note(at_ns, items)
    return rhythm


@given(expects, notes, instants, instants)
def test_nothing_is_ever_expected_less_than_not_at_all(
    expect: Expect, heard: list[tuple[int, int]], one: int, other: int
) -> None:
    rhythm = taught(expect, heard)
    assert rhythm.rate_per_hour(one) >= 0
    assert rhythm.expected(one, other) >= 0
    assert rhythm.expected(one, one) == 0
    if one >= other:
        assert rhythm.expected(one, other) == 0
        assert not rhythm.silent(one, other)


@given(expects, notes, instants, st.lists(st.integers(0, 300 * HOUR_NS), min_size=2, max_size=6))
def test_what_is_expected_adds_up(
    expect: Expect, heard: list[tuple[int, int]], begin_ns: int, steps: list[int]
) -> None:
    rhythm = taught(expect, heard)
    places = sorted({begin_ns, *(begin_ns + step for step in steps)})  # within two weeks
    parts = [rhythm.expected(a, b) for a, b in itertools.pairwise(places)]
    assert sum(parts) == pytest.approx(rhythm.expected(places[0], places[-1]), rel=1e-9, abs=1e-9)


@given(expects, notes, instants)
def test_silence_once_begun_lasts(
    expect: Expect, heard: list[tuple[int, int]], last_ns: int
) -> None:
    rhythm = taught(expect, heard)
    found = [rhythm.silent(last_ns, last_ns + hours * HOUR_NS) for hours in range(0, 336, 12)]
    assert found == sorted(found)


@given(expects, notes, notes)
def test_a_snapshot_holds_all(
    expect: Expect, heard: list[tuple[int, int]], later: list[tuple[int, int]]
) -> None:
    rhythm = taught(expect, heard)
    again = Rhythm(expect, rhythm.snapshot())
    for at_ns, items in later:
        rhythm.note(at_ns, items)
        again.note(at_ns, items)
    assert again.snapshot() == rhythm.snapshot()


def test_the_measure_of_silence_is_one_in_ten_thousand() -> None:
    assert 0.5e-4 < 2.718281828**-SILENT_ITEMS < 1.5e-4
    assert (BUSY.start, BUSY.stop) == (7, 19)
