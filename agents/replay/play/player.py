"""The steps of a replay: headlines scored and rows applied in the order in which they were known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from agents.reacting.engine import Engine
from agents.replay.play.asides import Asides
from agents.replay.play.checkpoint import STATE_VERSION, ReplayCheckpoint, Scored
from agents.replay.play.inputs import Inputs
from agents.replay.play.pace import ReplayPace
from agents.replay.play.timeline import RUN_SPAN_NS, MarketLog, Timeline
from agents.replay.play.watching import ReplayProgress, Watcher
from agents.stages.scorer import make_scorer
from streams.events import SECOND_NS, Mention, Output

FRAME_S = 0.25  # of wall time between views of a paced replay


class ReplayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a folder is replayed; nothing of it changes the outputs."""

    frame: int | None = None  # rows a frame; None: whole columns, where the engine takes them
    speed: float | None = None  # times real time; None: as fast as it goes
    watcher: Watcher = Watcher()
    began_s: float | None = None  # of `elapsed_s`, where reading the inputs counts, too


class Player:
    """One pass through the inputs, by stages that may fail; `guard` knows what is set aside.

    Without a guard nobody keeps that. What another process reacts to is guarded there.
    """

    def __init__(
        self,
        inputs: Inputs,
        engine: MarketLog,
        options: ReplayOptions,
        guard: Asides | None = None,
    ) -> None:
        """`engine` is at its beginning."""
        self._inputs, self._engine, self.guard = inputs, engine, guard
        self._reacts_here = isinstance(engine, Engine)
        self._watcher, self._pace = options.watcher, ReplayPace(options.speed)
        self._scorer = make_scorer(inputs.universe)
        speed = options.speed
        span_ns = RUN_SPAN_NS if speed is None else int(speed * FRAME_S * SECOND_NS)
        self._timeline = Timeline(inputs, engine, options.frame, max(span_ns, SECOND_NS))
        self._row = self._headline = 0
        self._scored: Scored | None = None

    def resume(self, done: ReplayCheckpoint) -> None:
        """Go on from a checkpoint."""
        self._engine.restore(done.engine)
        self._scorer.restore(done.scorer)
        self._row, self._headline, self._scored = done.row, done.headline, done.scored
        self._timeline.resume()

    def checkpoint(self, identity: str) -> ReplayCheckpoint:
        """Return what is done, and the state after it; to be asked between two steps."""
        return ReplayCheckpoint(
            STATE_VERSION,
            identity,
            self._row,
            self._headline,
            self._scored,
            self._engine.snapshot(),
            self._scorer.snapshot(),
        )

    def prune(self) -> None:
        """Forget what nothing can reach any more."""
        self._engine.prune()

    def steps(self) -> Iterator[list[Any]]:
        """Yield the outputs of one step after another; between two of them the state is whole."""
        headlines = self._inputs.headlines
        while self._scored is not None or self._headline < len(headlines):
            if self._scored is None:
                self._scored = Scored(self._headline, self._score(self._headline))
                self._headline += 1
            scored = self._scored
            if scored.mentions:  # else nothing of the market has to wait for it
                yield from self._rows(int(self._timeline.headline_rows[scored.index]))
            yield self._publish(scored)
        yield from self._rows(len(self._timeline))
        yield self._timeline.finish(self._inputs.last_known_ns)

    def _score(self, index: int) -> list[Mention]:
        headline = self._inputs.headlines[index]
        if self.guard is None:
            return self._scorer.score(headline)
        number = self.guard.headline(index)
        if self.guard.reject(number):
            return []
        return self.guard.guarded(number, number + 1, partial(self._scorer.score, headline))

    def _publish(self, scored: Scored) -> list[Any]:
        headline = self._inputs.headlines[scored.index]
        number = len(self._inputs.rows) + scored.index
        rejected = self.guard.reject(number) if self.guard else None
        outputs: list[Any] = [rejected] if rejected else [headline, *scored.mentions]
        if scored.mentions and not rejected:
            self._pace.wait_for(headline.known_ns)
            react = partial(self._react, headline.known_ns, scored.mentions)
            outputs += self._guarded(number, number + 1, react)
        self._scored = None
        self._show(headline.known_ns)
        return outputs

    def _react(self, known_ns: int, mentions: list[Mention]) -> list[Output]:
        outputs = self._timeline.clock(known_ns)
        for mention in mentions:
            outputs += self._engine.apply(mention)
        return outputs

    def _guarded(self, first: int, stop: int, react: Callable[[], list[Output]]) -> list[Output]:
        if self.guard is None or not self._reacts_here:
            return react()
        return self.guard.guarded(first, stop, react)

    def _rows(self, until: int) -> Iterator[list[Output]]:
        while self._row < until:
            outputs = self._stretch(self._row, until)
            event_ns = self._timeline.known_ns(self._row - 1)
            self._pace.wait_for(event_ns)
            self._show(event_ns)
            yield outputs

    def _stretch(self, row: int, until: int) -> list[Output]:
        """Apply rows from `row` on that go together; `_row` is the one behind them."""
        if self.guard:
            if rejected := self.guard.reject(row):
                self._row = row + 1
                return [rejected]
            until = self.guard.limit(row, until)
        stop = self._timeline.stop_of(row, until)
        outputs = self._guarded(row, stop, partial(self._timeline.apply, row, stop))
        self._row = stop
        return outputs

    def _show(self, event_ns: int) -> None:
        total, headlines = len(self._timeline), len(self._inputs.headlines)
        self._watcher.progress(
            ReplayProgress(self._row, total, self._headline, headlines, event_ns)
        )
