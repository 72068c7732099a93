"""What comes out of the stages, counted as it leaves: the observer of a process that shows metrics."""

from __future__ import annotations

from collections.abc import Sequence

from agents.machine.clock import now_ns
from agents.metrics.declared import MOST_ISSUERS, OTHER, REJECTS, ProcessMetrics
from agents.metrics.market import MarketMeter
from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine
from agents.scoring.sentiment import SENTIMENTS, sentiment_of
from agents.stages.observer import Observer
from streams.codec import Record
from streams.events import SECOND_NS, Alert, Mention, Move, Reaction, Reject
from streams.reference.universe import Universe


class StageMeter(Observer):
    """Counts in a process's metrics; with `market` where it reacts, with `universe` where it scores."""

    def __init__(
        self,
        metrics: ProcessMetrics,
        stages: Sequence[str],
        *,
        market: MarketMeter | None = None,
        universe: Universe | None = None,
        app: str = "",
        live: bool = True,
    ) -> None:
        """`stages`: whose rejects may be counted here; `live`: latencies are measured by the wall clock."""
        self._metrics, self._market, self._app, self._live = metrics, market, app, live
        self._issuers = frozenset([*universe.issuers][:MOST_ISSUERS] if universe else ())
        for stage in stages:
            for reason in REJECTS[stage]:
                metrics.show("rejects", stage, reason)
        metrics.show("label_overflow", "rejects")
        for stage in ("score", "react", "deliver"):
            if stage in stages:
                metrics.show("stage_latency_seconds", stage)
        if app:
            metrics.show("checkpoints", app)
            metrics.show("checkpoint_seconds", app)
        if universe:
            self._show_scoring(universe)

    def _show_scoring(self, universe: Universe) -> None:
        self._metrics.show("headlines_scored")
        self._metrics.show("headlines_unlinked")
        self._metrics.show("label_overflow", "mentions")
        more = [OTHER] if len(universe.issuers) > MOST_ISSUERS else []
        for issuer in (*self._issuers, *more):
            for label in SENTIMENTS:
                self._metrics.show("mentions", issuer, label)

    # -- what the stages tell

    def engine(self, config: EngineConfig, partition: int = 0) -> Engine:
        """Return a new engine for a partition, in place of any that it had."""
        return self._market.engine(config, partition) if self._market else Engine(config)

    def released(self) -> None:
        """Let go of all partitions' engines; what they have counted stays counted."""
        if self._market:
            self._market.released()

    def scored(self, mentions: Sequence[Mention]) -> None:
        """Count a headline."""
        self._metrics.count("headlines_scored")
        if not mentions:
            self._metrics.count("headlines_unlinked")

    def made(self, record: Record) -> None:
        """Count a record that a stage made, as it leaves."""
        if isinstance(record, Mention):
            issuer = self._metrics.among("mentions", record.issuer, self._issuers)
            self._metrics.count("mentions", issuer, sentiment_of(record.direction))
            if record.received_ns is not None:
                self._left("score", record.received_ns)
        elif isinstance(record, Reject):
            reasons = REJECTS[record.stage]
            self._metrics.count(
                "rejects", record.stage, self._metrics.among("rejects", record.reason, reasons)
            )
        elif isinstance(record, Move | Alert | Reaction) and self._market:
            self._market.made(record)

    def reacted(self, engine: Engine) -> None:
        """Measure how far behind the newest event the outputs of an engine leave."""
        self._left("react", max(engine.clock_ns, int(engine.newest_ns.max(initial=-1))))

    def delivered(self, updated_ns: int) -> None:
        """Measure how long after its change a state of an alert was told."""
        self._left("deliver", updated_ns)

    def saved(self, seconds: float) -> None:
        """Count a checkpoint."""
        self._metrics.count("checkpoints", self._app)
        self._metrics.observe("checkpoint_seconds", self._app, seconds=seconds)

    def _left(self, stage: str, since_ns: int) -> None:
        if self._live:
            late_s = (now_ns() - since_ns) / SECOND_NS
            self._metrics.observe("stage_latency_seconds", stage, seconds=max(late_s, 0.0))
