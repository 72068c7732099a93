"""One connection to a push wire: its socket, when it last spoke, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Generic

import aiohttp

from streams.wires.contract import Fault, P, Secret, Talk, WirePace, revealed

Socket = aiohttp.ClientWebSocketResponse[bool]
TOO_BIG: Final = aiohttp.WSCloseCode.MESSAGE_TOO_BIG


def now_s() -> float:
    """Return the monotonic time of the event loop."""
    return asyncio.get_running_loop().time()


class WireConnection(Generic[P]):
    """One connection. Times in s are the loop's, in ns the wall's."""

    def __init__(self, socket: Socket, talk: Talk[P], pace: WirePace, since_ns: int | None) -> None:
        self.socket, self.talk = socket, talk
        self.since_ns = since_ns  # where the gap before it begins; None = nothing can be missing
        self.ready = asyncio.Event()
        self.ready_ns = 0
        self._pace = pace
        self._opened_s = self._heard_s = self._sent_s = now_s()
        self._ready_s: float | None = None

    def heard(self) -> None:
        """Note that a frame came."""
        self._heard_s = now_s()

    def stand(self, at_ns: int) -> None:
        """Note that the subscription was confirmed: records flow from here on."""
        self._ready_s, self.ready_ns = now_s(), at_ns
        self.ready.set()

    @property
    def healthy(self) -> bool:
        """Tell whether it lasted long enough for the waits before a reconnect to begin anew."""
        ready_s = self._ready_s
        return ready_s is not None and now_s() - ready_s >= self._pace.healthy_s

    async def send(self, text: str | Secret) -> None:
        """Send a text. A socket that cannot be written to says so when it is read."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await self.socket.send_str(revealed(text))

    async def keep_alive(self, text: str) -> None:
        """Send the wire's own text if it is time."""
        period_s = self._pace.keep_alive_s
        if period_s is not None and now_s() - self._sent_s >= period_s:
            self._sent_s = now_s()
            await self.send(text)

    def stuck(self) -> Fault | None:
        """Return the fault of a connection that was not subscribed in time, or on which nothing comes at all."""
        if self._ready_s is None:
            limit_s = self._pace.ready_s
            late = now_s() - self._opened_s > limit_s
            return (
                Fault(reason="timeout", detail=f"no subscription in {limit_s:g} s")
                if late
                else None
            )
        within_s = self._pace.frame_within_s
        if within_s is not None and now_s() - self._heard_s > within_s:
            return Fault(reason="no_frames", detail=f"not even a ping in {within_s:g} s")
        return None

    def end(self, kind: aiohttp.WSMsgType, data: object, said: str | None) -> Fault:
        """Return how it ended, by the last message that was read of it."""
        error = self.socket.exception() or data
        if isinstance(error, aiohttp.WebSocketError) and error.code == TOO_BIG:
            limit = f"a frame of more than {self._pace.max_frame_bytes} bytes"
            return Fault(reason="too_large", detail=limit)
        if isinstance(error, aiohttp.ServerTimeoutError):
            return Fault(reason="no_pong", detail=str(error))
        if kind is aiohttp.WSMsgType.CLOSE:
            return Fault(reason="closed", detail=f"code {data}: {said or ''}"[:300])
        return Fault(reason="cut", detail=type(error).__name__ if error else "")
