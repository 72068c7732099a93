"""The time of day as a file says it, for every Python process that finds this on its PYTHONPATH.

State that was written on a day of 2025 must be read as on that day: at the wall clock's time all
of its ticks would be late, and all that waits to be delivered too old. `still.py` sets the file.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

FORMAT = "q"  # native: written and read in one piece

if name := os.environ.get("COMPATIBILITY_CLOCK"):
    with Path(name).open("r+b") as file:
        shown = mmap.mmap(file.fileno(), struct.calcsize(FORMAT))

    def time_ns() -> int:
        return int(struct.unpack_from(FORMAT, shown)[0])

    time.time_ns = time_ns
