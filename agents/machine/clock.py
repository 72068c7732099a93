"""The time of day and durations on this machine; the two pure rooms read neither (DESIGN 4.1)."""

from __future__ import annotations

import time

from streams.events import SECOND_NS

LONGEST_NAP_S = 0.25  # so that an interrupt is answered soon
LONGEST_GAP_NS = 600 * SECOND_NS  # of event time without any record; a longer one is skipped


def elapsed_s() -> float:
    """Return seconds on a clock that never runs back: for durations and deadlines."""
    return time.perf_counter()


def now_ns() -> int:
    """Return the time of day in ns UTC, as this machine has it."""
    return time.time_ns()
