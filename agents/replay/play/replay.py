"""A replay, driven through the very same scoring and reacting code as a live run.

Outputs go to a journal in OUT as they come; a checkpoint holds the place in the inputs and the state of both
stages. After a crash the journal is cut back to the checkpoint and the rest is done again, so every
output is there exactly once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from agents.machine.clock import elapsed_s
from agents.reacting.engine import Engine
from agents.replay.play.backend import Backend, LocalBackend
from agents.replay.play.checkpoint import (
    STATE_VERSION,
    ReplayCheckpoint,
    ReplayJournal,
    Scored,
)
from agents.replay.play.inputs import Inputs
from agents.replay.play.outputs import RESULTS, Written, write_outputs, write_summary
from agents.replay.play.own_results import JOURNAL, claimed
from agents.replay.play.pace import ReplayPace
from agents.replay.play.timeline import RUN_SPAN_NS, Timeline
from agents.replay.play.watching import ReplayProgress, Watcher
from agents.stages.scorer import make_scorer
from streams.errors import InputError
from streams.events import SECOND_NS, Output
from streams.journal_files import remove_journal

CHECKPOINT_S = 2.0  # wall seconds between checkpoints: what a crash costs at most
FRAME_S = 0.25  # of wall time between views of a paced replay


class ReplayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a folder is replayed; nothing of it changes the outputs."""

    frame: int | None = None  # rows a frame; None: whole columns, where the engine takes them
    speed: float | None = None  # times real time; None: as fast as it goes
    watcher: Watcher = Watcher()
    began_s: float | None = None  # of `elapsed_s`, where reading the inputs counts, too


