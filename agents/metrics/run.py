"""The metrics of `newsquake ingest`, and of `newsquake run` without a broker: sources and all stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final, Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from agents.metrics.declared import gauge_family
from agents.metrics.endpoint import Exposure, process_metrics, serving
from agents.metrics.market import MarketMeter
from agents.metrics.stages import StageMeter
from agents.reacting.config import EngineConfig
from agents.stages.observer import NOBODY, Observer
from streams.reference.universe import Universe

STAGES: Final = ("read", "score", "react", "deliver")


class Acknowledged(Protocol):
    """Where records are sent: how many have arrived."""

    @property
    def acknowledged(self) -> int:
        """Return how many records are known to have arrived."""

    @property
    def backlog(self) -> int:
        """Return how many wait."""


class RunMeter:
    """The metrics of a run and the observer of its stages, which counts only where they are shown."""

    def __init__(
        self,
        exposed: Exposure,
        config: EngineConfig | None = None,
        universe: Universe | None = None,
    ) -> None:
        """`config` and `universe` where this process reacts and scores as well."""
        self.exposed, self.metrics = exposed, process_metrics(exposed)
        self._market: MarketMeter | None = None
        self.observer: Observer = NOBODY
        if exposed.port is None:
            return
        if config:
            self._market = MarketMeter(self.metrics, config, event_time=exposed.event_time)
        stages = STAGES if config else ("read", "score") if universe else ("read",)
        self.observer = StageMeter(
            self.metrics,
            stages,
            market=self._market,
            universe=universe,
            live=not exposed.replay,
        )

    def serving(
        self, say: Callable[[str], None], *collectors: Collector
    ) -> AbstractContextManager[str]:
        """Serve meanwhile, the figures of collectors beside those of the stages."""
        for collector in collectors:
            self.metrics.registry.register(collector)
        return serving(self.exposed, self.metrics, say, self._market)


class PublisherCollector(Collector):
    """How many records the publisher holds, and how many have arrived."""

    def __init__(self, publisher: Acknowledged | None = None) -> None:
        """`publisher` None: there is no broker, so nothing waits for one."""
        self._publisher = publisher

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the families."""
        backlog = gauge_family("publisher_backlog_records")
        backlog.add_metric([], self._publisher.backlog if self._publisher else 0)
        yield backlog
        acknowledged = gauge_family("publisher_acknowledged_records")
        acknowledged.add_metric([], self._publisher.acknowledged if self._publisher else 0)
        yield acknowledged
