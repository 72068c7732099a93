"""The scoring stage made ready: vaderSentiment reads its lexicon from disk, which a pure room may not."""

from __future__ import annotations

from collections.abc import Callable

from agents.scoring.score import Scorer
from streams.reference.universe import Universe


def vader_compound() -> Callable[[str], float | None]:
    """Return vaderSentiment's compound, exactly, in [-1, 1]; None where it fails."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # noqa: PLC0415 - 50 ms

    analyzer = SentimentIntensityAnalyzer()

    def compound(text: str) -> float | None:
        try:
            return float(analyzer.polarity_scores(text)["compound"])
        except (ValueError, IndexError, KeyError, ZeroDivisionError):
            return None  # an odd text: a failed scorer is None, never 0

    return compound


def make_scorer(universe: Universe) -> Scorer:
    """Return the scoring stage for a universe."""
    return Scorer(universe, vader_compound())
