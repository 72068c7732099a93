"""Decide whether a word in a title is a company's name or just the word: Apple, Target, Visa."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from agents.scoring.aliases import Alias, Rank
from agents.scoring.common_words import COMMON_WORDS
from agents.scoring.lexicon import MOVEMENT, TRANSITIVE
from agents.scoring.naming import (
    CUES_AFTER,
    CUES_BEFORE,
    LEGAL_ENDINGS,
    NOT_AFTER,
    NOT_BEFORE,
    PLACES_AND_TIMES,
    PREPOSITIONS,
    TRADE_ENDINGS,
)
from agents.scoring.text import Title


class Trust(NamedTuple):
    """How far a name may be believed to mean the company, and the rule that says so."""

    share: float  # 1 = surely; 0 = refused
    reason: str


UNSURE_SHARE = 0.4  # the guide's factor for an ambiguous name without a cue

# One for each branch of the rules below.
PLAIN_NAME = Trust(1.0, "plain_name")  # nothing speaks against it
VOUCHED_FOR = Trust(1.0, "vouched_for")  # a sure name of the same company stands beside it
LEGAL_ENDING = Trust(1.0, "legal_ending")  # `Apple Inc`
WHOLE_NAME = Trust(1.0, "whole_name")  # `Target Stores`: what follows belongs to the whole name
COMPANY_CUE = Trust(1.0, "company_cue")  # `Ford reports`, `shares of Gap`
NAME_IN_PROSE = Trust(UNSURE_SHARE, "name_in_prose")  # a capital where only names have one
ANOTHER_MEANING = Trust(0.0, "another_meaning")  # `price target`, `apple pie`
DOUBLE_NAME = Trust(0.0, "double_name")  # one half of `Sherwin-Williams`
ANOTHER_NAME = Trust(0.0, "another_name")  # the end of one: `Owens Corning Reports`
LONGER_NAME = Trust(0.0, "longer_name")  # `Express Scripts` is not Express
NO_CUE = Trust(0.0, "no_cue")  # a word like any other
SENTENCE_CASE = 0.3  # share of lower-case words that makes capitals meaningful

# `Ford cuts`, `Ford reports`: what companies do, and what is done to their prices.
_COMPANY_WORDS = CUES_AFTER | frozenset(MOVEMENT) | frozenset(TRANSITIVE)
# Capitalised beside a name, these do not belong to it.
_FREE_WORDS = CUES_AFTER | LEGAL_ENDINGS | CUES_BEFORE | PREPOSITIONS | PLACES_AND_TIMES
# `Apple Inc`, but not `Apple a day`: the legal endings that are no English words.
_CLEAR_ENDINGS = LEGAL_ENDINGS - {"a", "as", "de", "in", "the", "new", "can", "c", "b"}


_DESCRIBING = ("er", "or", "ant", "ing", "ed", "ous", "ful", "ive", "ish", "ese", "ian", "ican")
_DESCRIBES = frozenset(
    "former retired some most many what how why when if no more ex is are was will can could should would does do"
    " did has have may might with without after before as at for from in on of by to and the a an".split()
)


class Hit(NamedTuple):
    """A name of one issuer, at characters start to end."""

    start: int
    end: int
    alias: Alias


class Around(NamedTuple):
    """Where a hit stands: its words `first` to `last`, and the words before and after it."""

    first: int
    last: int
    before: str
    after: str


def word_span(title: Title, start: int, end: int) -> tuple[int, int]:
    """Return the words that characters start to end cover."""
    first = bisect_left(title.starts, start)
    return first, max(bisect_left(title.starts, end), first + 1)


def is_prose(title: Title) -> bool:
    """Tell whether the title is in sentence case, so that a capital means a name."""
    initials = [
        title.text[start]
        for word, start in zip(title.words, title.starts, strict=True)
        if len(word) > 3 and word[0].isalpha()
    ]
    return bool(initials) and sum(map(str.islower, initials)) >= SENTENCE_CASE * len(initials)


def around(title: Title, hit: Hit) -> Around:
    """Look at the words beside a hit; a possessive `'s` counts as the word after."""
    first, last = word_span(title, hit.start, hit.end)
    before = title.words[first - 1] if first else ""
    after = title.words[last] if last < len(title.words) else ""
    if title.folded[hit.end : hit.end + 2] == "'s":
        after = "'s"
    return Around(first, last, before, after)


def trust_ambiguous(title: Title, hit: Hit, *, prose: bool) -> Trust:
    """Say how far to believe a name that is also a word; the first rule that applies decides."""
    place = around(title, hit)
    denied = _denied(title, hit, place)
    if denied is not None:
        return denied
    if place.after in _CLEAR_ENDINGS:
        return LEGAL_ENDING
    # In prose a capital means a name, so a capital beside this one makes a longer name of it.
    if prose and place.after in TRADE_ENDINGS and _is_capital(title, place.last):
        return WHOLE_NAME if hit.alias.rank <= Rank.whole else LONGER_NAME
    if prose and _part_of_longer_name(title, place):
        return LONGER_NAME
    if _has_cue(title, place):
        return COMPANY_CUE
    # Without a cue only a capital in prose speaks for it; at the start of a title even that is none.
    named = hit.alias.rank == Rank.given or (hit.alias.rank == Rank.whole and place.first > 0)
    return NAME_IN_PROSE if prose and named else NO_CUE


def trust_derived(title: Title, hit: Hit, *, prose: bool) -> Trust:
    """Refuse a derived name that is a half of a double name or opens a longer one."""
    if _inside_hyphens(title, hit):
        return DOUBLE_NAME
    if hit.alias.rank < Rank.short:
        return PLAIN_NAME
    place = around(title, hit)
    own = place.after == "'s" or not place.after or place.after[0] in hit.alias.initials
    if own or not prose or not _part_of_longer_name(title, place):
        return PLAIN_NAME
    return LONGER_NAME


def names_another(title: Title, hit: Hit) -> bool:
    """Tell whether a chosen name is a part of another company's: `Owens Corning Reports`.

    So it is where the title opens with an uncommon capitalised word, the name, and what a
    company does; a known word before it (`Chipmaker Intel`, `Rival Boeing`) describes it.
    """
    place = around(title, hit)
    if place.first != 1 or " " in title.folded[hit.start : hit.end]:
        return False
    before = place.before
    known = before in COMMON_WORDS or before in _FREE_WORDS or before in TRADE_ENDINGS
    known = known or before in _DESCRIBES or before.endswith(_DESCRIBING)
    strange = before.isalpha() and not known
    joined = title.starts[0] + len(before) + 1 == hit.start and title.text[hit.start - 1] == " "
    return strange and joined and _is_capital(title, 0) and place.after in CUES_AFTER


def _denied(title: Title, hit: Hit, place: Around) -> Trust | None:
    """Return the refusal of a name that the characters or words beside it take away, else None."""
    word = title.folded[hit.start : hit.end]
    if place.after in NOT_BEFORE.get(word, ()) or place.before in NOT_AFTER.get(word, ()):
        return ANOTHER_MEANING
    if hit.alias.rank != Rank.given and _inside_hyphens(title, hit):
        return DOUBLE_NAME
    return None


def _has_cue(title: Title, place: Around) -> bool:
    """Tell whether the words beside the name are those of a company."""
    if place.after in _COMPANY_WORDS or place.before in CUES_BEFORE:
        return True
    owned = place.before == "of" and place.first >= 2
    return owned and title.words[place.first - 2] in ("shares", "ceo", "unit")


def _is_capital(title: Title, at: int) -> bool:
    return title.text[title.starts[at]].isupper()


def _part_of_longer_name(title: Title, place: Around) -> bool:
    """Tell whether another capitalised word adjoins, as in `Express Scripts`.

    The first word of a title is capital anyway and proves nothing.
    """
    beside = [at for at in (place.last, place.first - 1) if 0 < at < len(title.words)]
    return any(_is_capital(title, at) and title.words[at] not in _FREE_WORDS for at in beside)


def _inside_hyphens(title: Title, hit: Hit) -> bool:
    """Tell whether the match is one half of a double name: `Sherwin-Williams`."""
    before = title.text[max(hit.start - 2, 0) : hit.start]
    after = title.text[hit.end : hit.end + 2]
    left = before.endswith("-") and before[0].isalpha()
    return left or (after.startswith("-") and after[1:].isupper())
