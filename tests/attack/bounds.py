"""Bounds on what a call may take: a number of calls, which is the same on every machine, and a time."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class TooLongError(BaseException):
    """A call took more than its bound; no `except Exception` on the way may take it for its own."""


@contextmanager
def steps(most: int) -> Iterator[None]:
    """Raise TooLongError after so many calls of functions, Python's and C's."""
    left = most

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal left
        if event in {"call", "c_call"}:
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise TooLongError(f"more than {most:,} calls")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


@contextmanager
def seconds(most: float) -> Iterator[None]:
    """Raise TooLongError after so many seconds; in the main thread alone, and between bytecodes."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError(f"more than {most} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
