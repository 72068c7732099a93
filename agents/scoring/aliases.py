"""Turn a universe into the names by which headlines call its companies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from agents.scoring.common_words import COMMON_WORDS
from agents.scoring.naming import (
    ABBREVIATIONS,
    LEGAL_ENDINGS,
    NOT_NAMES,
    TRADE_ENDINGS,
    WEAK_STARTS,
)
from agents.scoring.text import clean, fold
from streams.events import Issuer

_NAME_WORD = re.compile(r"[^\s,()/\"]+")
_TAIL = re.compile(r"\s*/[A-Za-z .&-]+/?\s*$|\s*\([^)]*\)\s*$")
SHORTEST_FIRST_WORD = 5  # letters; shorter first words are too often something else


class Rank(IntEnum):
    """How a name was come by; a better rank takes the name from a worse one."""

    given = 0  # an alias of universe.csv
    whole = 1  # the legal name without Inc, Corp, Group, ...
    short = 2  # without Energy, Systems, ... too
    first = 3  # the first word alone


class LetterCase(IntEnum):
    """What the letters in the title must look like."""

    free = 0
    initial = 1  # a capital or a figure somewhere in the match
    upper = 2  # capitals throughout


class Alias(NamedTuple):
    """One name of one issuer."""

    issuer: int  # index into the universe's issuers
    text: str  # as written
    rank: Rank
    case: LetterCase
    product: bool
    ambiguous: bool
    initials: str = ""  # first letters of the whole legal name's words


def scan_form(folded: str) -> str:
    """Write a folded text as names are searched: a hyphen is a space."""
    return folded.replace("-", " ")


def _case_of(text: str, rank: Rank) -> LetterCase:
    """Demand capitals where the name has them and a plain word would not."""
    letters = [char for char in text if char.isalpha()]
    short = len(letters) <= 3 or fold(text) in COMMON_WORDS
    if rank == Rank.given and letters and all(char.isupper() for char in letters) and short:
        return LetterCase.upper
    if rank == Rank.given and len(letters) >= 5 and fold(text) not in COMMON_WORDS:
        return LetterCase.free
    return LetterCase.initial


def _is_ambiguous(text: str, rank: Rank) -> bool:
    """Tell whether a name's words all mean something by themselves."""
    words = fold(text).replace("-", " ").split()
    if rank == Rank.given and text.isupper():
        return False  # `UPS`: the capitals that it demands are evidence enough
    if rank <= Rank.whole:
        return len(words) == 1 and words[0] in COMMON_WORDS
    return all(word in COMMON_WORDS or word in TRADE_ENDINGS for word in words)


def _spellings(text: str) -> Iterator[str]:
    """Yield a name and its variants: ampersand, apostrophe."""
    yield text
    if " & " in text:
        yield text.replace(" & ", " and ")
    if " and " in text:
        yield text.replace(" and ", " & ")
    if "'" in text:
        yield text.replace("'", "")


def _wire_spellings(words: list[str]) -> Iterator[str]:
    """Yield what wires make of a legal name: `Core Labs`, `J.M. Smucker`, `Domino's Pizza`."""
    shortened = [ABBREVIATIONS.get(_plain(word), word) for word in words]
    if shortened != words:
        yield " ".join(shortened)
    initials = next((i for i, word in enumerate(words) if len(_plain(word)) > 1), 0)
    if 1 <= initials < len(words):
        letters = [_plain(word).upper() for word in words[:initials]]
        rest = " ".join(words[initials:])
        yield "".join(f"{letter}." for letter in letters) + " " + rest
        yield "".join(letters) + " " + rest
    if words[0].isupper() and len(words[0]) > 4 and words[0].endswith("S"):
        yield " ".join([words[0][:-1] + "'S", *words[1:]])


def _given(index: int, issuer: Issuer) -> Iterator[Alias]:
    """Yield the aliases of universe.csv; `~product` marks a product or a subsidiary."""
    for alias in issuer.aliases:
        text, mark, kind = alias.rpartition("~")
        if not mark:
            text, kind = alias, ""
        for spelling in _spellings(clean(text)):
            ambiguous = _is_ambiguous(spelling, Rank.given)
            case = _case_of(spelling, Rank.given)
            yield Alias(index, spelling, Rank.given, case, kind == "product", ambiguous)


