"""A clock that stands still until a test sets it, for the processes of the product."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from tests.running import environment

FOLDER = Path(__file__).with_name("clock")
FORMAT = "q"
SECOND_NS = 1_000_000_000
# A run waits for the end of its second: at a millisecond before it, it looks again at once.
WITHIN_NS = SECOND_NS - 1_000_000


class StillClock:
    """One file of eight bytes, and the environment in which processes go by it."""

    def __init__(self, path: Path, at_ns: int = 0) -> None:
        path.write_bytes(struct.pack(FORMAT, at_ns))
        self._path = path
        with path.open("r+b") as file:
            self._shown = mmap.mmap(file.fileno(), struct.calcsize(FORMAT))

    def set(self, at_ns: int) -> None:
        struct.pack_into(FORMAT, self._shown, 0, at_ns)

    def set_second(self, second: int) -> None:
        """Show the end of a second, given as seconds since 1970."""
        self.set(second * SECOND_NS + WITHIN_NS)

    def environment(self, state: Path, **more: str) -> dict[str, str]:
        """Return an environment that goes by this clock and keeps its state under `state`."""
        ours = {"PYTHONPATH": str(FOLDER), "COMPATIBILITY_CLOCK": str(self._path)}
        return {**environment(), **ours, "XDG_STATE_HOME": str(state), **more}
