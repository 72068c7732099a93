"""What the log has changed since the last checkpoint in parts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.events import I32


class DirtySet:
    """The issuers, their news, and the benchmarks that records have changed."""

    __slots__ = ("issuers", "markets", "news")

    def __init__(self, issuers: int) -> None:
        self.issuers: npt.NDArray[np.bool_] = np.zeros(issuers, np.bool_)
        self.news: set[int] = set()
        self.markets: set[str] = set()

    def rows(self, owners: I32) -> None:
        """Mark the issuers of rows."""
        self.issuers[owners] = True

    def take(self) -> tuple[list[int], list[int], list[str]]:
        """Return all of it (issuers, issuers with news, benchmarks) and begin anew."""
        taken = np.flatnonzero(self.issuers).tolist(), sorted(self.news), sorted(self.markets)
        self.issuers[:] = False
        self.news.clear()
        self.markets.clear()
        return taken
