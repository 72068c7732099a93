"""The time that a source goes by: the machine's, or a test's own."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import msgspec


class TimeSource(msgspec.Struct, frozen=True, kw_only=True):
    """Clocks, sleep and chance. Defaults are the machine's; tests pass time that they move themselves."""

    now_ns: Callable[[], int] = time.time_ns  # ns UTC
    monotonic: Callable[[], float] = time.monotonic  # seconds
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random  # in [0, 1), for the jitter of waits


MACHINE_TIME = TimeSource()
