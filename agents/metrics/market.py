"""The market's metrics: gauges out of what the engines publish, counters of outputs as they leave.

Nothing is done per tick. A scrape reads the newest view of each engine (agents/stages/published_engine.py)
and stops none of them. A listing has series while its partition is ours: what another worker has is
that one's to tell. Samples are written as text at once, for there are twenty a listing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from agents.machine.clock import now_ns
from agents.metrics.crossings import Crossings
from agents.metrics.declared import MOST_LISTINGS, OTHER, ProcessMetrics
from agents.metrics.exposition import Family
from agents.metrics.gauges import (
    OUTCOMES,
    MarketView,
    alert_families,
    engine_families,
    listing_families,
)
from agents.reacting.config import EngineConfig
from agents.reacting.reactions import HORIZONS
from agents.stages.published_engine import AlertKey, PublishedEngine
from streams.events import SECOND_NS, TRANSITIONS, Alert, Move, Reaction
from streams.explanation import Candidate
from streams.topics import partition_of


class _Engines(NamedTuple):
    """The engines at work by partition, and what those have counted that were let go of.

    Replaced as a whole by the thread that applies records: a scrape reads it once.
    """

    at_work: Mapping[int, PublishedEngine]
    gone: Counter[str]

    def with_one(self, partition: int, engine: PublishedEngine) -> _Engines:
        return _Engines({**self.at_work, partition: engine}, self.gone)

    def released(self) -> _Engines:
        gone = Counter(self.gone)
        for engine in self.at_work.values():
            gone.update(engine.outcomes())
        return _Engines({}, gone)

    def view(self, owned: Iterable[int]) -> MarketView:
        """Return what is known of the partitions that are `owned`."""
        views = {partition: engine.view for partition, engine in self.at_work.items()}
        outcomes = Counter(self.gone)
        for view in views.values():  # the sum may not fall, whoever owns them
            outcomes.update(view.outcomes)
        ours = (views[each] for each in owned if each in views)  # else none of its records has come
        return MarketView.of(ours, outcomes)


class MarketMeter:
    """The market's part of a process's metrics, over the engines of the partitions that are `owned`."""

    def __init__(
        self,
        metrics: ProcessMetrics,
        config: EngineConfig,
        partitions: int = 1,
        owned: Callable[[], Iterable[int]] = lambda: (0,),
        *,
        event_time: bool = False,
    ) -> None:
        """`event_time`: prices are points at their own time, in OpenMetrics."""
        self._metrics, self._owned, self._event_time = metrics, owned, event_time
        self._lateness_ns = config.lateness_ns
        self._engines = _Engines({}, Counter(dict.fromkeys(OUTCOMES, 0)))
        self._homes: dict[int, list[str]] = defaultdict(list)
        shown, beyond = config.listings[:MOST_LISTINGS], config.listings[MOST_LISTINGS:]
        for each in shown:
            self._homes[partition_of(each.issuer, partitions)].append(each.listing)
        if beyond:
            metrics.count("label_overflow", "price", by=len(beyond))
        names = [each.listing for each in shown] + ([OTHER] if beyond else [])
        self._crossings = Crossings(names)
        self._rules = {rule.name for rule in config.rules}
        self._raised: set[AlertKey] = set()  # alerts that have taken a state here
        self._show_all()

    def _show_all(self) -> None:
        for horizon in HORIZONS:
            self._metrics.show("reactions", horizon)
        for rule in self._rules:
            for transition in TRANSITIONS:
                self._metrics.show("alerts", rule, transition)
        for direction in ("up", "down"):
            self._metrics.show("news_to_move_seconds", direction)
        for name in ("price", "level_crossings", "alerts"):
            self._metrics.show("label_overflow", name)

    # -- what the stages tell

    def engine(self, config: EngineConfig, partition: int) -> PublishedEngine:
        """Return a new engine for a partition, and show it from now on."""
        made = PublishedEngine(config, self._homes[partition])
        self._engines = self._engines.with_one(partition, made)
        return made

    def released(self) -> None:
        """Keep what the engines have counted, and let go of them."""
        self._engines = self._engines.released()
        self._raised.clear()

    def made(self, record: Move | Alert | Reaction) -> None:
        """Count an output."""
        if isinstance(record, Move):
            known = self._crossings.listings
            listing = self._metrics.among("level_crossings", record.listing, known)
            self._crossings.count(listing, record.level_pct, record.direction)
        elif isinstance(record, Reaction):
            self._metrics.count("reactions", record.horizon)
        else:
            rule = self._metrics.among("alerts", record.rule, self._rules)
            self._metrics.count("alerts", rule, record.transition)
            self._raised.add((record.rule, record.listing, record.direction))
            if record.transition in {"opened", "escalated"} and record.attribution.candidates:
                self._explain(record, record.attribution.candidates[0])

    def _explain(self, alert: Alert, cause: Candidate) -> None:
        """Remember the likeliest headline beside the level that its alert has come to."""
        step = alert.listing, alert.level_pct, alert.direction
        self._crossings.explain(*step, cause.headline_id, now_ns() / SECOND_NS)
        if alert.transition == "opened" and cause.lag_s >= 0:  # else the price led
            self._metrics.observe(
                "news_to_move_seconds",
                alert.direction,
                seconds=cause.lag_s,
                headline_id=cause.headline_id,
            )

    # -- what a scrape asks

    def families(self, *, openmetrics: bool) -> Iterator[Family]:
        """Yield the families that are not in the process's registry, their samples as text."""
        owned = [*self._owned()]
        view = self._engines.view(owned)
        behind_ns = self._lateness_ns if openmetrics and self._event_time else None
        yield from listing_families(view.listings, points_behind_ns=behind_ns)
        known = self._crossings.listings
        listings = [name for partition in owned for name in self._homes[partition]]
        listings += [OTHER] if OTHER in known else []
        yield self._crossings.family(listings, openmetrics=openmetrics)
        raised = {
            (rule, listing, direction)
            for rule, listing, direction in {*self._raised, *view.alerts}
            if rule in self._rules and listing in known
        }
        yield from alert_families(view.alerts, raised, self._rules)
        yield from engine_families(view.outcomes, view.clock_ns)
