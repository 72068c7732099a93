"""How every peer in Python is timed: from its first to its last record."""

from __future__ import annotations

import json
import os
import sys
import time


class Tally:
    """Counts records; at the end of the time or of the records it says so and ends the process."""

    def __init__(self, seconds: float, records: int) -> None:
        self._seconds, self._records = seconds, records
        self._count = 0
        self._began_s = 0.0

    def count(self) -> None:
        now_s = time.perf_counter()
        self._count += 1
        if self._count == 1:
            self._began_s = now_s
        elif self._count == self._records or now_s - self._began_s >= self._seconds:
            answer = {"records": self._count, "seconds": now_s - self._began_s}
            sys.__stdout__.write(json.dumps(answer) + "\n")
            sys.__stdout__.flush()
            os._exit(0)