def _plain(word: str) -> str:
    return fold(word).replace(".", "").strip("'-&!*")


def whole_name(name: str) -> list[str]:
    """Return the words of a legal name without its legal endings, at least one."""
    words = _NAME_WORD.findall(_TAIL.sub("", clean(name)))
    if len(words) > 1 and _plain(words[0]) == "the":
        words = words[1:]
    while len(words) > 1 and _plain(words[-1]) in LEGAL_ENDINGS | {""}:
        words.pop()
    return words


def _derived(index: int, issuer: Issuer) -> Iterator[Alias]:
    """Yield the names that follow from the legal name."""
    words = whole_name(issuer.name)
    initials = "".join(_plain(word)[:1] for word in _NAME_WORD.findall(issuer.name))
    for alias in _derived_plain(index, issuer, words):
        yield alias._replace(initials=initials)


def _derived_plain(index: int, issuer: Issuer, words: list[str]) -> Iterator[Alias]:
    """Yield the whole name, its shorter forms and its first word."""
    # A register that writes every name in capitals does not tell acronyms from words.
    shouted = issuer.name.isupper() and len(issuer.name.split()) > 1
    yield from _alias(index, words, Rank.whole, shouted=shouted)
    if issuer.aliases:
        return  # somebody chose its names: `Delta` was left out on purpose
    short = list(words)
    while len(short) > 1 and _plain(short[-1]) in TRADE_ENDINGS:
        short.pop()
        yield from _alias(index, short, Rank.short, shouted=shouted)
    first = _plain(words[0])
    telling = first not in COMMON_WORDS | TRADE_ENDINGS | WEAK_STARTS
    if len(short) > 1 and len(first) >= SHORTEST_FIRST_WORD and telling:
        yield from _alias(index, words[:1], Rank.first, shouted=shouted)


def _says_too_little(text: str, words: list[str], rank: Rank, *, ambiguous: bool) -> bool:
    """Tell whether a derived name could be anybody's: `Energy`, `National Bank`, `Q2`."""
    letters = sum(char.isalnum() for char in text)
    if letters < 2 or (letters < 3 and rank != Rank.whole) or fold(text) in NOT_NAMES:
        return True
    plain = [_plain(word) for word in words]
    if all(word in TRADE_ENDINGS or word in WEAK_STARTS for word in plain):
        return rank > Rank.whole or len(words) == 1
    return ambiguous and rank > Rank.whole and len(words) == 1


def _alias(index: int, words: list[str], rank: Rank, *, shouted: bool) -> Iterator[Alias]:
    """Yield one derived name in its spellings, unless its words say too little."""
    text = " ".join(words).strip("!*,.")
    ambiguous = _is_ambiguous(text, rank)
    if _says_too_little(text, words, rank, ambiguous=ambiguous):
        return
    for spelling in (*_spellings(text), *_wire_spellings(words)):
        short = len(spelling) <= 3
        case = (
            LetterCase.upper if short and spelling.isupper() and not shouted else LetterCase.initial
        )
        yield Alias(index, spelling, rank, case, product=False, ambiguous=ambiguous or short)


def alias_table(issuers: Iterable[Issuer]) -> dict[str, list[Alias]]:
    """Return folded name -> its owners: those of the best rank, none if a short form is shared."""
    table: dict[str, dict[int, Alias]] = {}
    for index, issuer in enumerate(issuers):
        for alias in (*_given(index, issuer), *_derived(index, issuer)):
            owners = table.setdefault(scan_form(fold(alias.text)), {})
            known = owners.get(index)
            if known is None or alias.rank < known.rank:
                owners[index] = alias
    chosen: dict[str, list[Alias]] = {}
    for text, by_issuer in table.items():
        best = min(alias.rank for alias in by_issuer.values())
        winners = [alias for alias in by_issuer.values() if alias.rank == best]
        if best == Rank.given:
            chosen[text] = winners
        elif len(winners) == 1 or best == Rank.whole:
            chosen[text] = winners[:1]
    return chosen
