"""Give each named company its own share of a headline's evidence.

A title that names several companies may be good news for one and bad for another. Evidence is
split by clauses only where the clauses disagree; a speaker, an acting analyst or regulator and a
company that is merely compared with get none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """One piece of evidence: where it stands, what it weighs, and whether something moves."""

    position: int
    weight: float
    moves: bool = False


WordSpan = tuple[int, int]

DISAGREEMENT = 0.45  # a clause of at least this evidence has a polarity of its own
SPEAKER_WORDS = 12  # the longest `: Name, House` at the end of a title

_SPLITS = frozenset(
    ", ; : - -- but while as although though after amid whereas even and despite".split()
)
# A company right after these is a place, a partner or a yardstick of somebody else's news.
_BESIDE = frozenset("vs versus against by from than with at via over".split())
# A company right before these acts upon another, whose news it is.
_ACTS = frozenset(
    "upgrades upgrade downgrades downgrade approves approve allows"
    " allow bars bar bans ban puts put places maintains reiterates initiates"
    " recommends recommend sees see expects expect says say asks ask orders order"
    " directs probes probe fines penalises imposes seeks rejects reject clears"
    " starts resumes assigns picks likes prefers favours tells told issues revokes extends relaxes"
    " tightens eases mulls warns grants slaps names may to will cautions questions projects"
    " forecasts predicts believes lifts raises cuts rates boosts offloads sells buys buy"
    " acquires ups exits reduces trims sues suing".split()
)


def find_span(words: Sequence[str], entity: Sequence[str]) -> WordSpan | None:
    """Return where the entity's words first stand in a title."""
    size = len(entity)
    for i in range(len(words) - size + 1) if size else ():
        if list(words[i : i + size]) == list(entity):
            return i, i + size
    return None


def _clauses(words: Sequence[str]) -> list[WordSpan]:
    """Cut the words into clauses at punctuation and conjunctions."""
    clauses, start = [], 0
    for i, word in enumerate(words):
        if word in _SPLITS and i > start:
            clauses.append((start, i))
            start = i
    clauses.append((start, len(words)))
    return clauses


def _is_speaker(words: Sequence[str], pieces: Sequence[Piece], span: WordSpan) -> bool:
    """Tell whether the entity only speaks: `...: Jane Doe, House` or `House: ...`."""
    colons = [i for i, word in enumerate(words) if word == ":"]
    if not colons:
        return False
    last = colons[-1]
    tail = len(words) - last <= SPEAKER_WORDS and not any(p.position > last for p in pieces)
    return tail and last < span[0] and last > 1


def _acts_on_others(words: Sequence[str], span: WordSpan) -> bool:
    """Tell whether the entity opens the title as the one who rates, rules or trades."""
    return span[0] <= 1 and span[1] < len(words) and words[span[1]] in _ACTS


def _own_clause(clauses: Sequence[WordSpan], sums: Sequence[float], at: int) -> float:
    """Return the evidence of the clause at a word, else of the next one that has any."""
    own = next(i for i, (start, end) in enumerate(clauses) if start <= at < end)
    order = [own, *range(own + 1, len(clauses)), *range(own - 1, -1, -1)]
    return next((sums[i] for i in order if sums[i]), 0.0)


def share_of(
    words: Sequence[str], pieces: Sequence[Piece], span: WordSpan, *, alone: bool
) -> float | None:
    """Return the evidence for the entity at `span`; None where none of it is the entity's.

    `alone`: no other company is named, so that there is nobody else to act upon.
    """
    if not pieces or _is_speaker(words, pieces, span):
        return None
    if not alone:
        beside = span[0] > 0 and words[span[0] - 1] in _BESIDE
        if beside or _acts_on_others(words, span):
            return 0.0
    clauses = _clauses(words)
    sums = [sum(p.weight for p in pieces if a <= p.position < b) for a, b in clauses]
    if max(sums) >= DISAGREEMENT and min(sums) <= -DISAGREEMENT:
        return _own_clause(clauses, sums, span[0])
    return sum(p.weight for p in pieces)
