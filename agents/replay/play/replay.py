"""A replay, driven through the very same scoring and reacting code as a live run.

Outputs go to a journal in OUT as they come; a checkpoint holds the place in the inputs and the state of both
stages. After a crash the journal is cut back to the checkpoint and the rest is done again, so every
output is there exactly once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from agents.machine.clock import elapsed_s
from agents.reacting.engine import Engine
from agents.replay.play.asides import Asides
from agents.replay.play.backend import Backend, LocalBackend
from agents.replay.play.checkpoint import ReplayJournal
from agents.replay.play.inputs import Inputs
from agents.replay.play.outputs import RESULTS, Written, write_outputs, write_summary
from agents.replay.play.own_results import BESIDE, JOURNAL, claimed
from agents.replay.play.player import Player, ReplayOptions
from streams.errors import EngineFaultError, InputError
from streams.journal_files import remove_journal

CHECKPOINT_S = 2.0  # wall seconds between checkpoints: what a crash costs at most
MOST_FAULTS = 100  # at which records are set aside in one start; more, and it is no record's fault


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
        make = partial(Engine, inputs.engine)
        self._backend = backend or LocalBackend(make(), make)
        self._options = options
        self._player = Player(inputs, self._backend.engine, options)
        self._play_s = 0.0

    def run(self) -> dict[str, Any]:
        """Replay to the end and return the summary.

        InputError: OUT cannot be written. UsageError: something of somebody else's is in its place.
        """
        parts = (self._inputs.inputs_id, self._inputs.config_id, self._backend.identity)
        identity = ":".join(part for part in parts if part)
        try:
            own = claimed(self._out)
            with (
                ReplayJournal(self._out / JOURNAL, identity) as journal,
                closing(Asides(journal.folder, identity, self._inputs)) as guard,
            ):
                self._player.guard = guard
                resumed = self._resume(journal)
                if not resumed:  # a summary means a whole result, of this replay
                    own.remove(RESULTS)
                self._play_through(journal, guard)
                self._backend.await_end(lambda: self._save(journal))
                self._watcher.note("writing results")
                written = write_outputs(
                    own,
                    chain(journal.records(), self._inputs.rejects, self._backend.outputs()),
                )
                summary = self._summary(written, resumed=resumed)
            write_summary(own, summary)
            remove_journal(self._out / JOURNAL, BESIDE)
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
        self._player.resume(done)
        self._watcher.note(f"resuming at row {done.row:,} of {len(self._inputs.rows):,}")
        return True

    def _save(self, journal: ReplayJournal) -> None:
        journal.save(self._player.checkpoint(journal.identity))

    # -- playing

    def _play_through(self, journal: ReplayJournal, guard: Asides) -> None:
        """Play to the end; what a stage fails at is set aside, and all behind the checkpoint done again.

        EngineFaultError: it fails at one record after the other, or cannot be made anew here.
        """
        for _ in range(MOST_FAULTS):
            try:
                return self._play(journal)
            except EngineFaultError as fault:
                guard.note(fault)
                if not self._backend.renew():
                    raise
            self._player = Player(self._inputs, self._backend.engine, self._options, guard)
            self._resume(journal)
        raise EngineFaultError(0, f"the engine failed {MOST_FAULTS} times")

    def _play(self, journal: ReplayJournal) -> None:
        began_s = saved_s = elapsed_s()
        for outputs in self._player.steps():
            for record in outputs:
                journal.keep(record)
                self._watcher.record(record)
            if elapsed_s() - saved_s >= CHECKPOINT_S:
                self._player.prune()
                self._save(journal)
                saved_s = elapsed_s()
        self._play_s = elapsed_s() - began_s

    def steps(self) -> Iterator[list[Any]]:
        """Yield the outputs of one step after another; between two of them the state is whole."""
        return self._player.steps()

    # -- what is told of it

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
