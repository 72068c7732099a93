"""The engine: one totally ordered market log in, reactions, moves and alerts out.

`apply(record)` is the contract; `apply_run` is the same for many rows and Clocks at once. The same log gives the same
outputs in any framing (docs/semantics.md); state is what `snapshot` returns and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np

from agents.reacting.benchmark import Points
from agents.reacting.columns import RowRun
from agents.reacting.config import EngineConfig
from agents.reacting.frames import Part, points_of, repeats, run_of, stretches
from agents.reacting.keeping.dirty_set import DirtySet
from agents.reacting.registry import KeptRegistry, Registry
from agents.reacting.rejects import RejectLog
from agents.reacting.row_pass import RowPass
from agents.reacting.validation import YEAR_2000_NS
from streams.events import I64, NEVER_NS, Clock, MarketRecord, Mention, Output, TickFrame


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
    """All issuers of one partition: takes records, keeps the Clock, fires what is due.

    Raises nothing on bad records: they come out as Reject.
    """

    def __init__(self, config: EngineConfig) -> None:
        self._lateness_ns = config.lateness_ns
        self._out: list[Output] = []
        self.counts: Counter[str] = Counter()
        self._rejects = RejectLog(self._out, self.counts)
        self.clock_ns = -1  # the newest Clock; -1 before the first
        self._applied: dict[str, int] = {}
        self.registry = Registry(config, self._out)  # everything kept by name
        self.listings = self.registry.index  # the engine's index of each listing, by name
        self._issuers = self.registry.issuers
        self.dirty = DirtySet(len(self._issuers))  # what has changed since the last checkpoint
        self._row_pass = RowPass(
            self.registry, self.dirty, self._rejects, self.counts, config.lateness_ns
        )
        # the newest event time of each issuer; written in place only
        self.newest_ns = self._row_pass.newest_ns

    @property
    def broadcast(self) -> tuple[str, ...]:
        """Return the names of the listings whose points must be sent to every partition."""
        return tuple(self.registry.benchmarks)

    @property
    def settled_ns(self) -> int:
        """Return an instant that every issuer's watermark has passed."""
        return self.clock_ns - self._lateness_ns

    # -- records

    def apply(self, record: MarketRecord) -> list[Output]:
        """Apply one record of the log and return what came of it."""
        if isinstance(record, TickFrame):
            return self.apply_frames((record,))
        if isinstance(record, Clock) and YEAR_2000_NS <= record.ts_ns < NEVER_NS:
            self._tick_clock(record.ts_ns, final=record.final)
        elif isinstance(record, Mention):
            self._mention(record)
        else:
            self._rejects.unusable(record)
        return self._taken()

    def apply_run(self, run: RowRun, end_clock_ns: int, points: tuple[Points, ...]) -> list[Output]:
        """Apply rows, the Clocks between and after them, and points, each before its second's Clock."""
        self._read(points)
        self._row_pass.apply(run)
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
            skip = repeats(frame, self._applied, self.counts)
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
            run = run_of(parts, names, self.registry.index, self.clock_ns)
            self._row_pass.apply(run, names)
            self._fire_all()
            parts.clear()

    def _read(self, points: Iterable[Points]) -> None:
        self.dirty.markets.update(self.registry.read(points, self._rejects))

    def _tick_clock(self, ts_ns: int, *, final: bool) -> None:
        before_ns = self.watermarks()
        self.clock_ns = max(self.clock_ns, ts_ns)
        if not final:
            self._fire_all()
            return
        end_ns = self.watermarks()
        for number, issuer in enumerate(self._issuers):
            issuer.finish(int(before_ns[number]), int(end_ns[number]))
        for number in range(len(self._issuers)):
            self._row_pass.sync(number)

    def watermarks(self) -> I64:
        """Return the watermark of each issuer."""
        return np.maximum(self.newest_ns, self.clock_ns) - self._lateness_ns

    def _fire_all(self) -> None:
        watermarks = self.watermarks()
        for number in self.registry.due(watermarks):
            self._issuers[number].fire(int(watermarks[number]))
            self._row_pass.sync(number)

    def _mention(self, mention: Mention) -> None:
        number = self.registry.issuer_index.get(mention.issuer)
        if number is None:
            self._rejects.unknown_issuer(mention)
            return
        issuer = self._issuers[number]
        if reason := issuer.refuses(mention, self.clock_ns):
            self._rejects.mention(reason, mention)
            return
        watermark_ns = int(self.watermarks()[number])
        if not issuer.learn(mention, watermark_ns, self.clock_ns):
            self.counts["repeated_mentions"] += 1
        self.dirty.news.add(number)
        self._row_pass.sync(number)

    # -- snapshots

    def snapshot(self) -> bytes:
        """Return the whole state as bytes."""
        state = EngineState(self.head(), self.newest_ns.tobytes(), self.registry.state())
        return msgspec.msgpack.encode(state)

    def head(self) -> EngineHead:
        """Return what belongs to no issuer."""
        return EngineHead(self.clock_ns, self._applied, dict(self.counts))

    def resume(self, head: EngineHead) -> None:
        """Take the head of a snapshot, or of a checkpoint in parts."""
        self.clock_ns, self._applied = head.clock_ns, head.applied
        self.counts.clear()
        self.counts.update(head.counts)

    def restore(self, data: bytes) -> None:
        """Take the state of a snapshot made under the same configuration."""
        state = msgspec.msgpack.decode(data, type=EngineState)
        self.resume(state.head)
        self.newest_ns[:] = np.frombuffer(state.newest_ns, np.int64)
        self.registry.restore(state.registry)

    def prune(self) -> None:
        """Drop what no reading can reach any more; never changes an answer."""
        self.registry.prune(self.watermarks(), self.settled_ns)
