"""The embedded live runtime: no broker; the same stages over a journal on this machine.

What comes in is appended to the journal `inputs` before anything is done with it, what comes of it
to the journal `outputs`. A checkpoint holds how far the inputs are done and the state of both
stages. After a crash the inputs behind the checkpoint are done again; they give the same outputs,
so of these only the ones that were not there yet are delivered. Each day has its own pair of journals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from agents.delivery.outbox import DeadLetter
from agents.delivery.sinks import Sink
from agents.live.daily_journals import Days
from agents.machine.clock import elapsed_s, now_ns
from agents.reacting.config import EngineConfig
from agents.stages.decisions import log_mention, log_moves, log_scored
from agents.stages.observer import NOBODY, Observer
from agents.stages.scorer import make_scorer
from streams.codec import Record, decode, encode
from streams.errors import JournalError, RecordError
from streams.events import (
    Alert,
    Clock,
    Headline,
    MarketRecord,
    Mention,
    Reject,
    Status,
    TickFrame,
    content_id,
)
from streams.logs import logger
from streams.reference.universe import Universe

CHECKPOINT_S: Final = 2.0
CHECKPOINT_SHARE: Final = 0.04  # of the time, at most, goes into checkpoints
VERSION: Final = 1  # of the checkpoint; raise it with any change of what the stages keep

log = logger(__name__)


class RunCheckpoint(msgspec.Struct, frozen=True):
    """A checkpoint of a run: how many inputs are done, and the state of both stages after them."""

    version: int
    identity: str
    inputs: int
    engine: bytes
    scorer: bytes


class OutputStore(Protocol):
    """Where the outputs are shown to people (agents/web/sink.py); none of it may raise."""

    def add(self, record: Record) -> None:
        """Take an output in; the same one may come again after a crash."""

    def commit(self) -> None:
        """Show what was added."""


class DeadLetters(Protocol):
    """Alerts that were given up (agents/delivery/dispatcher.py)."""

    def dead_letters(self) -> list[DeadLetter]:
        """Return those that are not recorded yet."""

    def forget(self, letter: DeadLetter) -> None:
        """Drop one: it is recorded."""


class Embedded:
    """Both stages and their journals: the log of a run without a broker, whose one partition is 0."""

    def __init__(
        self,
        folder: Path,
        universe: Universe,
        config: EngineConfig,
        sinks: Sequence[Sink],
        store: OutputStore | None = None,
        observer: Observer = NOBODY,
        dead_letters: DeadLetters | None = None,
    ) -> None:
        """`dead_letters` are taken in on each Clock.

        JournalError: another process runs here, or the folder cannot be used.
        """
        self._observer, self._dead_letters, self._rules = observer, dead_letters, config.rules
        self._identity, self._sinks, self._store = _identity(config), tuple(sinks), store
        self._days = Days(folder)
        self._inputs, self._outputs = self._days.newest(now_ns())
        self._done = self._delivered = 0  # inputs applied; outputs delivered in an earlier run
        self._saved_s, self._pause_s = elapsed_s(), CHECKPOINT_S
        self._engine, self._scorer = observer.engine(config), make_scorer(universe)
        self.alerts = self.mentions = 0
        self._recover()

    # -- the log of records (agents/ingest/record_log.py). JournalError: the disk does not take it

    def send_headline(self, headline: Headline) -> None:
        """Keep a headline and do all that follows from it."""
        self._take_in(headline)

    def send_reject(self, reject: Reject, source: str) -> None:  # noqa: ARG002 - the record names it
        """Keep a reject."""
        self._take_in(reject)

    def send_frame(self, partition: int, frame: TickFrame) -> None:  # noqa: ARG002 - there is one
        """Keep a frame and do all that follows from it."""
        self._take_in(frame)

    def send_status(self, partition: int, status: Status) -> None:  # noqa: ARG002 - there is one
        """Keep a halt or a resumption and do all that follows from it."""
        self._take_in(status)

    def send_clock(self, clock: Clock) -> None:
        """Keep a Clock, do what is due; begin a checkpoint and a new day when it is time."""
        self._take_in(clock)
        if self._store:
            self._store.commit()
        if elapsed_s() - self._saved_s >= self._pause_s:
            self._save()
            if self._days.over(clock.ts_ns):
                self._inputs, self._outputs = self._days.begin(clock.ts_ns, self._state(0))
                self._done = self._delivered = 0
        if self._dead_letters:  # as records that come in: they are there once whatever crashes
            for letter in self._dead_letters.dead_letters():
                self._take_in(letter.reject)
                self._dead_letters.forget(letter)

    def flush(self) -> None:
        """Make all durable."""
        self._save()

    def close(self) -> None:
        """Let others open the journals."""
        self._days.close()

    # -- one record

    def _take_in(self, record: Headline | Reject | MarketRecord) -> None:
        self._inputs.append(encode(record))
        self._inputs.flush()  # to the system: it survives this process
        self._apply(record)

    def _apply(self, record: Any) -> None:  # noqa: ANN401 - any record that a source makes
        self._done += 1
        if isinstance(record, Headline):
            mentions = self._scorer.score(record)
            self.mentions += len(mentions)
            if self._is_new():
                self._observer.scored(mentions)
                log_scored(self._scorer, record, mentions)
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
            log_moves(self._engine, self._rules, outputs)
        if isinstance(record, Mention) and self._is_new():
            log_mention(self._engine, record, outputs)
        self._keep(outputs)

    def _is_new(self) -> bool:
        """Tell whether the next output is not of an earlier run."""
        return self._outputs.next_offset >= self._delivered

    def _keep(self, outputs: Iterable[Record]) -> None:
        """Deliver and keep what came out; delivered first, for a repeat does less harm than a loss."""
        for output in outputs:
            new = self._is_new()
            if new:
                self._observer.made(output)
            if isinstance(output, Alert):
                self.alerts += 1
                if new:
                    for sink in self._sinks:
                        sink.deliver(output)
                    self._observer.delivered(output.updated_ns)
            self._outputs.append(encode(output))
            if self._store:
                self._store.add(output)
        self._outputs.flush()

    # -- checkpoints

    def _save(self) -> None:
        began_s = elapsed_s()
        if self._store:
            self._store.commit()  # before the outputs behind it need not be made again
        self._engine.prune()
        self._inputs.checkpoint(b"")
        self._outputs.checkpoint(self._state(self._done))
        self._saved_s = elapsed_s()
        self._pause_s = max(CHECKPOINT_S, (self._saved_s - began_s) / CHECKPOINT_SHARE)

    def _state(self, inputs: int) -> bytes:
        engine, scorer = self._engine.snapshot(), self._scorer.snapshot()
        return msgspec.msgpack.encode(
            RunCheckpoint(VERSION, self._identity, inputs, engine, scorer)
        )

    def _recover(self) -> None:
        """Go on where the last run was cut off."""
        self._delivered = self._outputs.next_offset
        kept = self._outputs.last_checkpoint()
        place = _place(kept[1]) if kept else None
        self._outputs.truncate_to(kept[0] if kept else 0)
        if place and place.identity == self._identity:
            self._engine.restore(place.engine)
            self._scorer.restore(place.scorer)
        elif kept:
            log.warning("other listings than in the last run: prices and open reactions are gone")
        self._done = place.inputs if place else 0
        for _, payload in self._inputs.read(self._done):
            self._apply(_decoded(payload, self._done))
        self._save()


def _decoded(payload: memoryview, number: int) -> Any:  # noqa: ANN401 - any record of a source
    try:
        return decode(payload)
    except RecordError as fault:
        raise JournalError("inputs", f"record {number}: {fault}") from fault


def _place(state: bytes) -> RunCheckpoint | None:
    try:
        place = msgspec.msgpack.decode(state, type=RunCheckpoint)
    except msgspec.DecodeError:
        return None
    return place if place.version == VERSION else None


def _identity(config: EngineConfig) -> str:
    """Return what the engine's state depends on: rules and daily rows may change between runs."""
    lines = msgspec.json.encode((config.listings, config.benchmark, config.lateness_ns))
    return content_id(lines.decode())
