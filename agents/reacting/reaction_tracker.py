"""The reactions of one issuer between their event and their last horizon."""

from __future__ import annotations

from agents.reacting.benchmark import Benchmark
from agents.reacting.listing_state import ListingState
from agents.reacting.reactions import (
    HORIZONS,
    OpenReaction,
    ceil_second,
    dues,
    measure,
    no_trade,
    open_reaction,
    try_start,
)
from streams.events import SECOND_NS, Mention, Output

OPEN = "open"
AwaitedTrades = dict[str, dict[str, int]]  # listing -> headline id -> event time
Scheduled = tuple[int, str, str, str, int]  # due, listing, headline id, what, exact due instant


class ReactionTracker:
    """The reactions of one issuer, by "headline id@listing"; outputs go to `out`."""

    __slots__ = ("_benchmarks", "_out", "reactions", "waiting")

    def __init__(self, benchmarks: dict[str, Benchmark], out: list[Output]) -> None:
        self._benchmarks, self._out = benchmarks, out
        self.reactions: dict[str, OpenReaction] = {}
        self.waiting: AwaitedTrades = {}  # those that wait for a first trade

    def begin(
        self, mention: Mention, lines: list[ListingState], watermark_ns: int
    ) -> list[Scheduled]:
        """Follow the mention on every line of the issuer; return when each reaction is to be opened.

        A reaction that is open is not begun again: its id may come back once it is forgotten.
        """
        scheduled = []
        for line in lines:
            key = mention.headline_id
            name = f"{key}@{line.name}"
            if name in self.reactions:
                continue
            self.reactions[name] = OpenReaction(
                headline_id=key,
                listing=line.index,
                event_ns=mention.event_ns,
                arrived_ns=watermark_ns,
            )
            due_ns = ceil_second(mention.event_ns)
            scheduled.append((due_ns, line.name, key, OPEN, due_ns))
        return scheduled

    def open(self, key: str, line: ListingState) -> list[Scheduled]:
        """Open a reaction at its event; return its horizons, or let it wait for a first trade."""
        reaction = self.reactions[f"{key}@{line.name}"]
        open_reaction(reaction, line, self._benchmarks.get(line.market))
        if reaction.start_ns is None:
            self.waiting.setdefault(line.name, {})[key] = reaction.event_ns
            return []
        return self._scheduled(reaction, line)

    def may_start(self, lines: list[ListingState]) -> bool:
        """Tell whether any listing has traded since the oldest event that waits for it."""
        return any(_has_traded(line, self.waiting.get(line.name)) for line in lines)

    def start(self, lines: list[ListingState], watermark_ns: int) -> list[Scheduled]:
        """Start those that wait and whose first trade is known; return their horizons."""
        scheduled: list[Scheduled] = []
        for line in [x for x in lines if _has_traded(x, self.waiting.get(x.name))]:
            waits = self.waiting[line.name]
            for key in list(waits):
                reaction = self.reactions[f"{key}@{line.name}"]
                if try_start(reaction, line, watermark_ns):
                    scheduled += self._scheduled(reaction, line)
                    del waits[key]
            if not waits:
                del self.waiting[line.name]
        return scheduled

    @staticmethod
    def _scheduled(reaction: OpenReaction, line: ListingState) -> list[Scheduled]:
        key = reaction.headline_id
        return [
            (ceil_second(due), line.name, key, horizon, due)
            for due, horizon in dues(reaction, line)
        ]

    def close(
        self, key: str, line: ListingState, horizon: str, due_ns: int, *, ended: bool
    ) -> None:
        """Write one horizon: measured, or without a price where the log has ended before it."""
        name = f"{key}@{line.name}"
        reaction = self.reactions[name]
        if ended:
            self._out.append(no_trade(reaction, line, horizon, due_ns))
        else:
            market = self._benchmarks.get(line.market)
            self._out.append(measure(reaction, line, market, horizon, due_ns))
        reaction.open_left -= 1
        if not reaction.open_left:
            del self.reactions[name]

    def abandon(self, lines: list[ListingState]) -> None:
        """Write every horizon of the reactions that never started."""
        for line in lines:
            for key in self.waiting.pop(line.name, {}):
                reaction = self.reactions.pop(f"{key}@{line.name}")
                self._out += [no_trade(reaction, line, horizon, None) for horizon in HORIZONS]


def _has_traded(line: ListingState, waits: dict[str, int] | None) -> bool:
    newest = line.tape.newest_second
    if not waits or newest < 0:
        return False
    return (newest + 1) * SECOND_NS > min(waits.values())
