"""What comes out of the stages, counted as it leaves: the observer of a process with a sheet."""

from __future__ import annotations

from collections.abc import Sequence

from agents.machine.clock import now_ns
from agents.metrics.declared import MOST_ISSUERS, OTHER, REJECTS, Sheet
from agents.metrics.market import MarketMeter
from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine
from agents.scoring.sentiment import SENTIMENTS, sentiment
from agents.stages.observer import Observer
from streams.codec import Record
from streams.events import SECOND_NS, Alert, Mention, Move, Reaction, Reject
from streams.reference.universe import Universe


class StageMeter(Observer):
    """Counts on a sheet; `market` and `universe` where the process reacts and where it scores."""

    def __init__(
        self,
        sheet: Sheet,
        stages: Sequence[str],
        *,
        market: MarketMeter | None = None,
        universe: Universe | None = None,
        app: str = "",
        live: bool = True,
    ) -> None:
        """`stages`: what may be set aside here; `live`: event time is compared with the wall clock."""
        self.sheet, self._market, self._app, self._live = sheet, market, app, live
        self._issuers = frozenset([*universe.issuers][:MOST_ISSUERS] if universe else ())
        for stage in stages:
            for reason in REJECTS[stage]:
                sheet.show("rejects", stage, reason)
        sheet.show("label_overflow", "rejects")
        for stage in ("score", "react", "deliver"):
            if stage in stages:
                sheet.show("stage_latency_seconds", stage)
        if app:
            sheet.show("checkpoints", app)
            sheet.show("checkpoint_seconds", app)
        if universe:
            self._show_scoring(universe)

    def _show_scoring(self, universe: Universe) -> None:
        self.sheet.show("headlines_scored")
        self.sheet.show("headlines_unlinked")
        self.sheet.show("label_overflow", "mentions")
        more = [OTHER] if len(universe.issuers) > MOST_ISSUERS else []
        for issuer in (*self._issuers, *more):
            for label in SENTIMENTS:
                self.sheet.show("mentions", issuer, label)

    # -- what the stages tell

    def engine(self, config: EngineConfig, partition: int = 0) -> Engine:
        """Return a new engine for a partition, in place of any that it had."""
        return self._market.engine(config, partition) if self._market else Engine(config)

    def released(self) -> None:
        """Take note that all partitions are given back."""
        if self._market:
            self._market.released()

    def scored(self, mentions: Sequence[Mention]) -> None:
        """Count a headline."""
        self.sheet.count("headlines_scored")
        if not mentions:
            self.sheet.count("headlines_unlinked")

    def made(self, record: Record) -> None:
        """Count a record that a stage made, as it leaves."""
        if isinstance(record, Mention):
            issuer = self.sheet.among("mentions", record.issuer, self._issuers)
            self.sheet.count("mentions", issuer, sentiment(record.direction))
            if record.received_ns is not None:
                self._left("score", record.received_ns)
        elif isinstance(record, Reject):
            reasons = REJECTS[record.stage]
            self.sheet.count(
                "rejects", record.stage, self.sheet.among("rejects", record.reason, reasons)
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
        self.sheet.count("checkpoints", self._app)
        self.sheet.observe("checkpoint_seconds", self._app, seconds=seconds)

    def _left(self, stage: str, since_ns: int) -> None:
        if self._live:
            late_s = (now_ns() - since_ns) / SECOND_NS
            self.sheet.observe("stage_latency_seconds", stage, seconds=max(late_s, 0.0))
