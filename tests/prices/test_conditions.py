"""Sale conditions: what each code lets a trade set, alone and combined."""

from __future__ import annotations

import polars as pl
import pytest

from streams.events import Flag
from streams.prices.conditions import decode, decode_conditions

VOLUME_ONLY = Flag.no_last | Flag.no_range
NOTHING = VOLUME_ONLY | Flag.no_volume


@pytest.mark.parametrize(
    ("tape", "codes", "expected"),
    [
        ("cta", "", 0),
        ("cta", "@ADEFKSXYO56", 0),
        ("utp", "@ABDEFKSXYO56", 0),
        ("cta", "B", VOLUME_ONLY),  # average price; on UTP a bunched trade
        ("utp", "W", VOLUME_ONLY),
        ("cta", "T", Flag.extended),
        ("cta", "U", VOLUME_ONLY),
        ("utp", "Q", NOTHING | Flag.official_open),
        ("utp", "M", NOTHING | Flag.official_close),
        ("utp", "9", NOTHING | Flag.official_close | Flag.corrected_close),
        ("cta", "@ TI", VOLUME_ONLY | Flag.extended),
        ("cta", "['@', 'F', 'I']", VOLUME_ONLY),
        ("cta", "F,L", Flag.first_last),
    ],
)
def test_codes(tape: str, codes: str, expected: Flag) -> None:
    assert decode(codes, tape) == (expected, ())  # type: ignore[arg-type]


@pytest.mark.parametrize("tape", ["cta", "utp"])
def test_every_code_of_a_class_means_the_same(tape: str) -> None:
    for code in "CHINRUVW7":
        assert decode(code, tape) == (VOLUME_ONLY, ())  # type: ignore[arg-type]
    for code in "GLPZ4":
        assert decode(code, tape) == (Flag.first_last, ())  # type: ignore[arg-type]


def test_unknown_codes_suppress_nothing_and_are_counted_by_trade() -> None:
    column = pl.Series(["@", "@?", "?I", None, "??", "@"])
    flags, unknown = decode_conditions(column, "cta")
    assert flags.tolist() == [0, 0, VOLUME_ONLY, 0, 0, 0]
    assert unknown == {"?": 3}


def test_lists_of_codes() -> None:
    flags, unknown = decode_conditions(pl.Series([["@", "T"], [], ["I"], None]), "utp")
    assert flags.tolist() == [Flag.extended, 0, VOLUME_ONLY, 0]
    assert unknown == {}


def test_of_hexadecimal_flags_only_the_close_is_known() -> None:
    column = pl.Series(["1", "20000080", "0x80", "", None, "zz"])
    flags, unknown = decode_conditions(column, "flags_hex")
    close = int(NOTHING | Flag.official_close)
    assert flags.tolist() == [0, close, close, 0, 0, 0]
    assert unknown == {"0x1": 1, "0x20000000": 1, "zz": 1}
    flags, unknown = decode_conditions(pl.Series([1, 0x80, None]), "flags_hex")
    assert (flags.tolist(), unknown) == ([0, close, 0], {"0x1": 1})


def test_no_rows() -> None:
    flags, unknown = decode_conditions(pl.Series([], dtype=pl.String), "cta")
    assert (len(flags), unknown) == (0, {})
