"""Say whether a headline is good or bad news for one issuer: `direction` in [-1, 1].

The score adds up pieces of evidence: movement words times the polarity of the metric they move,
words and fixed expressions that are good or bad by themselves, and comparisons of two figures.
`None` means that no piece was found, which is not the same as neutral.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.scoring.clauses import Piece, Span, find_span, share_of
from agents.scoring.figures import COMPARATORS, compared
from agents.scoring.lexicon import (
    BREAKS,
    CAUSES,
    DESPITE,
    METRICS,
    MOVEMENT,
    NEGATORS,
    PHRASES,
    POLARITY,
    TRANSITIVE,
    TURNS,
)
from agents.scoring.text import prepare

SCORER = "newsquake-direction/1"
LOOK_BACK = 6  # words before a movement word in which its metric may stand
LOOK_AHEAD = 4
NEGATION = -0.74  # vaderSentiment's damping of a negated word (Hutto and Gilbert 2014)
SOFTNESS = 1.0  # evidence of this weight gives a direction of .5
WEAK = 0.6  # less evidence than this stays inside the neutral band
NEUTRAL_BAND = 0.05  # |direction| up to here is neutral
CAUSE = 0.5
QUESTION = 0.6
RAISES_MONEY = 0.4


def _phrase_index() -> dict[str, list[tuple[tuple[str, ...], float]]]:
    """Index the fixed expressions by their first word, longest first."""
    index: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    for phrase, weight in PHRASES.items():
        words = tuple(prepare(phrase).words)
        index.setdefault(words[0], []).append((words, weight))
    for entries in index.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return index


_PHRASES = _phrase_index()


def _phrase_at(words: Sequence[str], i: int) -> tuple[int, float] | None:
    """Return the length and weight of the longest expression that starts here."""
    for phrase, weight in _PHRASES.get(words[i], ()):
        if tuple(words[i : i + len(phrase)]) == phrase:
            return len(phrase), weight
    return None


def _metric(words: Sequence[str], i: int, ahead_first: bool) -> int | None:
    """Return the place of the metric that the movement word at `i` speaks of."""
    back = range(i - 1, max(i - 1 - LOOK_BACK, -1), -1)
    ahead = range(i + 1, min(i + 1 + LOOK_AHEAD, len(words)))
    for span in (ahead, back) if ahead_first else (back, ahead):
        for j in span:
            word = words[j]
            if word in BREAKS or (word in ("from", "on", "as", "after", "amid") and span is ahead):
                break
            if word in METRICS and not (
                word in ("tax", "taxes") and words[j - 1] in ("before", "after")
            ):
                return j
    return None


def _negated(words: Sequence[str], i: int) -> bool:
    """Tell whether a negator stands within the three words before."""
    return any(words[j] in NEGATORS for j in range(max(i - 3, 0), i))


def _turn(words: Sequence[str], i: int) -> float | None:
    """Weigh a turn such as `swung to a net profit`, `slips into loss`."""
    if i + 2 >= len(words) or words[i + 1] not in ("to", "into"):
        return None
    for j in range(i + 2, min(i + 7, len(words))):
        if words[j] in ("loss", "losses", "red"):
            return -1.5
        if words[j] in ("profit", "profits", "profitability", "black"):
            return 1.5
        if words[j][0].isdigit() or words[j] in BREAKS:
            return None
    return None


def _movement(words: Sequence[str], i: int) -> tuple[float, int | None] | None:
    """Weigh the movement word at `i` and name its metric's place; None where there is none."""
    word = words[i]
    following = words[i + 1] if i + 1 < len(words) else ""
    sign = TRANSITIVE.get(word)
    if sign is not None:
        at = _metric(words, i, ahead_first=True)
        if word.startswith("rais") and (
            following in ("rs", "$", "funds", "money", "capital", "up")
        ):
            return RAISES_MONEY, at
        if at is None:
            return (sign if word in MOVEMENT else 0.5 * sign), None
        return sign * METRICS[words[at]], at
    sign = MOVEMENT.get(word)
    if sign is None:
        return None
    at = _metric(words, i, ahead_first=following in ("in", "of"))
    return (sign * METRICS[words[at]] if at is not None else sign), at


def _advice(words: Sequence[str]) -> Piece | None:
    """Read a recommendation: `Buy X with a target of ...`, `Sell X ...`."""
    if words[0] == "buy":
        return Piece(0, 1.2)
    if words[0] in ("sell", "short"):
        return Piece(0, -1.2)
    for i in range(1, len(words)):
        if words[i] in ("buy", "sell") and words[i - 1] in ("a", "'", "strong", "clear"):
            return Piece(i, 1.0 if words[i] == "buy" else -1.0)
    return None


def evidence(words: Sequence[str]) -> list[Piece]:
    """Return every piece of evidence in the words of a title, in order."""
    pieces: list[Piece] = []
    used: set[int] = set()
    scale, base, moved = 1.0, False, False
    i = 0
    while i < len(words):
        word = words[i]
        if word in COMPARATORS:
            base = bool(pieces) and (moved or pieces[-1].moves)
            if not moved:
                better = compared(words, i)
                if better is not None:
                    pieces = [p for p in pieces if p.weight and words[p.position] not in ("loss",)]
                    pieces.append(Piece(i, 1.2 * better, True))
                    base = True
        elif word in BREAKS:
            base = base and word not in (";", "while", "but")
            moved = moved and word not in (";", "while", "but")
        elif word in CAUSES and pieces:
            scale = CAUSE
        elif word in DESPITE:
            scale = 0.2
        length = 1
        weight, moves = 0.0, False
        phrase = _phrase_at(words, i)
        if phrase is not None:
            length, weight = phrase
        elif i not in used:
            turn = _turn(words, i) if word in TURNS else None
            movement = None if turn is not None else _movement(words, i)
            if turn is not None:
                weight, moves, moved = turn, True, True
            elif movement is not None:
                weight, at = movement
                moves = moved = True
                if at is not None:
                    used.add(at)
                    pieces = [p for p in pieces if p.position != at or p.moves]
            else:
                weight = POLARITY.get(word, 0.0)
        if weight and not base:
            if _negated(words, i):
                weight *= NEGATION
            pieces.append(Piece(i, weight * scale, moves))
        i += length
    if words:
        advice = _advice(words)
        if advice is not None:
            pieces.append(advice)
    return pieces


def _squash(total: float) -> float:
    if abs(total) < WEAK:
        return round(total * NEUTRAL_BAND / WEAK * 0.9, 6)
    return round(total / (abs(total) + SOFTNESS), 6)


def direction_at(
    words: Sequence[str], pieces: Sequence[Piece], span: Span | None, alone: bool
) -> float | None:
    """Turn evidence into the direction for the entity at `span`, or for the whole title."""
    if span is None:
        total = sum(piece.weight for piece in pieces) if pieces else None
    else:
        total = share_of(words, pieces, span, alone)
    if total is None:
        return None
    return _squash(total * QUESTION if "?" in words else total)


def direction_of(text: str, entity: str | None = None, alone: bool = False) -> float | None:
    """Score a text, for one entity of it where named; None = no evidence."""
    words = prepare(text).words
    span = find_span(words, prepare(entity).words) if entity else None
    return direction_at(words, evidence(words), span, alone)
