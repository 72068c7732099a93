"""At which seconds history is sampled: often while something happens, now and then while it does not.

A sample at t says what had happened before t: the second that it ends is complete.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streams.events import I64, SECOND_NS

BUSY_S: Final = 300  # after an event, sampled at each step: as long as Prometheus looks back
QUIET_S: Final = 60  # between samples else: a series that is open must not seem to end
RESTING_S: Final = (
    240  # between those of a counter that has not risen for an hour: within five minutes
)
RESTED_S: Final = 3600


class Grid(NamedTuple):
    """The instants, multiples of `step_s`."""

    step_s: int

    @property
    def quiet_s(self) -> int:
        """Return the seconds between samples of what does not change."""
        return max(QUIET_S, self.step_s)

    def up(self, seconds: I64) -> I64:
        """Return the first instants at or after some seconds."""
        return -(-seconds // self.step_s) * self.step_s

    def busy(self, ends_s: I64) -> I64:
        """Return the instants at which something had ended within the last five minutes."""
        first = np.unique(self.up(ends_s))
        if not len(first):
            return first
        steps = BUSY_S // self.step_s + 1
        # a stretch without a hole is one range: no instant is made twice
        starts = first[np.diff(first, prepend=-(2**62)) > BUSY_S]
        lasts = first[np.append(np.diff(first) > BUSY_S, True)]
        spans = zip(starts.tolist(), lasts.tolist(), strict=True)
        return np.concatenate(
            [np.arange(lo, hi + steps * self.step_s, self.step_s) for lo, hi in spans]
        )

    def quiet(self, start_s: int, end_s: int) -> I64:
        """Return the slow instants from `start_s` to the first one at or after `end_s`."""
        slow = self.quiet_s
        return np.arange(-(-start_s // slow) * slow, -(-end_s // slow) * slow + 1, slow)

    def steps_of(self, seen_s: I64, among: I64) -> tuple[list[int], list[int]]:
        """Return (instants, counts) of a counter whose events are seen from `seen_s` (sorted) on.

        It has a sample at each of `among`, at a quarter of them where it has not risen for an hour,
        where it rises, and one step before, so that no rise is lost between two samples, nor the
        first one for want of a zero.
        """
        rises = self.up(seen_s)
        newest = np.append(-RESTED_S, rises)[np.searchsorted(rises, among, "right")]
        among = among[(among - newest < RESTED_S) | (among % RESTING_S == 0)]
        times = np.unique(np.concatenate([among, rises, rises - self.step_s]))
        return times.tolist(), np.searchsorted(seen_s, times, "right").tolist()


def seen_s(times_ns: I64) -> I64:
    """Return the seconds by whose beginning instants are past."""
    return times_ns // SECOND_NS + 1


def stretches(instants: I64, gap_s: int) -> list[tuple[int, int]]:
    """Return (first, last) of each run of instants in which none is more than a gap after another."""
    if not len(instants):
        return []
    breaks = np.flatnonzero(np.diff(instants) > gap_s)
    firsts, lasts = instants[np.append(0, breaks + 1)], instants[np.append(breaks, -1)]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))
