"""The embedded runtime: a replay driven through the very same scoring and reacting code, no broker.

Outputs go to a journal in OUT as they come; a checkpoint holds the place in the inputs and the state of both
stages. After a crash the journal is cut back to the checkpoint and the rest is done again, so every
output is there exactly once.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from agents.machine.clock import elapsed_s
from agents.reacting.engine import Engine
from agents.replay.play.inputs import Inputs
from agents.replay.play.outputs import Record, clear_outputs, write_outputs, write_summary
from agents.replay.play.pace import Pace
from agents.replay.play.timeline import RUN_SPAN_NS, Log, Timeline
from agents.replay.play.watching import Progress, Watcher
from agents.stages.scorer import make_scorer
from streams.codec import decode, encode
from streams.errors import InputError, RecordError
from streams.events import SECOND_NS, Mention, Output
from streams.journal import Journal

CHECKPOINT_S = 2.0  # wall seconds between checkpoints: what a crash costs at most
FRAME_S = 0.25  # of wall time between views of a paced replay
STATE_VERSION = 2  # of the checkpoint; raise it with any change of what the stages keep


class Scored(msgspec.Struct, frozen=True):
    """A headline that is scored and waits for the rows that were known before it."""

    index: int
    mentions: list[Mention]


class Place(msgspec.Struct):
    """A checkpoint: what is done, and the state of both stages after it."""

    version: int
    identity: str
    row: int
    headline: int  # the next one to be scored
    scored: Scored | None
    engine: bytes
    scorer: bytes


class Replay:
    """One replay of a folder into OUT."""

    def __init__(
        self,
        inputs: Inputs,
        out: Path,
        *,
        frame: int | None = None,
        speed: float | None = None,
        watcher: Watcher | None = None,
        began_s: float | None = None,
        engine: Log | None = None,
    ) -> None:
        self._began_s = elapsed_s() if began_s is None else began_s  # reading counts, too
        self._inputs, self._out = inputs, out
        self._watcher = watcher or Watcher()
        self._pace = Pace(speed)
        self._engine: Log = engine or Engine(inputs.engine)
        self._scorer = make_scorer(inputs.universe)
        span_ns = RUN_SPAN_NS if speed is None else int(speed * FRAME_S * SECOND_NS)
        self._timeline = Timeline(inputs, self._engine, frame, max(span_ns, SECOND_NS))
        self._row = self._headline = 0
        self._scored: Scored | None = None
        self._play_s = 0.0

    def run(self) -> dict[str, Any]:
        """Replay to the end and return the summary. Raises InputError where OUT cannot be written."""
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            with self._journal() as journal:
                resumed = self._resume(journal)
                self._play(journal)
                self._watcher.note("writing results")
                written = write_outputs(self._out, self._records(journal))
                summary = self._summary(written.counts, written.output_sha256, resumed=resumed)
            write_summary(self._out, summary)
            self._clean_up()
        except OSError as fault:
            raise InputError(str(self._out), f"cannot be written: {fault}") from fault
        return summary

    def _clean_up(self) -> None:
        """Remove what only a restart would need."""
        shutil.rmtree(self._out / "journal")

    # -- resuming

    def _identity(self) -> str:
        return f"{self._inputs.inputs_id}:{self._inputs.config_id}"

    def _journal(self) -> Journal:
        return Journal.open(self._out / "journal", fsync="checkpoint")

    def _resume(self, journal: Journal) -> bool:
        """Go to the journal's checkpoint if it is of these inputs, else start afresh."""
        place = self._checkpoint(journal)
        if place is None:
            journal.truncate_to(0)
            clear_outputs(self._out)
            return False
        self._engine.restore(place.engine)
        self._scorer.restore(place.scorer)
        self._row, self._headline, self._scored = place.row, place.headline, place.scored
        self._timeline.resume()
        self._watcher.note(f"resuming at row {place.row:,} of {len(self._timeline):,}")
        return True

    def _checkpoint(self, journal: Journal) -> Place | None:
        kept = journal.last_checkpoint()
        if kept is None:
            return None
        offset, data = kept
        try:
            place = msgspec.msgpack.decode(data, type=Place)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None
        if place.version != STATE_VERSION or place.identity != self._identity():
            return None
        journal.truncate_to(offset)
        return place

    def _save(self, journal: Journal) -> None:
        place = Place(
            STATE_VERSION,
            self._identity(),
            self._row,
            self._headline,
            self._scored,
            self._engine.snapshot(),
            self._scorer.snapshot(),
        )
        journal.checkpoint(msgspec.msgpack.encode(place))

    # -- playing

    def _play(self, journal: Journal) -> None:
        began_s = saved_s = elapsed_s()
        for outputs in self._steps():
            self._keep(journal, outputs)
            if elapsed_s() - saved_s >= CHECKPOINT_S:
                self._engine.prune()
                self._save(journal)
                saved_s = elapsed_s()
        self._play_s = elapsed_s() - began_s

    def _steps(self) -> Iterator[list[Any]]:
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
        yield self._timeline.finish(self._last_known_ns())

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

    def _last_known_ns(self) -> int:
        rows, headlines = self._inputs.rows, self._inputs.headlines
        ends = [int(rows.known_ns[-1])] if len(rows) else []
        ends += [headlines[-1].known_ns] if headlines else []
        return max(ends, default=0)

    # -- what comes out

    def _keep(self, journal: Journal, outputs: list[Any]) -> None:
        for record in outputs:
            journal.append(encode(record))
            self._watcher.record(record)

    def _show(self, event_ns: int) -> None:
        total, headlines = len(self._timeline), len(self._inputs.headlines)
        self._watcher.progress(Progress(self._row, total, self._headline, headlines, event_ns))

    def _records(self, journal: Journal) -> Iterator[Record]:
        for number, payload in journal.read():
            try:
                yield cast("Record", decode(payload))
            except RecordError as fault:
                raise InputError(str(self._out), f"journal record {number}: {fault}") from fault
        yield from self._inputs.rejects

    def _counts(self) -> Mapping[str, int]:
        return self._engine.counts

    def _summary(self, counts: dict[str, int], sha256: str, *, resumed: bool) -> dict[str, Any]:
        engine, seconds = self._counts(), elapsed_s() - self._began_s
        ticks = len(self._timeline)
        return {
            "name": self._inputs.name,
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
            "unknown_conditions": sum(self._inputs.rows.unknown_conditions.values()),
            "seconds": round(seconds, 3),
            "play_seconds": round(self._play_s, 3),
            "ticks_per_second": round(ticks / seconds) if seconds else 0,
            "resumed": resumed,
            "config_id": self._inputs.config_id,
            "output_sha256": sha256,
        }
