"""What was handed to a producer and is not acknowledged yet: bounded, and its oldest one known."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from streams.errors import PublishError

REOPEN: Final = 2  # full until half is done: a sender that waits is woken once, not every record


class InFlight:
    """Numbered records from `front`, the oldest not acknowledged, up to `next`; any thread.

    The bound is on `next` - `front` and on bytes, so that one slow partition cannot make what is
    remembered of the others grow.
    """

    def __init__(self, first: int, most: int, most_bytes: int) -> None:
        self.front = self.next = first
        self._most, self._most_bytes = most, most_bytes
        self._sizes: dict[int, int] = {}  # of those not acknowledged
        self._bytes = 0
        self._full = self._stopped = False
        self._fault: PublishError | None = None
        self._changed = threading.Condition()

    def check(self) -> None:
        """Raise the PublishError that ended it, if one did."""
        if self._fault is not None:
            raise self._fault

    def enter(self, size: int) -> bool:
        """Wait for room and take the number `next`; False: it was stopped or has failed."""
        with self._changed:
            if self._full:
                self._changed.wait_for(lambda: not self._full or self._over())
            if self._over():
                return False
            self._sizes[self.next] = size
            self.next += 1
            self._bytes += size
            self._full = self.next - self.front >= self._most or self._bytes >= self._most_bytes
            return True

    def leave(self, number: int) -> None:
        """Remove an acknowledged record; its room is free again."""
        with self._changed:
            self._bytes -= self._sizes.pop(number)
            while self.front < self.next and self.front not in self._sizes:
                self.front += 1
            idle = self.front == self.next
            if self._full and (idle or self._roomy()):
                self._full = False
                self._changed.notify_all()
            elif idle:
                self._changed.notify_all()

    def wait(self, done: Callable[[], bool], limit_s: float | None) -> bool:
        """Wait until nothing is under way and `done`; False: after `limit_s` it is not so.

        PublishError: a record was refused.
        """
        with self._changed:
            came = self._changed.wait_for(lambda: done() or self._over(), limit_s)
        self.check()
        return came

    def fail(self, fault: PublishError) -> None:
        """Wake all waiters with a fault; the first one stays."""
        with self._changed:
            self._fault = self._fault or fault
            self._changed.notify_all()

    def stop(self) -> None:
        """Let nobody in or wait any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _over(self) -> bool:
        return self._stopped or self._fault is not None

    def _roomy(self) -> bool:
        few = (self.next - self.front) * REOPEN <= self._most
        return few and self._bytes * REOPEN <= self._most_bytes
