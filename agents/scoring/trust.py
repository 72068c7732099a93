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

SURE = 1.0
UNSURE = 0.4  # the guide's factor for an ambiguous name without a cue
REFUSED = 0.0
SENTENCE_CASE = 0.3  # share of lower-case words that makes capitals meaningful

# `Ford cuts`, `Ford reports`: what companies do, and what is done to their prices.
_COMPANY_WORDS = CUES_AFTER | frozenset(MOVEMENT) | frozenset(TRANSITIVE)
# Capitalised beside a name, these do not belong to it.
_FREE_WORDS = CUES_AFTER | LEGAL_ENDINGS | CUES_BEFORE | PREPOSITIONS | PLACES_AND_TIMES
# `Apple Inc`, but not `Apple a day`: the legal endings that are no English words.
_CLEAR_ENDINGS = LEGAL_ENDINGS - {"a", "as", "de", "in", "the", "new", "can", "c", "b"}


_DESCRIBES = frozenset("former retired some most many what how why when if no more ex".split())


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


def trust_ambiguous(title: Title, hit: Hit, *, prose: bool) -> float:
    """Return how far an ambiguous name may be believed: SURE with a cue, UNSURE or REFUSED."""
    place = around(title, hit)
    if _means_something_else(title, hit, place):
        return REFUSED
    if place.after in _CLEAR_ENDINGS:
        return SURE
    if prose and place.after in TRADE_ENDINGS and _is_capital(title, place.last):
        return SURE if hit.alias.rank <= Rank.whole else REFUSED
    if prose and _part_of_longer_name(title, place):
        return REFUSED
    if _has_cue(title, place):
        return SURE
    named = hit.alias.rank == Rank.given or (hit.alias.rank == Rank.whole and place.first > 0)
    return UNSURE if prose and named else REFUSED


def trust_derived(title: Title, hit: Hit, *, prose: bool) -> float:
    """Refuse a derived name that is a half of a double name or opens a longer one."""
    if _inside_hyphens(title, hit):
        return REFUSED
    if hit.alias.rank < Rank.short:
        return SURE
    place = around(title, hit)
    own = place.after == "'s" or not place.after or place.after[0] in hit.alias.initials
    return SURE if own or not prose or not _part_of_longer_name(title, place) else REFUSED


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
    known = known or before in _DESCRIBES or before.endswith(("er", "or", "ant"))
    strange = before.isalpha() and not known
    joined = title.starts[0] + len(before) + 1 == hit.start and title.text[hit.start - 1] == " "
    return strange and joined and _is_capital(title, 0) and place.after in CUES_AFTER


def _means_something_else(title: Title, hit: Hit, place: Around) -> bool:
    """Tell whether the words beside the name take it away: `price target`, `Ball-Peen`."""
    word = title.folded[hit.start : hit.end]
    if place.after in NOT_BEFORE.get(word, ()) or place.before in NOT_AFTER.get(word, ()):
        return True
    return hit.alias.rank != Rank.given and _inside_hyphens(title, hit)


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
