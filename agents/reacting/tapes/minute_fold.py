"""The minutes of a tape, folded from its seconds once these are final; and what they teach of volatility."""

from __future__ import annotations

import numpy as np

from agents.reacting.sessions import Sessions
from agents.reacting.tapes.points import HIGH, LAST, LAST_TS, LOW, NO_POINTS, SECOND, VOLUME, Block
from agents.reacting.tapes.volatility import Volatility
from streams.events import I64, MINUTE_NS, SECOND_NS, Phase

MINUTE_S = 60


class MinuteFold(Block):
    """A point a minute. `folded` live seconds are part of one already; each second is folded once."""

    __slots__ = ("folded", "volatility")

    def __init__(
        self, data: I64 = NO_POINTS, folded: int = 0, volatility: Volatility | None = None
    ) -> None:
        super().__init__(data)
        self.folded = folded
        self.volatility = volatility  # made by the first minute

    def fold(self, seconds: Block, until_ns: int, sessions: Sessions) -> None:
        """Make the minutes that end at or before `until_ns` of a tape's seconds.

        Only call it with an instant the watermark has passed: those seconds are final.
        """
        stop = seconds.place(until_ns // MINUTE_NS * MINUTE_S)
        if stop <= self.folded:
            return
        part = seconds.points(self.folded, stop)
        self.folded = stop
        minutes = _minutes_of(part)
        self.extend(minutes)
        self._learn(minutes, sessions)

    def with_unfolded(self, seconds: Block) -> I64:
        """Return the minutes (6 x n) of all seconds; those not folded yet are made anew, and not kept."""
        rest = seconds.points(self.folded, len(seconds))
        folded = self.points(0, len(self))
        return np.hstack((folded, _minutes_of(rest))) if rest.shape[1] else folded

    def _learn(self, minutes: I64, sessions: Sessions) -> None:
        """Show the volatility the minutes of regular phases, in order."""
        self.volatility = self.volatility or Volatility()
        for second, last in zip(minutes[SECOND].tolist(), minutes[LAST].tolist(), strict=True):
            segment = sessions.segment(second * SECOND_NS)
            if sessions.phase_of(segment) is Phase.regular:
                end_ns = (second + MINUTE_S) * SECOND_NS
                self.volatility.observe(sessions.date_of(segment), end_ns, last)


def _minutes_of(part: I64) -> I64:
    """Return the minute points of seconds (6 x n, rising)."""
    minute = part[SECOND] // MINUTE_S * MINUTE_S
    starts = np.flatnonzero(np.diff(minute, prepend=-1))
    ends = np.append(starts[1:], len(minute)) - 1
    block = np.empty((6, len(starts)), np.int64)
    block[SECOND] = minute[starts]
    block[LAST], block[LAST_TS] = part[LAST, ends], part[LAST_TS, ends]
    block[HIGH] = np.maximum.reduceat(part[HIGH], starts)
    block[LOW] = np.minimum.reduceat(part[LOW], starts)
    block[VOLUME] = np.add.reduceat(part[VOLUME], starts)
    return block
