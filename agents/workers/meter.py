"""A Faust worker's metrics: its stage's, and what it has, how far behind it is, what went in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial

from faust.exceptions import ConsumerNotStarted
from faust.types import TP
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from agents.metrics.declared import ProcessMetrics, counter_family, gauge_family
from agents.metrics.endpoint import Exposure, process_metrics, serving
from agents.metrics.market import MarketMeter
from agents.metrics.stages import StageMeter
from agents.reacting.config import EngineConfig
from agents.stages.observer import NOBODY, Observer
from agents.workers.faust_app import Faust
from agents.workers.partition import OwnedPartition
from streams.reference.universe import Universe
from streams.topics import DELIVER, REACT, SCORE


class WorkerMeter:
    """The metrics of a worker and the observer of its stages, which counts only where they are shown."""

    def __init__(self, exposed: Exposure) -> None:
        self._exposed = exposed
        self._market: MarketMeter | None = None
        self._owns: Callable[[], list[int]] = list  # until there is an app that may be given some
        self.observer: Observer = NOBODY
        self.metrics: ProcessMetrics = process_metrics(exposed)

    def scores(self, universe: Universe) -> Observer:
        """Return the observer of a score worker."""
        return self._observed(SCORE, "score", universe=universe)

    def reacts(self, config: EngineConfig, partitions: int) -> Observer:
        """Return the observer of a react worker."""
        if self._exposed.port is not None:
            event_time = self._exposed.event_time
            self._market = MarketMeter(
                self.metrics, config, partitions, self._owned, event_time=event_time
            )
        return self._observed(REACT, "react")

    def delivers(self) -> Observer:
        """Return the observer of a deliver worker."""
        return self._observed(DELIVER, "deliver")

    def _observed(self, app: str, stage: str, universe: Universe | None = None) -> Observer:
        if self._exposed.port is not None:
            self.observer = StageMeter(
                self.metrics,
                ("decode", stage),
                market=self._market,
                universe=universe,
                app=app,
                live=not self._exposed.replay,
            )
        return self.observer

    def serving(
        self,
        app: Faust,
        app_id: str,
        topic: str,
        partitions: Mapping[int, OwnedPartition],
        say: Callable[[str], None],
    ) -> AbstractContextManager[str]:
        """Serve meanwhile, also while the worker connects or recovers.

        `partitions`: those at work, as the worker loop keeps them; `say` is told the address.
        """
        self._owns = partial(assigned, app, topic)
        self.metrics.registry.register(WorkerCollector(app, app_id, topic, partitions))
        return serving(self._exposed, self.metrics, say, self._market)

    def _owned(self) -> list[int]:
        return self._owns()


def assigned(app: Faust, topic: str) -> list[int]:
    """Return the partitions of a topic that the group has given to this worker."""
    consumer = _consumer(app)
    if consumer is None:
        return []
    try:
        found = consumer.assignment()
    except ConsumerNotStarted:
        return []
    return sorted(tp.partition for tp in found if tp.topic == topic)


class WorkerCollector(Collector):
    """The figures of one app on one topic."""

    def __init__(
        self, app: Faust, app_id: str, topic: str, partitions: Mapping[int, OwnedPartition]
    ) -> None:
        self._app, self._app_id, self._topic = app, app_id, topic
        self._partitions = partitions

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield the families."""
        owned, monitor = assigned(self._app, self._topic), self._app.monitor
        messages = counter_family("worker_messages")
        messages.add_metric(["in"], monitor.messages_received_total)
        messages.add_metric(["out"], monitor.messages_sent)
        yield messages
        partitions = gauge_family("partitions_owned")
        partitions.add_metric([self._app_id], len(owned))
        yield partitions
        lag = gauge_family("consumer_lag_records")
        for partition in owned:
            behind = self._lag(partition)
            if behind is not None:
                lag.add_metric([self._topic, str(partition)], behind)
        yield lag

    def _lag(self, partition: int) -> int | None:
        """Return how many records are not taken in; None: the broker has not said yet."""
        consumer, tp = _consumer(self._app), TP(self._topic, partition)
        at_work = self._partitions.get(partition)
        committed = consumer._committed_offset.get(tp) or 0  # noqa: SLF001 - Faust has no other way
        try:
            end = consumer.highwater(tp)
        except (ConsumerNotStarted, AssertionError):  # it was given away meanwhile
            return None
        # one that is not at work yet has read nothing since it is ours
        done = at_work.offset + 1 if at_work else committed
        return None if end is None else max(end - done, 0)


def _consumer(app: Faust) -> Faust:
    """Return the consumer if there is one: to ask the app would make one here, on a wrong thread."""
    return app._consumer  # noqa: SLF001 - Faust has no other way