class Replay:
    """One replay of a folder into OUT."""

    def __init__(
        self,
        inputs: Inputs,
        out: Path,
        backend: Backend | None = None,
        options: ReplayOptions | None = None,
    ) -> None:
        """`backend`: None is an engine in this process."""
        options = options or ReplayOptions()
        self._began_s = elapsed_s() if options.began_s is None else options.began_s
        self._inputs, self._out, self._watcher = inputs, out, options.watcher
        self._backend = backend or LocalBackend(Engine(inputs.engine))
        self._engine = self._backend.engine
        self._pace = ReplayPace(options.speed)
        self._scorer = make_scorer(inputs.universe)
        span_ns = RUN_SPAN_NS if options.speed is None else int(options.speed * FRAME_S * SECOND_NS)
        self._timeline = Timeline(inputs, self._engine, options.frame, max(span_ns, SECOND_NS))
        self._row = self._headline = 0
        self._scored: Scored | None = None
        self._play_s = 0.0

    def run(self) -> dict[str, Any]:
        """Replay to the end and return the summary.

        InputError: OUT cannot be written. UsageError: something of somebody else's is in its place.
        """
        parts = (self._inputs.inputs_id, self._inputs.config_id, self._backend.identity)
        identity = ":".join(part for part in parts if part)
        try:
            own = claimed(self._out)
            with ReplayJournal(self._out / JOURNAL, identity) as journal:
                resumed = self._resume(journal)
                if not resumed:  # a summary means a whole result, of this replay
                    own.remove(RESULTS)
                self._play(journal)
                self._backend.await_end(lambda: self._save(journal))
                self._watcher.note("writing results")
                written = write_outputs(
                    own,
                    chain(journal.records(), self._inputs.rejects, self._backend.outputs()),
                )
                summary = self._summary(written, resumed=resumed)
            write_summary(own, summary)
            remove_journal(self._out / JOURNAL)
            self._backend.clean_up()
        except OSError as fault:
            raise InputError(str(self._out), f"cannot be written: {fault}") from fault
        return summary

    # -- resuming

    def _resume(self, journal: ReplayJournal) -> bool:
        """Go to the journal's checkpoint if it is of this replay, else start afresh."""
        done = journal.go_back()
        if done is None:
            return False
        self._engine.restore(done.engine)
        self._scorer.restore(done.scorer)
        self._row, self._headline, self._scored = done.row, done.headline, done.scored
        self._timeline.resume()
        self._watcher.note(f"resuming at row {done.row:,} of {len(self._timeline):,}")
        return True

    def _save(self, journal: ReplayJournal) -> None:
        journal.save(
            ReplayCheckpoint(
                STATE_VERSION,
                journal.identity,
                self._row,
                self._headline,
                self._scored,
                self._engine.snapshot(),
                self._scorer.snapshot(),
            )
        )

    # -- playing

    def _play(self, journal: ReplayJournal) -> None:
        began_s = saved_s = elapsed_s()
        for outputs in self.steps():
            for record in outputs:
                journal.keep(record)
                self._watcher.record(record)
            if elapsed_s() - saved_s >= CHECKPOINT_S:
                self._engine.prune()
                self._save(journal)
                saved_s = elapsed_s()
        self._play_s = elapsed_s() - began_s

    def steps(self) -> Iterator[list[Any]]:
        """Yield the outputs of one step after another; between two of them the state is whole."""
        headlines = self._inputs.headlines
        while self._scored is not None or self._headline < len(headlines):
            if self._scored is None:
                mentions = self._scorer.score(headlines[self._headline])
                self._scored = Scored(self._headline, mentions)
                self._headline += 1
            scored = self._scored
            if scored.mentions:  # else nothing of the market has to wait for it
                yield from self._rows(int(self._timeline.headline_rows[scored.index]))
            yield self._publish(scored)
        yield from self._rows(len(self._timeline))
        yield self._timeline.finish(self._inputs.last_known_ns)

    def _publish(self, scored: Scored) -> list[Any]:
        headline = self._inputs.headlines[scored.index]
        outputs: list[Any] = [headline, *scored.mentions]
        if scored.mentions:
            self._pace.wait_for(headline.known_ns)
            outputs += self._timeline.clock(headline.known_ns)
        for mention in scored.mentions:
            outputs += self._engine.apply(mention)
        self._scored = None
        self._show(headline.known_ns)
        return outputs

    def _rows(self, until: int) -> Iterator[list[Output]]:
        for row, outputs in self._timeline.play(self._row, until):
            self._row = row
            event_ns = self._timeline.known_ns(row - 1)
            self._pace.wait_for(event_ns)
            self._show(event_ns)
            yield outputs

    # -- what is told of it

    def _show(self, event_ns: int) -> None:
        total, headlines = len(self._timeline), len(self._inputs.headlines)
        self._watcher.progress(
            ReplayProgress(self._row, total, self._headline, headlines, event_ns)
        )

    def _summary(self, written: Written, *, resumed: bool) -> dict[str, Any]:
        return (
            _summary(
                self._inputs,
                written,
                self._backend.counts(),
                seconds=elapsed_s() - self._began_s,
                play_s=self._play_s,
                resumed=resumed,
            )
            | self._backend.figures()
        )


def _summary(
    inputs: Inputs,
    written: Written,
    engine: Mapping[str, int],
    *,
    seconds: float,
    play_s: float,
    resumed: bool,
) -> dict[str, Any]:
    counts, ticks = written.counts, len(inputs.rows)
    return {
        "name": inputs.name,
        "events": ticks + counts["headlines"],
        "ticks": ticks,
        "headlines": counts["headlines"],
        "mentions": counts["mentions"],
        "reactions": counts["reactions"],
        "moves": counts["moves"],
        "alerts": counts["alerts"],
        "late": engine["late"],
        "ineligible": engine["ineligible"],
        "rejected": counts["rejects"],
        "unknown_conditions": sum(inputs.rows.unknown_conditions.values()),
        "seconds": round(seconds, 3),
        "play_seconds": round(play_s, 3),
        "ticks_per_second": round(ticks / seconds) if seconds else 0,
        "resumed": resumed,
        "config_id": inputs.config_id,
        "output_sha256": written.output_sha256,
    }
