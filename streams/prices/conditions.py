"""Fold vendors' sale conditions into Flag bits: what a trade may set.

The table is that of guides/finance.md 1.6 (CTA and UTP participants' specifications). Codes of
one trade combine by AND of what they allow: one suppressing code suppresses. A code that is not
in the table suppresses nothing and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import polars as pl

from streams.events import I32, Flag

ConditionsFormat = Literal["cta", "utp", "flags_hex"]
Decoded = tuple[int, tuple[str, ...]]  # Flag bits, unknown codes

VOLUME_ONLY = Flag.no_last | Flag.no_range
SETS_NOTHING = Flag.no_last | Flag.no_range | Flag.no_volume
OFFICIAL_CLOSE = Flag.official_close | SETS_NOTHING
# NxCore's flag word, as in the R1 ticks: this bit marks the closing prints, the others are
# not documented.
CLOSING_BIT = 0x80


def _table(**classes: str) -> dict[str, int]:
    """Return the flags of each code; `classes` are the two tapes' codes by what they may set."""
    flags = {"full": 0, "first_last": Flag.first_last, "volume_only": VOLUME_ONLY}
    table = {code: int(flags[name]) for name, codes in classes.items() for code in codes}
    table["T"] = int(Flag.extended)  # Form T: the engine knows the session, this table does not
    table["Q"] = int(Flag.official_open | SETS_NOTHING)
    table["M"] = int(OFFICIAL_CLOSE)
    table["9"] = int(Flag.corrected_close | OFFICIAL_CLOSE)
    return table


# B is an average price trade on CTA, a bunched trade on UTP. U is Form T out of sequence: its
# price was true at another time, so it counts as volume only, in any session.
TABLES = {
    "cta": _table(full="@ADEFKSXYO56", first_last="GLPZ4", volume_only="BCHINRUVW7"),
    "utp": _table(full="@ABDEFKSXYO56", first_last="GLPZ4", volume_only="CHINRUVW7"),
}
# Vendors write one string a trade ("@ TI"), a list ("@,T,I") or a list's text ("['@', 'T']").
_SEPARATORS = re.compile(r"[\s,;|\[\]'\"]+")
_HEX = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{1,16})")


def decode_conditions(values: pl.Series, form: ConditionsFormat) -> tuple[I32, dict[str, int]]:
    """Return the Flag bits of each trade, and how many trades carried each unknown code.

    Takes a column of text, of lists of codes, or for `flags_hex` of integers; null is no
    condition. Each distinct value is decoded once.
    """
    texts = _as_text(values, form)
    distinct = texts.drop_nulls().value_counts(name="trades").rows()
    unknown: dict[str, int] = {}
    flags: dict[str, int] = {}
    for text, trades in sorted(distinct):
        flags[text], codes = decode(text, form)
        for code in codes:
            unknown[code] = unknown.get(code, 0) + trades
    bits = texts.replace_strict(list(flags), list(flags.values()), default=0, return_dtype=pl.Int32)
    return bits.to_numpy(), unknown


def decode(text: str, form: ConditionsFormat) -> Decoded:
    """Return the Flag bits of one trade's conditions and the codes that are not known."""
    if form == "flags_hex":
        return _decode_hex(text.strip())
    table, flags, unknown = TABLES[form], 0, dict[str, None]()
    for code in _SEPARATORS.sub("", text):
        flags |= table.get(code, 0)
        if code not in table:
            unknown[code] = None
    return flags, tuple(unknown)


def _decode_hex(text: str) -> Decoded:
    if not text:
        return 0, ()
    match = _HEX.fullmatch(text)
    if match is None:
        return 0, (text[:20],)
    word = int(match[1], 16)
    flags = int(OFFICIAL_CLOSE) if word & CLOSING_BIT else 0
    return flags, tuple(f"0x{bit:x}" for bit in _bits(word & ~CLOSING_BIT))


def _bits(word: int) -> Iterator[int]:
    while word:
        lowest = word & -word
        yield lowest
        word ^= lowest


def _as_text(values: pl.Series, form: ConditionsFormat) -> pl.Series:
    name = values.name or "conditions"
    if isinstance(values.dtype, pl.List):
        return values.cast(pl.List(pl.String)).list.join(",").alias(name)
    if form == "flags_hex" and values.dtype.is_integer():
        distinct = values.drop_nulls().unique()
        words = [f"{word & 0xFFFFFFFFFFFFFFFF:x}" for word in distinct.to_list()]
        texts = values.replace_strict(distinct, words, default=None, return_dtype=pl.String)
        return texts.alias(name)
    return values.cast(pl.String).alias(name)
