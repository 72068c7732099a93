"""The embedded live runtime: no broker; the same stages over a journal on this machine.

What comes in is appended to the journal `inputs` before anything is done with it, what comes of it
to the journal `outputs`. A checkpoint holds how far the inputs are done and the state of both
stages. After a crash the inputs behind the checkpoint are done again; they give the same outputs,
so of these only the ones that were not there yet are told. Each day has its own pair of journals.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from agents.delivery.sinks import Sink
from agents.live.daily_journals import Days
from agents.machine.clock import elapsed_s, now_ns
from agents.reacting.config import EngineConfig
from agents.stages.observer import NOBODY, Observer
from agents.stages.scorer import make_scorer
from streams.codec import Record, decode, encode
from streams.errors import JournalError, RecordError
from streams.events import Alert, Clock, Headline, MarketRecord, Reject, content_id
from streams.reference.universe import Universe
from streams.topics import HEADLINES

CHECKPOINT_S: Final = 2.0
CHECKPOINT_SHARE: Final = 0.04  # of the time, at most, goes into checkpoints
VERSION: Final = 2  # of the checkpoint; raise it with any change of what the stages keep

log = logging.getLogger(__name__)


class Place(msgspec.Struct, frozen=True):
    """A checkpoint: how many inputs are done, and the state of both stages after them."""

    version: int
    identity: str
    inputs: int
    engine: bytes
    scorer: bytes


class Keeper(Protocol):
    """Who shows the outputs to people (agents/web/command.py); none of it may raise."""

    def add(self, record: Record) -> None:
        """Take an output in; the same one may come again after a crash."""

    def commit(self) -> None:
        """Show what was added."""


class Embedded:
    """Both stages and their journals; takes the place of the publisher to Kafka."""

    backlog = 0  # nobody is waited for
    acknowledged = 0

    def __init__(
        self,
        folder: Path,
        universe: Universe,
        config: EngineConfig,
        sinks: Sequence[Sink],
        keeper: Keeper | None = None,
        observer: Observer = NOBODY,
    ) -> None:
        """JournalError: another process runs here, or the folder cannot be used."""
        self._observer = observer
        self._identity, self._sinks, self._keeper = _identity(config), tuple(sinks), keeper
        self._days = Days(folder)
        self._inputs, self._outputs = self._days.newest(now_ns())
        self._done = self._told = 0  # inputs applied; outputs that were told in an earlier run
        self._saved_s, self._pause_s = elapsed_s(), CHECKPOINT_S
        self._engine, self._scorer = observer.engine(config), make_scorer(universe)
        self.alerts = self.mentions = 0
        self._recover()

    def send(
        self,
        topic: str,
        partition: int,  # noqa: ARG002 - as Publisher.send; here there is one log
        record: Record,
        key: str | None = None,  # noqa: ARG002 - the same
    ) -> None:
        """Keep a record and do all that follows from it. JournalError: the disk does not take it."""
        if isinstance(record, Clock) and topic.endswith(HEADLINES):
            return  # the same Clock comes by in `market`
        self._inputs.append(encode(record))
        self._inputs.flush()  # to the system: it survives this process
        self._apply(record)
        if isinstance(record, Clock) and self._keeper:
            self._keeper.commit()
        if isinstance(record, Clock) and elapsed_s() - self._saved_s >= self._pause_s:
            self._save()
            if self._days.over(record.ts_ns):
                self._inputs, self._outputs = self._days.begin(record.ts_ns, self._state(0))
                self._done = self._told = 0

    def flush(self, _limit_s: float | None = None) -> None:
        """Make all durable."""
        self._save()

    def close(self) -> None:
        """Let others open the journals."""
        self._days.close()

    # -- one record

    def _apply(self, record: Any) -> None:  # noqa: ANN401 - any record that a source makes
        self._done += 1
        if isinstance(record, Headline):
            mentions = self._scorer.score(record)
            self.mentions += len(mentions)
            if self._is_new():
                self._observer.scored(mentions)
            self._keep([record, *mentions])
            for mention in mentions:
                self._react(mention)
        elif isinstance(record, Reject):
            self._keep([record])
        else:
            self._react(record)

    def _react(self, record: MarketRecord) -> None:
        outputs = self._engine.apply(record)
        if outputs and self._is_new():
            self._observer.reacted(self._engine)
        self._keep(outputs)

    def _is_new(self) -> bool:
        """Tell whether the next output is not of an earlier run."""
        return self._outputs.next_offset >= self._told

    def _keep(self, outputs: Iterable[Record]) -> None:
        """Tell and keep what came out; told first, for a repeat does less harm than a loss."""
        for output in outputs:
            new = self._is_new()
            if new:
                self._observer.made(output)
            if isinstance(output, Alert):
                self.alerts += 1
                if new:
                    for sink in self._sinks:
                        sink.tell(output)
                    self._observer.delivered(output.updated_ns)
            self._outputs.append(encode(output))
            if self._keeper:
                self._keeper.add(output)
        self._outputs.flush()

    # -- checkpoints

    def _save(self) -> None:
        began_s = elapsed_s()
        if self._keeper:
            self._keeper.commit()  # before the outputs behind it need not be made again
        self._engine.prune()
        self._inputs.checkpoint(b"")
        self._outputs.checkpoint(self._state(self._done))
        self._saved_s = elapsed_s()
        self._pause_s = max(CHECKPOINT_S, (self._saved_s - began_s) / CHECKPOINT_SHARE)

    def _state(self, inputs: int) -> bytes:
        engine, scorer = self._engine.snapshot(), self._scorer.snapshot()
        return msgspec.msgpack.encode(Place(VERSION, self._identity, inputs, engine, scorer))

    def _recover(self) -> None:
        """Go on where the last run was cut off."""
        self._told = self._outputs.next_offset
        kept = self._outputs.last_checkpoint()
        place = _place(kept[1]) if kept else None
        self._outputs.truncate_to(kept[0] if kept else 0)
        if place and place.identity == self._identity:
            self._engine.restore(place.engine)
            self._scorer.restore(place.scorer)
        elif kept:
            log.warning(
                "other listings than in the last run: its prices and open reactions are gone"
            )
        self._done = place.inputs if place else 0
        for _, payload in self._inputs.read(self._done):
            self._apply(_decoded(payload, self._done))
        self._save()


def _decoded(payload: memoryview, number: int) -> Any:  # noqa: ANN401 - any record of a source
    try:
        return decode(payload)
    except RecordError as fault:
        raise JournalError("inputs", f"record {number}: {fault}") from fault


def _place(state: bytes) -> Place | None:
    try:
        place = msgspec.msgpack.decode(state, type=Place)
    except msgspec.DecodeError:
        return None
    return place if place.version == VERSION else None


def _identity(config: EngineConfig) -> str:
    """Return what the engine's state depends on: rules and daily rows may change between runs."""
    lines = msgspec.json.encode((config.listings, config.benchmark, config.lateness_ns))
    return content_id(lines.decode())
