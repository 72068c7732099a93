"""Fill the gap of a wire over REST: what came while nobody listened."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic

import aiohttp

from streams.time_source import TimeSource
from streams.times import DAY_S
from streams.wires.backfill import fetch_page
from streams.wires.contract import Fault, P, Wire, WirePace, seconds_ns
from streams.wires.delivery import Delivery
from streams.wires.reports import WireReports


class GapFiller(Generic[P]):
    """Asks for each page of a gap until it has it, and hands it to the delivery."""

    def __init__(
        self, wire: Wire[P], delivery: Delivery[P], reports: WireReports, time: TimeSource
    ) -> None:
        self._wire, self._delivery, self._reports = wire, delivery, reports
        self._time = time

    async def fill(self, session: aiohttp.ClientSession, since_ns: int | None) -> None:
        """Fill the gap from the cursor to now and close it; None: nothing is missing."""
        if since_ns is not None:
            await self._fill_since(session, since_ns)
        self._delivery.close_gap()

    async def _fill_since(self, session: aiohttp.ClientSession, cursor_ns: int) -> None:
        until_ns = self._time.now_ns()
        from_ns = self._beginning_ns(cursor_ns, until_ns)
        first = self._wire.asks(from_ns, until_ns)
        asks, failures, pages = deque(first), 0, 0
        while asks:
            page = await fetch_page(session, self._wire, asks[0], self._time.now_ns)
            if page.fault is None:
                failures, wait_s, pages = 0, self._wire.pace.ask_gap_s, pages + 1
                asks.popleft()
                asks.extendleft([page.more] if page.more else [])
                await self._delivery.deliver(page.parsed, self._time.now_ns(), live=False)
                if page.reached_ns is not None:
                    self._delivery.reached(min(page.reached_ns, until_ns))
            else:
                wait_s = fault_wait_s(page.fault, failures, self._wire.pace, self._time.chance())
                failures += 1
                self._reports.fault(page.fault, wait_s, "back-fill: ")
                if page.fault.reason == "bad_request":  # a page's token may have run out
                    asks = deque(first)
            await asyncio.sleep(wait_s)
        self._reports.gap("wire gap filled", from_ns=from_ns, until_ns=until_ns, pages=pages)

    def _beginning_ns(self, cursor_ns: int, now_ns: int) -> int:
        """Return where a back-fill begins: before the cursor, but not too long ago."""
        pace = self._wire.pace
        earliest_ns = now_ns - seconds_ns(pace.longest_gap_s)
        if cursor_ns < earliest_ns:
            days = pace.longest_gap_s / DAY_S
            detail = f"news older than {days:g} days is not asked for"
            self._reports.fault(Fault(reason="gap_too_long", detail=detail), None)
        return max(cursor_ns - seconds_ns(pace.overlap_s), earliest_ns)


def fault_wait_s(fault: Fault, times: int, pace: WirePace, chance: float) -> float:
    """Return the wait after so many faults in a row; what the server asks for is kept to."""
    backoff = pace.soon_s if fault.retry == "soon" else pace.slow_s
    asked_s = min(fault.after_s, pace.slow_s.longest_s)
    return max(backoff.jittered_s(times, chance), asked_s)
