"""Every way a stamp is written, one by one and by the column."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.times import FARTHEST_NS, epoch_to_ns, parse_time, precision_s, times_to_ns

NOON = 1_758_715_200  # 2025-09-24 12:00:00 UTC, s
NOON_NS = NOON * 10**9


@pytest.mark.parametrize(
    "text",
    [
        "2025-09-24T12:00:00Z", "2025-09-24 12:00:00", "2025-09-24t12:00:00.000z",
        "2025-09-24T12:00", "2025-09-24T08:00:00-04:00", "2025-09-24 17:30:00 +0530",
        "2025-09-24T20:00:00+08", "2025-09-24 08:00:00 EDT", " 2025-9-24 12:00:00 UTC ",
        "Wed, 24 Sep 2025 12:00:00 GMT", "24 Sep 2025 12:00 +0000", "Wed, 24 Sep 25 08:00:00 EDT",
        "Wednesday, 24-Sep-25 12:00:00 GMT", "Wed, 24 Sep 2025 20:00:00 HKT",
        "Wed, 24 Sep 2025 20:00:00 GMT+08:00", "Wed, 24 Sep 2025 12:00:00 +0000 (UTC)",
        "1758715200", "1758715200.0", "1758715200000", "1758715200000000", "1758715200000000000",
    ],
)  # fmt: skip
def test_noon_in_many_spellings(text: str) -> None:
    assert parse_time(text) == NOON_NS


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2025-13-01", "2025-02-30", "2025-09-24T25:00:00Z", "2025-09",
        "Wed, 24 Sep 2025 12:00:00 IST", "Wed, 24 Foo 2025 12:00:00 GMT", "12:00:00", "nan", "1e9",
    ],
)  # fmt: skip
def test_what_names_no_instant(text: str) -> None:
    assert parse_time(text) is None


def test_every_digit_of_a_fraction_counts() -> None:
    assert parse_time("2025-09-24T12:00:00.123456789Z") == NOON_NS + 123_456_789
    assert parse_time("2025-09-24T12:00:00,5Z") == NOON_NS + 500_000_000
    assert parse_time("1758715200.123456789") == NOON_NS + 123_456_789
    assert parse_time("2025-09-24T11:59:60Z") == NOON_NS - 10**9  # a leap second
    assert parse_time("-1.5") == -1_500_000_000


def test_epoch_numbers() -> None:
    assert epoch_to_ns(NOON) == epoch_to_ns(NOON * 1e3) == epoch_to_ns(NOON * 10**9) == NOON_NS
    assert epoch_to_ns(NOON + 0.5) == NOON_NS + 500_000_000
    for number in (float("nan"), float("inf"), 10**400):
        assert epoch_to_ns(number) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-09-24T12:00:00Z", 1), ("2025-09-24T12:00-04:00", 60), ("1758715200", 1),
        ("Wed, 24 Sep 2025 12:00 GMT", 60), ("Wed, 24 Sep 2025 12:00:00 +0000", 1),
        ("2025-09-24T12:00+08:00", 60), ("2025-09-24", 86_400),
    ],
)  # fmt: skip
def test_precision(text: str, expected: int) -> None:
    assert precision_s(text) == expected


@given(
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2035, 1, 1)),  # noqa: DTZ001 naive is UTC
    st.sampled_from(["ms", "us", "ns"]),
    st.sampled_from([None, "UTC", "America/New_York", "Asia/Hong_Kong"]),
)
def test_datetime_columns_of_any_unit_and_zone(
    moment: dt.datetime, unit: str, zone: str | None
) -> None:
    aware = moment.replace(tzinfo=dt.UTC)
    series = pl.Series([aware, None]).dt.cast_time_unit(unit)  # type: ignore[arg-type]
    series = series.dt.convert_time_zone(zone) if zone else series.dt.replace_time_zone(None)
    ns, valid = times_to_ns(series)
    micros = (aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    expected = micros // 1_000 * 1_000_000 if unit == "ms" else micros * 1_000
    assert (ns[0], valid.tolist()) == (expected, [True, False])


@given(st.lists(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2035, 1, 1)), max_size=5))  # noqa: DTZ001
def test_text_columns_agree_with_single_stamps(moments: list[dt.datetime]) -> None:
    texts = [moment.isoformat() for moment in moments]
    for suffix in ("", "Z", "+05:30", " GMT"):
        stamps = [text + suffix for text in [*texts, *(t.replace("T", " ") for t in texts)]]
        ns, valid = times_to_ns(pl.Series(stamps, dtype=pl.String))
        assert valid.all()
        assert ns.tolist() == [parse_time(stamp) for stamp in stamps]


def test_a_mixed_text_column_keeps_what_can_be_read() -> None:
    texts = ["2025-09-24T12:00:00Z", None, "", "soon", "2025-09-24", "2025-09-24 12:00",
             "Wed, 24 Sep 2025 12:00:00 GMT", "2025-09-24T12:00:00.000000001+00:00"]  # fmt: skip
    ns, valid = times_to_ns(pl.Series(texts))
    assert valid.tolist() == [True, False, False, False, False, True, True, True]
    assert ns.tolist() == [NOON_NS, 0, 0, 0, 0, NOON_NS, NOON_NS, NOON_NS + 1]


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
def test_epoch_columns_by_magnitude(scale: int) -> None:
    whole = NOON * scale
    for series in (
        pl.Series([whole, whole, None]),
        pl.Series([str(whole), f" {whole} ", "x"]),
        pl.Series([float(whole), float(whole), float("nan")]),
    ):
        ns, valid = times_to_ns(series)
        assert (ns.tolist(), valid.tolist()) == ([NOON_NS, NOON_NS, 0], [True, True, False])


def test_years_beyond_64_bits_are_clipped_and_not_wrapped() -> None:
    ns, valid = times_to_ns(pl.Series(["9999-12-31T00:00:00Z", "1500-01-01T00:00:00Z"]))
    assert valid.all()
    assert ns.tolist() == [FARTHEST_NS, -FARTHEST_NS]
    late = pl.Series([dt.datetime(9999, 1, 1, tzinfo=dt.UTC)])
    assert times_to_ns(late)[0][0] > 2**62


@pytest.mark.parametrize("values", [[dt.date(2025, 9, 24)], [True], [[1]], [dt.time(1)], [None]])
def test_other_columns_hold_no_instants(values: list[object]) -> None:
    assert times_to_ns(pl.Series(values))[1].tolist() == [False]
