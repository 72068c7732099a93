"""The clock of one listing: it runs while the listing is open, or trades at other hours."""

from __future__ import annotations

from bisect import bisect_right

from agents.reacting.sessions import TRADING, Sessions
from agents.reacting.tapes.points import SECOND
from agents.reacting.tapes.tape import Tape
from streams.events import MINUTE_NS, SECOND_NS, Phase


class ListingClock:
    """Minutes since the look-back began: those of regular phases, and those traded outside them.

    A minute outside counts when it ends. Beyond the crossing only regular phases run and, where the
    crossing lies outside them, the rest of its phase: what trades there is not on the tape yet.
    """

    __slots__ = ("_crossed_ns", "_ends_ns", "_origin_ns", "_sessions")

    def __init__(self, tape: Tape, sessions: Sessions, since_ns: int, crossed_ns: int) -> None:
        self._sessions, self._crossed_ns = sessions, crossed_ns
        self._origin_ns = sessions.regular_time(since_ns)
        starts_ns = tape.minutes(since_ns, crossed_ns)[SECOND] * SECOND_NS
        self._ends_ns = (sessions.outside_regular(starts_ns) + MINUTE_NS).tolist()

    def at(self, t_ns: int) -> float:
        """Return what the clock shows at an instant, in minutes; negative before the look-back."""
        regular_ns = self._sessions.regular_time(t_ns) - self._origin_ns
        traded = bisect_right(self._ends_ns, t_ns)
        return (regular_ns + self._beyond(t_ns)) / MINUTE_NS + traded

    def _beyond(self, t_ns: int) -> int:
        """Return what has run since the crossing in its own phase, where that is not regular."""
        if t_ns <= self._crossed_ns:
            return 0
        segment = self._sessions.segment(self._crossed_ns)
        phase = self._sessions.phase_of(segment)
        if phase is Phase.regular or phase not in TRADING:
            return 0
        return min(t_ns, self._sessions.segment_bounds(segment)[1]) - self._crossed_ns
