"""Read comparisons of two figures: `net profit was EUR 3.1 mn, compared to EUR 2.4 mn`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.scoring.lexicon import METRICS

COMPARATORS = frozenset("compared versus vs against from comparing".split())
_CURRENCIES = frozenset(
    "eur usd $ rs inr gbp sek nok dkk euro euros us hk hkd cny rmb yuan".split()
)
_SCALE = {
    "thousand": 1e3,
    "k": 1e3,
    "lakh": 1e5,
    "million": 1e6,
    "mn": 1e6,
    "m": 1e6,
    "mln": 1e6,
    "crore": 1e7,
    "cr": 1e7,
    "billion": 1e9,
    "bn": 1e9,
    "b": 1e9,
    "bln": 1e9,
    "trillion": 1e12,
    "tln": 1e12,
}
_UNITS = frozenset("% pct percent per eur euro euros cents cent tonnes people sek".split())
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*\Z")
REACH = 24  # words on either side of the comparator that may hold a figure


def _value(words: Sequence[str], i: int) -> float | None:
    """Return the amount that starts at `i`; None for a year, a count of months, or no number."""
    if not _NUMBER.match(words[i]):
        return None
    before = words[i - 1] if i else ""
    after = words[i + 1] if i + 1 < len(words) else ""
    if before not in _CURRENCIES and after not in _SCALE and after not in _UNITS:
        return None
    digits = words[i].replace(",", "")
    if digits.count(".") > 1:
        return None
    return float(digits) * _SCALE.get(after, 1.0)


def _first_value(words: Sequence[str], start: int, end: int) -> tuple[int, float] | None:
    """Return the place and amount of the first figure in the span."""
    for i in range(start, end):
        value = _value(words, i)
        if value is not None:
            return i, value
    return None


def _sign(words: Sequence[str], start: int, end: int, default: int) -> int:
    """Return -1 where the span speaks of a loss, +1 where of a profit, else the default."""
    for i in range(start, end):
        if words[i] in ("loss", "losses", "negative"):
            return -1
        if words[i] in ("profit", "profits", "income"):
            return 1
    return default


def _subject(words: Sequence[str], end: int) -> tuple[int, float] | None:
    """Return the first metric before the comparator, with its polarity."""
    for i in range(max(end - REACH, 0), end):
        polarity = METRICS.get(words[i])
        if polarity is not None:
            return i, polarity
    return None


def compared(words: Sequence[str], at: int) -> float | None:
    """Judge the figures around the comparator at `at`: 1 = better, -1 = worse, None = unread.

    A loss counts as a negative figure, so a smaller one is better.
    """
    subject = _subject(words, at)
    if subject is None:
        return None
    metric_at, polarity = subject
    mine = _first_value(words, metric_at + 1, at)
    base = _first_value(words, at + 1, min(at + 1 + REACH, len(words)))
    if mine is None or base is None:
        return None
    sign = _sign(words, max(metric_at - 1, 0), mine[0], 1)
    base_sign = _sign(words, at + 1, base[0], sign)
    if "loss" in words[max(metric_at - 1, 0) : mine[0]]:
        polarity = 1.0
    change = sign * mine[1] - base_sign * base[1]
    return 0.0 if change == 0 else polarity * (1.0 if change > 0 else -1.0)
