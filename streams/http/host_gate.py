"""Keep the requests to one host few and apart, whatever number of feeds it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from streams.time_source import MACHINE_TIME, TimeSource

HOSTS_KEPT: Final = 4_096  # redirects may lead to ever new ones


class _Host:
    def __init__(self, at_once: int) -> None:
        self.slots = asyncio.Semaphore(at_once)
        self.users = 0
        self.next_s = 0.0  # when the next request may begin


class HostGate:
    """Lets `at_once` requests to a host run together, their beginnings `gap_s` apart."""

    def __init__(
        self, at_once: int = 2, gap_s: float = 0.5, time: TimeSource = MACHINE_TIME
    ) -> None:
        self._at_once, self._gap_s = at_once, gap_s
        self._monotonic, self._sleep = time.monotonic, time.sleep
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for this host's next turn, and hold it."""
        host = self._hosts.get(name)
        if host is None:
            self._forget_some()
            host = self._hosts[name] = _Host(self._at_once)
        host.users += 1
        try:
            async with host.slots:
                await self._wait_for_gap(host)
                yield
        finally:
            host.users -= 1

    async def _wait_for_gap(self, host: _Host) -> None:
        now_s = self._monotonic()
        begins_s = max(now_s, host.next_s)
        host.next_s = begins_s + self._gap_s
        if begins_s > now_s:
            await self._sleep(begins_s - now_s)

    def _forget_some(self) -> None:
        if len(self._hosts) >= HOSTS_KEPT:
            self._hosts = {name: host for name, host in self._hosts.items() if host.users}
