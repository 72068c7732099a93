"""Everything an engine keeps by name: lines, benchmarks, desks; and their snapshot."""

from __future__ import annotations

import msgspec
import numpy as np

from agents.reacting.benchmark import Benchmark
from agents.reacting.closes import DailyTable
from agents.reacting.config import DailyRow, EngineConfig
from agents.reacting.desk import FOREVER_NS, Desk, DeskState
from agents.reacting.line import Line, LineState
from agents.reacting.points import TapeState
from agents.reacting.sessions import Sessions
from agents.reacting.tape import Tape
from streams.events import I32, I64, Output


class RosterState(msgspec.Struct):
    """What a snapshot keeps, by listing and by issuer; whoever is idle is left out."""

    lines: dict[str, tuple[LineState, TapeState]]
    benchmarks: dict[str, tuple[int, LineState, TapeState]]
    desks: dict[str, DeskState]


class Roster:
    """The lines, benchmarks and desks of an engine, and when each desk is next due."""

    def __init__(self, config: EngineConfig, out: list[Output]) -> None:
        self.sessions = sessions = {
            mic: Sessions(calendar) for mic, calendar in config.calendars.items()
        }
        daily, none = _daily_tables(config.daily), DailyTable(())
        self.lines = [
            Line(
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
        self._make_desks(config, out)
        self.due_ns: I64 = np.full(len(self.desks), FOREVER_NS, np.int64)
        self.waiting: set[int] = set()  # desks with reactions that wait for a first trade

    def _make_desks(self, config: EngineConfig, out: list[Output]) -> None:
        groups: dict[str, list[Line]] = {}
        for line in self.lines:
            groups.setdefault(line.listing.issuer, []).append(line)
        self.desk_index = {issuer: number for number, issuer in enumerate(groups)}
        owner = [self.desk_index[line.listing.issuer] for line in self.lines]
        self.issuer_of: I32 = np.array(owner, np.int32)
        self.desks = [Desk(own, config.rules, self.benchmarks, out) for own in groups.values()]

    def retime(self, number: int) -> None:
        """Note anew when a desk is next due; to be called after whatever may change it."""
        desk = self.desks[number]
        self.due_ns[number] = desk.next_due()
        if desk.waits:
            self.waiting.add(number)
        else:
            self.waiting.discard(number)

    def state(self) -> RosterState:
        """Return what `restore` needs."""
        live = [x for x in self.lines if x.state.date >= 0 or x.tape]
        desks = {name: self.desks[number] for name, number in self.desk_index.items()}
        return RosterState(
            lines={x.name: (x.state, x.tape.state()) for x in live},
            benchmarks={name: b.state() for name, b in self.benchmarks.items()},
            desks={name: desk.state() for name, desk in desks.items() if not desk.is_idle()},
        )

    def restore(self, state: RosterState) -> None:
        """Take the state of a snapshot made under the same configuration."""
        for name, (line_state, tape) in state.lines.items():
            line = self.lines[self.index[name]]
            line.restore(line_state, Tape(line.sessions, tape))
        for name, (newest_second, line_state, tape) in state.benchmarks.items():
            own = Tape(self.lines[self.index[name]].sessions, tape)
            self.benchmarks[name].restore(newest_second, line_state, own)
        for issuer, desk in state.desks.items():
            self.desks[self.desk_index[issuer]].restore(desk)
            self.retime(self.desk_index[issuer])


def _daily_tables(rows: tuple[DailyRow, ...]) -> dict[str, DailyTable]:
    by_listing: dict[str, list[DailyRow]] = {}
    for row in rows:
        by_listing.setdefault(row.listing, []).append(row)
    return {name: DailyTable(own) for name, own in by_listing.items()}
