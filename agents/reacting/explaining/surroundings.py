"""What stands around one listing's move: its market, its beta, its sector, and the news of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agents.reacting.benchmark import Benchmark
from agents.reacting.explaining.betas import Estimate, beta_before
from agents.reacting.explaining.constants import BETA_PRIOR
from agents.reacting.listing_state import ListingState
from streams.events import Mention


class Surroundings:
    """Answers for every listing of an engine; all it knows came through the log."""

    __slots__ = ("_benchmarks", "_betas")

    def __init__(self, benchmarks: Mapping[str, Benchmark]) -> None:
        self._benchmarks = benchmarks
        self._betas: dict[str, tuple[int, Estimate]] = {}  # the last one asked for of each listing

    def market(self, line: ListingState) -> Benchmark | None:
        """Return the benchmark that a listing is measured against; None: there is none."""
        return self._benchmarks.get(line.market)

    def beta(self, line: ListingState, date: int) -> Estimate:
        """Return the listing's beta on a trade date, from daily closes before it."""
        market = self.market(line)
        if market is None:
            return Estimate(BETA_PRIOR, None, 0, assumed=True)
        known = self._betas.get(line.name)
        if known is None or known[0] != date:
            known = self._betas[line.name] = (date, beta_before(line.daily, market.daily, date))
        return known[1]

    def sector_at(self, _line: ListingState, _t_ns: int, _as_of_ns: int) -> float | None:
        """Return the index of the listing's sector at an instant; None: not known."""
        return None

    def common_news(self, _line: ListingState) -> Iterable[Mention]:
        """Return the mentions of the listing's market and sector."""
        return ()
