"""The embedded live runtime: no broker; the same stages over a journal on this machine.

What comes in is appended to the journal `inputs` before anything is done with it, what comes of it
to the journal `outputs`. A checkpoint holds how far the inputs are done and the state of both
stages. After a crash the inputs behind the checkpoint are done again; they give the same outputs,
so of these only the ones that were not there yet are delivered. Each day has its own pair of journals.

An input at which a stage raises, hangs or dies is set aside: a record in `inputs` says so, what came
of it is dropped, and all behind the checkpoint is done again without it (agents/live/past_inputs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from agents.delivery.outbox import DeadLetter
from agents.delivery.sinks import Sink
from agents.live.guarded_stages import GuardedStages, LogPlace
from agents.live.kept_outputs import KeptOutputs, OutputStore
from agents.live.past_inputs import check_clock
from agents.live.run_journals import VERSION, RunCheckpoint, RunJournals
from agents.machine.clock import elapsed_s, now_ns
from agents.reacting.config import EngineConfig, Rule
from agents.reacting.engine import Engine
from agents.stages.decisions import log_mention, log_moves, log_scored
from agents.stages.observer import NOBODY, Observer
from streams.errors import EngineFaultError, JournalError
from streams.events import (
    Clock,
    Headline,
    MarketRecord,
    Mention,
    Output,
    Reject,
    Status,
    TickFrame,
    content_id,
)
from streams.logs import logger
from streams.reference.universe import Universe
from streams.set_aside import SetAside

CHECKPOINT_S: Final = 2.0
CHECKPOINT_SHARE: Final = 0.04  # of the time, at most, goes into checkpoints
MOST_FAULTS: Final = 100  # records set aside at a stretch: more, and it is no record's fault

log = logger(__name__)


class DeadLetters(Protocol):
    """Alerts that were given up (agents/delivery/dispatcher.py)."""

    def dead_letters(self) -> list[DeadLetter]:
        """Return those that are not recorded yet."""

    def forget(self, letter: DeadLetter) -> None:
        """Drop one: it is recorded."""


class Embedded:
    """Both stages and their journals: the log of a run without a broker, whose one partition is 0.

    `dead_letters` are taken in on each Clock. JournalError: the folder is at work, or cannot be used.
    """

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
        self._observer, self._dead_letters, self._rules = observer, dead_letters, config.rules
        self._identity, self._journals = _identity(config), RunJournals(folder, now_ns())
        self._outputs = KeptOutputs(self._journals, sinks, store, observer)
        self._done = self.mentions = 0  # inputs applied; Mentions made
        self._pace = SavePace()
        self._stages = GuardedStages(folder, universe, config, observer)
        with ExitStack() as undone:  # where it cannot begin, the next one may
            undone.callback(self.close)
            self._journals.settle(self._stages.death, now_ns())
            self._begin_again()
            undone.pop_all()

    @property
    def alerts(self) -> int:
        """Return how many states of alerts came out."""
        return self._outputs.alerts

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
        if self._journals.is_over(clock.ts_ns):  # first: of a wrong Clock the old day has nothing
            self.flush()
            self._journals.begin_day(clock.ts_ns, self._checkpoint(0))
            self._outputs.begin_day()
            self._done = 0
        self._take_in(clock)
        self._outputs.show()
        if self._pace.is_due():
            self.flush()
        for reject in _given_up(self._dead_letters):
            self._take_in(reject)

    def begin_sync(self) -> Callable[[], None]:
        """Return what makes all that was taken in outlive a loss of power."""
        return self._journals.inputs.begin_sync()

    def close(self) -> None:
        """Let others open the journals."""
        self._stages.close()
        self._journals.close()

    # -- one record

    def _take_in(self, record: Headline | Reject | MarketRecord) -> None:
        self._journals.take_in(record)
        kept = self._outputs.count
        try:
            self._apply(record)
        except EngineFaultError as fault:
            self._outputs.drop(kept)  # what came of half of it
            self._journals.set_aside(fault)
            self._begin_again()

    def _apply(self, record: Any) -> None:  # noqa: ANN401 - any record that a source makes
        place = LogPlace(self._done, self._outputs.count)
        self._done += 1
        if place.number in self._journals.aside:
            return
        if isinstance(record, Headline):
            mentions = self._stages.score(record, place)
            self.mentions += len(mentions)
            if self._outputs.next_is_new:
                self._observer.scored(mentions)
                log_scored(self._stages.scorer, record, mentions)
            self._outputs.keep([record, *mentions])
            for mention in mentions:
                self._react(mention, place)
        elif isinstance(record, Reject | SetAside):
            self._outputs.keep(_rejects_of(record))
        else:
            self._react(record, place)

    def _react(self, record: MarketRecord, place: LogPlace) -> None:
        outputs = self._stages.react(record, place)
        if self._outputs.next_is_new:
            _tell(self._observer, self._stages.engine, self._rules, record, outputs)
        self._outputs.keep(outputs)

    # -- checkpoints

    def flush(self) -> None:
        """Make all durable, in a checkpoint."""
        began_s = elapsed_s()
        self._outputs.show()  # before the outputs behind it need not be made again
        self._stages.engine.prune()
        self._journals.save(self._checkpoint(self._done))
        self._pace.saved(began_s)

    def _checkpoint(self, inputs: int) -> RunCheckpoint:
        return RunCheckpoint(VERSION, self._identity, inputs, *self._stages.snapshot())

    def _begin_again(self) -> None:
        """Do what is behind the checkpoint again; what a stage fails at meanwhile is set aside, too."""
        for _ in range(MOST_FAULTS):
            try:
                self._from_checkpoint()
            except EngineFaultError as fault:
                self._journals.set_aside(fault)
            else:
                return
        raise JournalError("inputs", f"a stage failed at {MOST_FAULTS} records at a stretch")

    def _from_checkpoint(self) -> None:
        """Go on where the last checkpoint was made."""
        kept, place = self._journals.newest()
        self._outputs.go_back(kept)
        self._stages.renew()
        if place and place.identity == self._identity:
            self._stages.restore(place.engine, place.scorer)
            check_clock(self._stages.engine.clock_ns, now_ns(), self._journals.path)
        elif kept:
            log.warning("other listings than in the last run: prices and open reactions are gone")
        self._done = place.inputs if place else 0
        for record in self._journals.past_inputs(self._done):
            self._apply(record)
        self._outputs.is_caught_up()
        self.flush()


def _tell(
    observer: Observer,
    engine: Engine,
    rules: tuple[Rule, ...],
    record: MarketRecord,
    outputs: list[Output],
) -> None:
    """Count and log what came of a record."""
    if outputs:
        observer.reacted(engine)
        log_moves(engine, rules, outputs)
    if isinstance(record, Mention):
        log_mention(engine, record, outputs)


class SavePace:
    """When the next checkpoint is due: two seconds after the last, later where one takes long."""

    def __init__(self) -> None:
        self._saved_s, self._pause_s = elapsed_s(), CHECKPOINT_S

    def is_due(self) -> bool:
        """Tell whether it is time."""
        return elapsed_s() - self._saved_s >= self._pause_s

    def saved(self, began_s: float) -> None:
        """Count from now; the last one was begun at `began_s`."""
        self._saved_s = elapsed_s()
        self._pause_s = max(CHECKPOINT_S, (self._saved_s - began_s) / CHECKPOINT_SHARE)


def _rejects_of(record: Reject | SetAside) -> list[Reject]:
    """Return what is kept of a record that is not applied."""
    reject = record.reject if isinstance(record, SetAside) else record
    return [reject] if reject else []


def _given_up(letters: DeadLetters | None) -> Iterator[Reject]:
    """Yield what was given up, as records that come in: each is there once, whatever crashes."""
    for letter in letters.dead_letters() if letters else ():
        yield letter.reject
        assert letters is not None
        letters.forget(letter)


def _identity(config: EngineConfig) -> str:
    """Return what the engine's state depends on: rules and daily rows may change between runs."""
    lines = msgspec.json.encode((config.listings, config.benchmark, config.lateness_ns))
    return content_id(lines.decode())
