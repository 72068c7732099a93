"""The engine: one totally ordered market log in, reactions, moves and alerts out.

`apply(record)` is the contract; `apply_run` is the same for many rows and Clocks at once. The same log gives the same
outputs in any framing (docs/semantics.md); state is what `snapshot` returns and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from agents.reacting.admission import Admission
from agents.reacting.benchmark import Points
from agents.reacting.columns import Columns, Run
from agents.reacting.config import EngineConfig
from agents.reacting.frames import Part, points_of, run_of, stretches
from agents.reacting.line import Line, Row
from agents.reacting.rejects import Rejects
from agents.reacting.roster import Roster, RosterState
from agents.reacting.touched import Touched
from streams.events import I64, Clock, MarketRecord, Mention, Output, TickFrame

SCALAR_ROWS = 16  # below this many rows the column pass costs more than it saves
SCALAR_CHUNK = 64  # rows taken one by one after a row that needed thought


class EngineHead(msgspec.Struct):
    """What an engine keeps that belongs to no issuer."""

    clock_ns: int
    applied: dict[str, int]  # run -> number of the last row applied
    counts: dict[str, int]


class EngineState(msgspec.Struct):
    """A snapshot."""

    head: EngineHead
    newest_ns: bytes
    roster: RosterState


class Engine:
    """All issuers of one partition. Raises nothing on bad records: they come out as Reject."""

    def __init__(self, config: EngineConfig) -> None:
        self._lateness_ns = config.lateness_ns
        self._out: list[Output] = []
        self.counts: Counter[str] = Counter()
        self._rejects = Rejects(self._out, self.counts)
        self._clock_ns = -1
        self._applied: dict[str, int] = {}
        self._roster = roster = Roster(config, self._out)
        self._touched = Touched(len(roster.desks))
        self._lines, self._desks, self._issuer_of = roster.lines, roster.desks, roster.issuer_of
        self._columns = Columns(roster.lines)
        self._admission = Admission(self._columns, roster.issuer_of, config.lateness_ns)

    @property
    def listings(self) -> dict[str, int]:
        """Return the engine's index of each listing, by name."""
        return self._roster.index

    @property
    def broadcast(self) -> tuple[str, ...]:
        """Return the names of the listings whose points must be sent to every partition."""
        return tuple(self._roster.benchmarks)

    @property
    def clock_ns(self) -> int:
        """Return the newest Clock, -1 before the first."""
        return self._clock_ns

    @property
    def roster(self) -> Roster:
        """Return everything kept by name."""
        return self._roster

    @property
    def touched(self) -> Touched:
        """Return what has changed since it was last taken."""
        return self._touched

    @property
    def newest_ns(self) -> I64:
        """Return the newest event time of each issuer, to be read or written in place."""
        return self._admission.newest_ns

    @property
    def settled_ns(self) -> int:
        """Return an instant that every issuer's watermark has passed."""
        return self._clock_ns - self._lateness_ns

    # -- records

    def apply(self, record: MarketRecord) -> list[Output]:
        """Apply one record of the log and return what came of it."""
        if isinstance(record, TickFrame):
            return self.apply_frames((record,))
        if isinstance(record, Clock):
            self._tick_clock(record.ts_ns, final=record.final)
        elif isinstance(record, Mention):
            self._mention(record)
        else:
            name = type(record).__name__
            self._rejects.reject(
                "unsupported_record", f"{name} is not handled yet", record.ts_ns, str(record)
            )
        return self._taken()

    def apply_run(self, run: Run, end_clock_ns: int, points: tuple[Points, ...]) -> list[Output]:
        """Apply rows, the Clocks between and after them, and the benchmark points sent with those.

        The points must lie before the Clock after their second, as the framer sends them.
        """
        self._read(points)
        self._rows(run)
        self._tick_clock(end_clock_ns, final=False)
        return self._taken()

    def _taken(self) -> list[Output]:
        taken = self._out.copy()
        self._out.clear()  # the desks hold this very list
        return taken

    def apply_frames(self, frames: Iterable[TickFrame]) -> list[Output]:
        """Apply frames that follow each other at once: how rows are framed means nothing."""
        parts: list[Part] = []
        for frame in frames:
            skip = self._repeats(frame)
            if skip >= len(frame.ts_ns):
                continue
            for are_points, rows in stretches(frame, skip):
                if are_points:
                    self._play(parts)
                    self._read(points_of(frame, rows))
                else:
                    parts.append((frame, rows))
        self._play(parts)
        return self._taken()

    def _play(self, parts: list[Part]) -> None:
        if parts:
            names = [name for frame, _ in parts for name in frame.listings]
            self._rows(run_of(parts, names, self._roster.index, self._clock_ns), names)
            self._fire_all()
            parts.clear()

    def _read(self, points: Iterable[Points]) -> None:
        for block in points:
            if block.listing in self._roster.benchmarks:
                self._roster.benchmarks[block.listing].read(block)
                self._touched.markets.add(block.listing)

    def _repeats(self, frame: TickFrame) -> int:
        """Return how many leading rows of a frame were applied before; 0 for an unnumbered one."""
        if not frame.run:
            return 0
        last = self._applied.get(frame.run, frame.first_seq - 1)
        if frame.first_seq > last + 1:
            self.counts["gaps"] += 1
        end = frame.first_seq + len(frame.ts_ns) - 1
        self._applied[frame.run] = max(last, end)
        return max(0, last + 1 - frame.first_seq)

    def _tick_clock(self, ts_ns: int, *, final: bool) -> None:
        before_ns = self.watermarks()
        self._clock_ns = max(self._clock_ns, ts_ns)
        if final:
            ends_ns = self.watermarks().tolist()
            for desk, start_ns, end_ns in zip(
                self._desks, before_ns.tolist(), ends_ns, strict=True
            ):
                desk.finish(start_ns, end_ns)
            for number in range(len(self._desks)):
                self._note_desk(number)
        else:
            self._fire_all()

    def watermarks(self) -> I64:
        """Return the watermark of each issuer."""
        return np.maximum(self._admission.newest_ns, self._clock_ns) - self._lateness_ns

    def _fire_all(self) -> None:
        watermarks, roster = self.watermarks(), self._roster
        due = set(np.flatnonzero(roster.due_ns <= watermarks).tolist())
        due.update(n for n in roster.waiting if self._desks[n].may_start())
        for number in sorted(due):
            self._desks[number].fire(int(watermarks[number]))
            self._note_desk(number)

    def _mention(self, mention: Mention) -> None:
        number = self._roster.desk_index.get(mention.issuer)
        if number is None:
            self._rejects.reject(
                "unknown_issuer",
                f"{mention.issuer} is not in the universe",
                mention.event_ns,
                mention.title,
            )
            return
        watermark_ns = int(self.watermarks()[number])
        if not self._desks[number].learn(mention, watermark_ns, self._clock_ns):
            self.counts["repeated_mentions"] += 1
        self._touched.news.add(number)
        self._note_desk(number)

    # -- rows

    def _rows(self, run: Run, names: Sequence[str] = ()) -> None:
        self.counts["ticks"] += len(run)
        run, refused = self._admission.admit(run)
        for rejected in refused:
            name = rejected.name(self._lines, names)
            self._rejects.trade(rejected.reason, name, rejected.trade)
        if len(run) < SCALAR_ROWS:
            self._scalar(run)
            return
        thoughtful = self._columns.thoughtful(run)
        if not thoughtful.any():
            self._commit(run)
            return
        owner = self._issuer_of[run.listing]
        dirty = np.unique(owner[thoughtful])
        clean = ~np.isin(owner, dirty)
        if clean.any():
            self._commit(run.take(clean))
        for number in dirty.tolist():
            self._mixed(run.take(owner == number))

    def _commit(self, run: Run) -> None:
        self._columns.commit(run)
        self._admission.passed(run)
        self._touched.rows(self._issuer_of[run.listing])

    def _mixed(self, run: Run) -> None:
        """Apply one issuer's rows: columns up to a row that needs thought, then a stretch by rows."""
        while len(run) >= SCALAR_ROWS:
            thoughtful = self._columns.thoughtful(run)
            first = int(thoughtful.argmax()) if thoughtful.any() else len(run)
            if first:
                self._commit(run.take(slice(0, first)))
            self._scalar(run.take(slice(first, first + SCALAR_CHUNK)))
            run = run.take(slice(first + SCALAR_CHUNK, None))
        self._scalar(run)

    def _scalar(self, run: Run) -> None:
        columns = (run.listing, run.ts_ns, run.start_ns, run.price, run.high, run.low, run.size)
        lists = [c.tolist() for c in (*columns, run.flags, run.exchange, run.clock_ns)]
        touched: set[int] = set()
        for index, ts, start, price, high, low, size, flags, place, clock in zip(
            *lists, strict=True
        ):
            number = int(self._issuer_of[index])
            line, desk = self._lines[index], self._desks[number]
            watermark_ns = self._admission.advance(index, ts, clock)
            if desk.next_due() <= watermark_ns or desk.waits:
                desk.fire(watermark_ns)
            row = Row(ts, start, price, high, low, size, flags, run.exchanges[place])
            desk.after_row(line, line.apply(row), clock)
            touched.add(number)
        for number in touched:
            self._note_desk(number)

    def _note(self, line: Line) -> None:
        self._columns.note(line)
        if line.rejected:
            for reason, trade in line.rejected:
                self._rejects.trade(reason, line.name, trade)
            line.rejected = ()
        if line.ineligible:
            self.counts["ineligible"] += line.ineligible
            line.ineligible = 0

    def _note_desk(self, number: int) -> None:
        """Take over what happened to an issuer: firing, too, changes its lines by expiries."""
        self._roster.retime(number)
        self._touched.desks[number] = True
        for line in self._desks[number].lines:
            self._note(line)

    # -- snapshots

    def snapshot(self) -> bytes:
        """Return the whole state as bytes."""
        state = EngineState(self.head(), self._admission.newest_ns.tobytes(), self._roster.state())
        return msgspec.msgpack.encode(state)

    def head(self) -> EngineHead:
        """Return what belongs to no issuer."""
        return EngineHead(self._clock_ns, self._applied, dict(self.counts))

    def resume(self, head: EngineHead) -> None:
        """Take the head of a snapshot, or of a checkpoint in parts."""
        self._clock_ns, self._applied = head.clock_ns, head.applied
        self.counts.clear()
        self.counts.update(head.counts)

    def restore(self, data: bytes) -> None:
        """Take the state of a snapshot made under the same configuration."""
        state = msgspec.msgpack.decode(data, type=EngineState)
        self.resume(state.head)
        self._admission.newest_ns[:] = np.frombuffer(state.newest_ns, np.int64)
        self._roster.restore(state.roster)

    def prune(self) -> None:
        """Drop what no reading can reach any more; never changes an answer."""
        watermarks = self.watermarks()
        for line in self._lines:
            line.tape.prune(int(watermarks[self._issuer_of[line.index]]))
        for benchmark in self._roster.benchmarks.values():
            benchmark.tape.prune(self.settled_ns)
