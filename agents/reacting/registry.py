"""Everything an engine keeps by name: lines, benchmarks, issuers; and their snapshot."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from agents.reacting.benchmark import Benchmark, Points
from agents.reacting.closes import DailyTable
from agents.reacting.config import DailyRow, EngineConfig
from agents.reacting.explaining.surroundings import Surroundings
from agents.reacting.issuer_state import IssuerState, KeptIssuer
from agents.reacting.kept_listing import KeptListing
from agents.reacting.listing_state import ListingState
from agents.reacting.rejects import RejectLog
from agents.reacting.sessions import Sessions
from agents.reacting.tapes.points import TapeState
from agents.reacting.tapes.tape import Tape
from agents.reacting.validation import admit_points
from streams.events import I32, I64, NEVER_NS, Output


class KeptRegistry(msgspec.Struct):
    """What a snapshot keeps, by listing and by issuer; whoever is idle is left out."""

    lines: dict[str, tuple[KeptListing, TapeState]]
    benchmarks: dict[str, tuple[int, KeptListing, TapeState]]
    issuers: dict[str, KeptIssuer] = msgspec.field(name="desks")  # the key on disk


class Registry:
    """The lines, benchmarks and issuers of an engine, and when each issuer is next due."""

    def __init__(self, config: EngineConfig, out: list[Output]) -> None:
        self.sessions = sessions = {
            mic: Sessions(calendar) for mic, calendar in config.calendars.items()
        }
        daily, none = _daily_tables(config.daily), DailyTable(())
        self.lines = [
            ListingState(
                i,
                each,
                sessions[each.mic],
                daily.get(each.listing, none),
                market=each.benchmark or config.benchmark,
            )
            for i, each in enumerate(config.listings)
        ]
        self.index = {line.name: line.index for line in self.lines}
        named = {line.market for line in self.lines}
        self.benchmarks = {
            x.name: Benchmark(x.listing, x.sessions, x.daily) for x in self.lines if x.name in named
        }
        self._make_issuers(config, out)
        self.due_ns: I64 = np.full(len(self.issuers), NEVER_NS, np.int64)
        self.waiting: set[int] = set()  # issuers with reactions that wait for a first trade

    def _make_issuers(self, config: EngineConfig, out: list[Output]) -> None:
        groups: dict[str, list[ListingState]] = {}
        for line in self.lines:
            groups.setdefault(line.listing.issuer, []).append(line)
        self.issuer_index = {issuer: number for number, issuer in enumerate(groups)}
        owner = [self.issuer_index[line.listing.issuer] for line in self.lines]
        self.issuer_of: I32 = np.array(owner, np.int32)
        around = Surroundings(self.benchmarks)
        self.issuers = [
            IssuerState(own, config.rules, self.benchmarks, around, out) for own in groups.values()
        ]

    def retime(self, number: int) -> None:
        """Update when an issuer is next due; `RowPass.sync` calls it after whatever may change it."""
        issuer = self.issuers[number]
        self.due_ns[number] = issuer.next_due()
        if issuer.waits:
            self.waiting.add(number)
        else:
            self.waiting.discard(number)

    def read(self, points: Iterable[Points], rejects: RejectLog) -> set[str]:
        """Show benchmarks their points; return the names of those here."""
        read = set()
        for block in points:
            benchmark = self.benchmarks.get(block.listing)
            if benchmark is None:
                continue
            sound, refused = admit_points(block, benchmark.sessions)
            for reason, trade in refused:
                rejects.trade(reason, block.listing, trade)
            benchmark.read(sound)
            read.add(block.listing)
        return read

    def due(self, watermarks: I64) -> list[int]:
        """Return the issuers at which something may fall due at these watermarks, in their order."""
        due = set(np.flatnonzero(self.due_ns <= watermarks).tolist())
        due.update(number for number in self.waiting if self.issuers[number].may_start())
        return sorted(due)

    def prune(self, watermarks: I64, settled_ns: int) -> None:
        """Drop the points of all tapes that no reading can reach any more."""
        for line in self.lines:
            line.tape.prune(int(watermarks[self.issuer_of[line.index]]))
        for benchmark in self.benchmarks.values():
            benchmark.tape.prune(settled_ns)

    def state(self) -> KeptRegistry:
        """Return what `restore` needs."""
        live = [x for x in self.lines if x.state.date >= 0 or x.tape]
        issuers = {name: self.issuers[number] for name, number in self.issuer_index.items()}
        return KeptRegistry(
            lines={x.name: (x.state, x.tape.state()) for x in live},
            benchmarks={name: b.state() for name, b in self.benchmarks.items()},
            issuers={name: each.state() for name, each in issuers.items() if not each.is_idle()},
        )

    def restore(self, state: KeptRegistry) -> None:
        """Take the state of a snapshot made under the same configuration."""
        for name, (line_state, tape) in state.lines.items():
            line = self.lines[self.index[name]]
            line.restore(line_state, Tape(line.sessions, tape))
        for name, (newest_second, line_state, tape) in state.benchmarks.items():
            own = Tape(self.lines[self.index[name]].sessions, tape)
            self.benchmarks[name].restore(newest_second, line_state, own)
        for name, kept in state.issuers.items():
            self.issuers[self.issuer_index[name]].restore(kept)
            self.retime(self.issuer_index[name])


def _daily_tables(rows: tuple[DailyRow, ...]) -> dict[str, DailyTable]:
    by_listing: dict[str, list[DailyRow]] = {}
    for row in rows:
        by_listing.setdefault(row.listing, []).append(row)
    return {name: DailyTable(own) for name, own in by_listing.items()}
