"""The reactions of one issuer between their event and their last horizon."""

from __future__ import annotations

from agents.reacting.benchmark import Benchmark
from agents.reacting.line import Line
from agents.reacting.reactions import (
    HORIZONS,
    Watch,
    ceil_second,
    dues,
    measure,
    no_trade,
    open_watch,
    try_start,
)
from streams.events import SECOND_NS, Mention, Output

OPEN = "open"
Waits = dict[str, dict[str, int]]  # listing -> headline id -> event time
Scheduled = tuple[int, str, str, str, int]  # due, listing, headline id, what, exact due instant


class Watching:
    """The watches of one issuer, by "headline id@listing"; outputs go to `out`."""

    __slots__ = ("_benchmarks", "_out", "waiting", "watches")

    def __init__(self, benchmarks: dict[str, Benchmark], out: list[Output]) -> None:
        self._benchmarks, self._out = benchmarks, out
        self.watches: dict[str, Watch] = {}
        self.waiting: Waits = {}  # those that wait for a first trade

    def begin(self, mention: Mention, lines: list[Line], watermark_ns: int) -> list[Scheduled]:
        """Watch every line of the issuer; return when each watch is to be opened."""
        scheduled = []
        for line in lines:
            key = mention.headline_id
            self.watches[f"{key}@{line.name}"] = Watch(
                headline_id=key,
                listing=line.index,
                event_ns=mention.event_ns,
                arrived_ns=watermark_ns,
            )
            due_ns = ceil_second(mention.event_ns)
            scheduled.append((due_ns, line.name, key, OPEN, due_ns))
        return scheduled

    def open(self, key: str, line: Line) -> list[Scheduled]:
        """Open a watch at its event; return its horizons, or let it wait for a first trade."""
        watch = self.watches[f"{key}@{line.name}"]
        open_watch(watch, line, self._benchmarks.get(line.market))
        if watch.start_ns is None:
            self.waiting.setdefault(line.name, {})[key] = watch.event_ns
            return []
        return self._scheduled(watch, line)

    def may_start(self, lines: list[Line]) -> bool:
        """Tell whether any listing has traded since the oldest event that waits for it."""
        return any(_has_traded(line, self.waiting.get(line.name)) for line in lines)

    def start(self, lines: list[Line], watermark_ns: int) -> list[Scheduled]:
        """Start those that wait and whose first trade is known; return their horizons."""
        scheduled: list[Scheduled] = []
        for line in [x for x in lines if _has_traded(x, self.waiting.get(x.name))]:
            waits = self.waiting[line.name]
            for key in list(waits):
                watch = self.watches[f"{key}@{line.name}"]
                if try_start(watch, line, watermark_ns):
                    scheduled += self._scheduled(watch, line)
                    del waits[key]
            if not waits:
                del self.waiting[line.name]
        return scheduled

    @staticmethod
    def _scheduled(watch: Watch, line: Line) -> list[Scheduled]:
        key = watch.headline_id
        return [
            (ceil_second(due), line.name, key, horizon, due) for due, horizon in dues(watch, line)
        ]

    def close(self, key: str, line: Line, horizon: str, due_ns: int, *, ended: bool) -> None:
        """Write one horizon: measured, or without a price where the log has ended before it."""
        name = f"{key}@{line.name}"
        watch = self.watches[name]
        if ended:
            self._out.append(no_trade(watch, line, horizon, due_ns))
        else:
            market = self._benchmarks.get(line.market)
            self._out.append(measure(watch, line, market, horizon, due_ns))
        watch.open_left -= 1
        if not watch.open_left:
            del self.watches[name]

    def abandon(self, lines: list[Line]) -> None:
        """Write every horizon of the watches that never started."""
        for line in lines:
            for key in self.waiting.pop(line.name, {}):
                watch = self.watches.pop(f"{key}@{line.name}")
                self._out += [no_trade(watch, line, horizon, None) for horizon in HORIZONS]


def _has_traded(line: Line, waits: dict[str, int] | None) -> bool:
    newest = line.tape.newest_second
    if not waits or newest < 0:
        return False
    return (newest + 1) * SECOND_NS > min(waits.values())
