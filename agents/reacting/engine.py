"""The engine: one totally ordered market log in, reactions, moves and alerts out.

`apply(record)` is the contract; `apply_run` is the same for many rows and Clocks at once. The same log gives the same
outputs in any framing (docs/semantics.md); state is what `snapshot` returns and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from agents.reacting.benchmark import Points
from agents.reacting.columns import Columns, RowRun
from agents.reacting.config import EngineConfig
from agents.reacting.dirty_set import DirtySet
from agents.reacting.frames import Part, points_of, run_of, stretches
from agents.reacting.listing_state import ListingState, TickRow
from agents.reacting.registry import KeptRegistry, Registry
from agents.reacting.rejects import RejectLog
from agents.reacting.validation import Validation
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
    registry: KeptRegistry = msgspec.field(name="roster")  # the key on disk


class Engine:
    """All issuers of one partition. Raises nothing on bad records: they come out as Reject."""

    def __init__(self, config: EngineConfig) -> None:
        self._lateness_ns = config.lateness_ns
        self._out: list[Output] = []
        self.counts: Counter[str] = Counter()
        self._rejects = RejectLog(self._out, self.counts)
        self._clock_ns = -1
        self._applied: dict[str, int] = {}
        self._registry = registry = Registry(config, self._out)
        self._dirty = DirtySet(len(registry.issuers))
        self._lines, self._issuers, self._issuer_of = (
            registry.lines,
            registry.issuers,
            registry.issuer_of,
        )
        self._columns = Columns(registry.lines)
        self._validation = Validation(self._columns, registry.issuer_of, config.lateness_ns)

    @property
    def listings(self) -> dict[str, int]:
        """Return the engine's index of each listing, by name."""
        return self._registry.index

    @property
    def broadcast(self) -> tuple[str, ...]:
        """Return the names of the listings whose points must be sent to every partition."""
        return tuple(self._registry.benchmarks)

    @property
    def clock_ns(self) -> int:
        """Return the newest Clock, -1 before the first."""
        return self._clock_ns

    @property
    def registry(self) -> Registry:
        """Return everything kept by name."""
        return self._registry

    @property
    def dirty(self) -> DirtySet:
        """Return what has changed since it was last taken."""
        return self._dirty

    @property
    def newest_ns(self) -> I64:
        """Return the newest event time of each issuer, to be read or written in place."""
        return self._validation.newest_ns

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

    def apply_run(self, run: RowRun, end_clock_ns: int, points: tuple[Points, ...]) -> list[Output]:
        """Apply rows, the Clocks between and after them, and the benchmark points sent with those.

        The points must lie before the Clock after their second, as the framer sends them.
        """
        self._read(points)
        self._rows(run)
        self._tick_clock(end_clock_ns, final=False)
        return self._taken()

    def _taken(self) -> list[Output]:
        taken = self._out.copy()
        self._out.clear()  # the issuers hold this very list
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
            self._rows(run_of(parts, names, self._registry.index, self._clock_ns), names)
            self._fire_all()
            parts.clear()

    def _read(self, points: Iterable[Points]) -> None:
        for block in points:
            if block.listing in self._registry.benchmarks:
                self._registry.benchmarks[block.listing].read(block)
                self._dirty.markets.add(block.listing)

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
            for issuer, start_ns, end_ns in zip(
                self._issuers, before_ns.tolist(), ends_ns, strict=True
            ):
                issuer.finish(start_ns, end_ns)
            for number in range(len(self._issuers)):
                self._note_issuer(number)
        else:
            self._fire_all()

    def watermarks(self) -> I64:
        """Return the watermark of each issuer."""
        return np.maximum(self._validation.newest_ns, self._clock_ns) - self._lateness_ns

    def _fire_all(self) -> None:
        watermarks, registry = self.watermarks(), self._registry
        due = set(np.flatnonzero(registry.due_ns <= watermarks).tolist())
        due.update(n for n in registry.waiting if self._issuers[n].may_start())
        for number in sorted(due):
            self._issuers[number].fire(int(watermarks[number]))
            self._note_issuer(number)

    def _mention(self, mention: Mention) -> None:
        number = self._registry.issuer_index.get(mention.issuer)
        if number is None:
            self._rejects.reject(
                "unknown_issuer",
                f"{mention.issuer} is not in the universe",
                mention.event_ns,
                mention.title,
            )
            return
        watermark_ns = int(self.watermarks()[number])
        if not self._issuers[number].learn(mention, watermark_ns, self._clock_ns):
            self.counts["repeated_mentions"] += 1
        self._dirty.news.add(number)
        self._note_issuer(number)

    # -- rows

    def _rows(self, run: RowRun, names: Sequence[str] = ()) -> None:
        self.counts["ticks"] += len(run)
        run, refused = self._validation.admit(run)
        for rejected in refused:
            name = rejected.name(self._lines, names)
            self._rejects.trade(rejected.reason, name, rejected.trade)
        if len(run) < SCALAR_ROWS:
            self._scalar(run)
            return
        slow = self._columns.needs_scalar(run)
        if not slow.any():
            self._commit(run)
            return
        owner = self._issuer_of[run.listing]
        mixed = np.unique(owner[slow])
        fast = ~np.isin(owner, mixed)
        if fast.any():
            self._commit(run.take(fast))
        for number in mixed.tolist():
            self._mixed(run.take(owner == number))

    def _commit(self, run: RowRun) -> None:
        self._columns.commit(run)
        self._validation.passed(run)
        self._dirty.rows(self._issuer_of[run.listing])

    def _mixed(self, run: RowRun) -> None:
        """Apply one issuer's rows: columns up to a row that needs thought, then a stretch by rows."""
        while len(run) >= SCALAR_ROWS:
            slow = self._columns.needs_scalar(run)
            first = int(slow.argmax()) if slow.any() else len(run)
            if first:
                self._commit(run.take(slice(0, first)))
            self._scalar(run.take(slice(first, first + SCALAR_CHUNK)))
            run = run.take(slice(first + SCALAR_CHUNK, None))
        self._scalar(run)

    def _scalar(self, run: RowRun) -> None:
        columns = (run.listing, run.ts_ns, run.start_ns, run.price, run.high, run.low, run.size)
        lists = [c.tolist() for c in (*columns, run.flags, run.exchange, run.clock_ns)]
        seen: set[int] = set()
        for index, ts, start, price, high, low, size, flags, place, clock in zip(
            *lists, strict=True
        ):
            number = int(self._issuer_of[index])
            line, issuer = self._lines[index], self._issuers[number]
            watermark_ns = self._validation.advance(index, ts, clock)
            if issuer.next_due() <= watermark_ns or issuer.waits:
                issuer.fire(watermark_ns)
            row = TickRow(ts, start, price, high, low, size, flags, run.exchanges[place])
            issuer.after_row(line, line.apply(row), clock)
            seen.add(number)
        for number in seen:
            self._note_issuer(number)

    def _note(self, line: ListingState) -> None:
        self._columns.note(line)
        if line.rejected:
            for reason, trade in line.rejected:
                self._rejects.trade(reason, line.name, trade)
            line.rejected = ()
        if line.ineligible:
            self.counts["ineligible"] += line.ineligible
            line.ineligible = 0

    def _note_issuer(self, number: int) -> None:
        """Take over what happened to an issuer: firing, too, changes its lines by expiries."""
        self._registry.retime(number)
        self._dirty.issuers[number] = True
        for line in self._issuers[number].lines:
            self._note(line)

    # -- snapshots

    def snapshot(self) -> bytes:
        """Return the whole state as bytes."""
        state = EngineState(
            self.head(), self._validation.newest_ns.tobytes(), self._registry.state()
        )
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
        self._validation.newest_ns[:] = np.frombuffer(state.newest_ns, np.int64)
        self._registry.restore(state.registry)

    def prune(self) -> None:
        """Drop what no reading can reach any more; never changes an answer."""
        watermarks = self.watermarks()
        for line in self._lines:
            line.tape.prune(int(watermarks[self._issuer_of[line.index]]))
        for benchmark in self._registry.benchmarks.values():
            benchmark.tape.prune(self.settled_ns)
