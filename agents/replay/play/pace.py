"""The pace of a replay: event time against wall time."""

from __future__ import annotations

import time

from agents.machine.clock import LONGEST_GAP_NS, LONGEST_NAP_S, elapsed_s
from streams.events import SECOND_NS


class ReplayPace:
    """Hold a replay to `speed` times real time; None: never wait. Gaps over 10 minutes are skipped."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._origin: tuple[int, float] | None = None
        self._newest_ns = 0

    def wait_for(self, event_ns: int) -> None:
        """Sleep until the wall clock has come to `event_ns`."""
        if self._speed is None:
            return
        gap_ns, self._newest_ns = event_ns - self._newest_ns, event_ns
        if self._origin is None or gap_ns > LONGEST_GAP_NS:
            self._origin = (event_ns, elapsed_s())
        first_ns, began_s = self._origin
        target_s = began_s + (event_ns - first_ns) / SECOND_NS / self._speed
        while (left_s := target_s - elapsed_s()) > 0:
            time.sleep(min(left_s, LONGEST_NAP_S))
