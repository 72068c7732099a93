"""Waits that double: before a server is asked again, or a silence is taken for a fault."""

from __future__ import annotations

from typing import Final, NamedTuple

DOUBLINGS_MAX: Final = 60  # beyond any longest wait; a float cannot hold 2 ** 2000


class Backoff(NamedTuple):
    """A wait in seconds: what it begins with, and what it doubles up to."""

    first_s: float
    longest_s: float

    def wait_s(self, times: int) -> float:
        """Return the first wait, doubled so often, at most the longest."""
        return min(self.first_s * 2.0 ** min(times, DOUBLINGS_MAX), self.longest_s)

    def jittered_s(self, times: int, chance: float) -> float:
        """Return between half of that wait and the whole of it; `chance` is in [0, 1).

        Clients that one fault threw out together come back apart ("Exponential Backoff And
        Jitter", AWS Architecture Blog, 2015: equal jitter).
        """
        return self.wait_s(times) * (1 + chance) / 2


def stretched_s(wait_s: float, share: float, chance: float) -> float:
    """Return a wait made longer by up to `share` of it, so that it never falls below a server's limit."""
    return wait_s * (1 + share * chance)
