"""Say whether a headline is good or bad news for one issuer: `direction` in [-1, 1].

The score adds up pieces of evidence: movement words times the polarity of the metric they move,
words and fixed expressions that are good or bad by themselves, and comparisons of two figures.
`None` means that no piece was found, which is not the same as neutral.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agents.scoring.clauses import Piece, WordSpan, find_span, share_of
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
NEUTRAL_BAND = 0.05  # |direction| up to and including this is neutral
SENTIMENTS = ("positive", "neutral", "negative", "unknown")
# Factors and weights below: judgements, checked on public labelled headlines.
CAUSE = 0.5  # after `as`, `after`, `on`
CONCESSION = 0.2  # after `despite`
QUESTION = 0.6
COMPARISON = 1.2
TURN = 1.5  # from profit to loss or back
RAISES_MONEY = 0.4
NEW_CLAUSES = frozenset((";", "while", "but"))
_STOPS_AHEAD = frozenset(("from", "on", "as", "after", "amid"))
_MONEY = frozenset(("rs", "$", "funds", "money", "capital", "up"))
NAME = "_"  # stands for a word of a company's name


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


# All other words are passed over at once.
_TELLING: frozenset[str] = frozenset().union(
    COMPARATORS, NEW_CLAUSES, CAUSES, DESPITE, TURNS, _PHRASES, TRANSITIVE, MOVEMENT, POLARITY
)


def _phrase_at(words: Sequence[str], i: int) -> tuple[int, float] | None:
    """Return the length and weight of the longest expression that starts here."""
    for phrase, weight in _PHRASES.get(words[i], ()):
        if tuple(words[i : i + len(phrase)]) == phrase:
            return len(phrase), weight
    return None


def _metric(words: Sequence[str], i: int, *, ahead_first: bool) -> int | None:
    """Return the place of the metric that the movement word at `i` speaks of."""
    back = range(i - 1, max(i - 1 - LOOK_BACK, -1), -1)
    ahead = range(i + 1, min(i + 1 + LOOK_AHEAD, len(words)))
    for span in (ahead, back) if ahead_first else (back, ahead):
        for j in span:
            word = words[j]
            if word in BREAKS or (span is ahead and word in _STOPS_AHEAD):
                break
            if word in METRICS and not (
                word in ("tax", "taxes") and words[j - 1] in ("before", "after")
            ):
                return j
    return None


def _negated(words: Sequence[str], i: int) -> bool:
    """Tell whether a negator stands within the four words before."""
    return any(words[j] in NEGATORS for j in range(max(i - 4, 0), i))


def _turn(words: Sequence[str], i: int) -> float | None:
    """Weigh a turn such as `swung to a net profit`, `slips into loss`."""
    if i + 2 >= len(words) or words[i + 1] not in ("to", "into"):
        return None
    for j in range(i + 2, min(i + 7, len(words))):
        if words[j] in ("loss", "losses", "red"):
            return -TURN
        if words[j] in ("profit", "profits", "profitability", "black"):
            return TURN
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
        if word.startswith("rais") and (following in _MONEY):
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


class _Reading:
    """Read the words of one title from left to right and collect its evidence."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.pieces: list[Piece] = []
        self.used: set[int] = set()  # metrics that a movement word has spoken for
        self.scale = 1.0  # the circumstances of news count for less than the news
        self.base = False  # inside what something is compared with
        self.moved = False  # this clause has told a movement

    def read(self) -> list[Piece]:
        """Return the pieces in order."""
        i = 0
        while i < len(self.words):
            if self.words[i] not in _TELLING:
                i += 1
                continue
            self._turn_of_clause(i)
            phrase = _phrase_at(self.words, i)
            if phrase is not None:
                length, weight = phrase
                self._add(i, weight, moves=False)
                i += length
                continue
            if i not in self.used:
                self._word(i)
            i += 1
        return self.pieces

    def _turn_of_clause(self, i: int) -> None:
        """Notice comparisons, new clauses, causes and concessions."""
        word = self.words[i]
        if word in COMPARATORS:
            self._comparison(i)
        elif word in NEW_CLAUSES:
            self.base = self.moved = False
        elif word in CAUSES and self.pieces:
            self.scale = CAUSE
        elif word in DESPITE:
            self.scale = CONCESSION

    def _comparison(self, i: int) -> None:
        """Judge two figures, unless a movement word has already told which way they went."""
        self.base = bool(self.pieces) and (self.moved or self.pieces[-1].moves)
        better = None if self.moved else compared(self.words, i)
        if better is not None:
            self.pieces = [p for p in self.pieces if self.words[p.position] != "loss"]
            self.pieces.append(Piece(i, COMPARISON * better, moves=True))
            self.base = True

    def _word(self, i: int) -> None:
        """Weigh a single word: a turn, a movement, or good or bad by itself."""
        word = self.words[i]
        turn = _turn(self.words, i) if word in TURNS else None
        if turn is not None:
            self.moved = True
            self._add(i, turn, moves=True)
            return
        movement = _movement(self.words, i)
        if movement is None:
            self._add(i, POLARITY.get(word, 0.0), moves=False)
            return
        weight, metric_at = movement
        self.moved = True
        if metric_at is not None:
            self.used.add(metric_at)
            self.pieces = [p for p in self.pieces if p.position != metric_at or p.moves]
        self._add(i, weight, moves=True)

    def _add(self, i: int, weight: float, *, moves: bool) -> None:
        """Add a piece, turned round if negated, unless it belongs to a comparison's base."""
        if weight and not self.base:
            if _negated(self.words, i):
                weight *= NEGATION
            self.pieces.append(Piece(i, weight * self.scale, moves))


def evidence(words: Sequence[str]) -> list[Piece]:
    """Return every piece of evidence in the words of a title."""
    if not words:
        return []
    pieces = _Reading(words).read()
    advice = _advice(words)
    return pieces if advice is None else [*pieces, advice]


def _squash(total: float) -> float:
    if abs(total) < WEAK:
        return round(total * NEUTRAL_BAND / WEAK * 0.9, 6)
    return round(total / (abs(total) + SOFTNESS), 6)


def direction_at(
    words: Sequence[str], pieces: Sequence[Piece], span: WordSpan | None, *, alone: bool
) -> float | None:
    """Turn evidence into the direction for the entity at `span`, or for the whole title."""
    if span is None:
        total = sum(piece.weight for piece in pieces) if pieces else None
    else:
        total = share_of(words, pieces, span, alone=alone)
    if total is None:
        return None
    return _squash(total * QUESTION if "?" in words else total)


def sentiment_of(direction: float | None) -> str:
    """Return the label of a direction, one of SENTIMENTS; None is no evidence, not neutral."""
    if direction is None:
        return "unknown"
    if abs(direction) <= NEUTRAL_BAND:
        return "neutral"
    return "positive" if direction > 0 else "negative"


def masked(words: Sequence[str], spans: Iterable[WordSpan]) -> list[str]:
    """Blank the names of companies, which are no evidence: `UPS`, `Best Buy`, `Target`."""
    blanked = list(words)
    for start, end in spans:
        blanked[start:end] = [NAME] * (end - start)
    return blanked


def direction_of(text: str, entity: str | None = None, *, alone: bool = False) -> float | None:
    """Score a text, for one entity of it where named; None = no evidence.

    `alone` says that no other company is named in the text.
    """
    words = prepare(text).words
    span = find_span(words, prepare(entity).words) if entity else None
    pieces = evidence(masked(words, [span]) if span else words)
    return direction_at(words, pieces, span, alone=alone)
