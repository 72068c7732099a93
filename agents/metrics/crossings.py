"""The counters of day levels passed, a dozen a listing, written as text at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from agents.metrics.declared import PREFIX
from agents.metrics.exposition import Family, label
from agents.reacting.config import DAY_LEVELS_PCT

NAME: Final = "level_crossings"
STEPS: Final = [(level, direction) for level in DAY_LEVELS_PCT for direction in ("up", "down")]
SLOTS: Final = {step: slot for slot, step in enumerate(STEPS)}


class Crossings:
    """How often each listing has passed each level, and the likeliest headline beside it.

    Not counters of prometheus_client, for an exemplar of a listing belongs to a level that it has come
    to, and twenty thousand children a scrape take too long (agents/metrics/exposition.py).
    """

    def __init__(self, listings: Iterable[str]) -> None:
        self._counts = {listing: [0] * len(STEPS) for listing in listings}
        self._names = {  # a listing's samples up to their values
            listing: [
                f"{PREFIX}_{NAME}_total"
                f"{{{label(listing=listing, level=str(level), direction=direction)}}} "
                for level, direction in STEPS
            ]
            for listing in self._counts
        }
        self._exemplars: dict[str, list[str]] = {}  # what follows the values in OpenMetrics

    @property
    def listings(self) -> Collection[str]:
        """Return the listings that are counted, `other` among them where there is one."""
        return self._counts.keys()

    def count(self, listing: str, level_pct: int, direction: str) -> None:
        """Count a level passed. KeyError: the listing is none of these."""
        self._counts[listing][SLOTS[level_pct, direction]] += 1

    def explain(
        self, listing: str, level_pct: int, direction: str, headline_id: str, at_s: float
    ) -> None:
        """Put a headline beside a level, as an exemplar of `at_s`; a listing of no series has none."""
        if listing in self._counts:
            exemplars = self._exemplars.setdefault(listing, [""] * len(STEPS))
            named = label(headline_id=headline_id)
            exemplars[SLOTS[level_pct, direction]] = f" # {{{named}}} 1.0 {at_s:.3f}"

    def family(self, listings: Iterable[str], *, openmetrics: bool) -> Family:
        """Return the samples of some of the listings."""
        lines: list[str] = []
        for listing in listings:
            named = zip(self._names[listing], self._counts[listing], strict=True)
            texts = [f"{name}{count}" for name, count in named]
            if openmetrics and listing in self._exemplars:
                texts = [t + e for t, e in zip(texts, self._exemplars[listing], strict=True)]
            lines += texts
        return Family(NAME, lines)
