"""Tell when a wire that is connected has been silent for too long."""

from __future__ import annotations

from streams.backoff import Backoff
from streams.events import SECOND_NS
from streams.rhythm import Rhythm
from streams.wires.contract import Fault


class Silence:
    """The silence of one wire; `quiet_s` is the shortest that counts. Times are ns UTC.

    Each in a row must last twice as long as the one before: after a reconnect that changed
    nothing, patience is the better guess.
    """

    def __init__(self, rhythm: Rhythm, quiet_s: Backoff) -> None:
        self.rhythm = rhythm
        self._quiet_s = quiet_s
        self._in_a_row = 0

    def heard(self, at_ns: int, items: int) -> None:
        """Note items that came live."""
        self.rhythm.note(at_ns, items)
        self._in_a_row = 0

    def check(self, last_ns: int, now_ns: int) -> Fault | None:
        """Return the fault of having heard nothing since `last_ns`, if it is one."""
        quiet_s = (now_ns - last_ns) / SECOND_NS
        long = quiet_s >= self._quiet_s.wait_s(self._in_a_row)
        if not (long and self.rhythm.silent(last_ns, now_ns)):
            self.rhythm.note(now_ns, 0)  # what is not heard while broken is not learned
            return None
        self._in_a_row += 1
        due = self.rhythm.expected(last_ns, now_ns)
        detail = f"nothing in {quiet_s:.0f} s, in which {due:.0f} items were to be expected"
        return Fault(reason="silent", detail=detail)
