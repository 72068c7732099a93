"""Listen to a push wire for ever: connect, hand over its news, find it dead, come back, fill gaps.

The effects are here. What frames mean is in the wire (`streams.news.wires.contract`), what is safe in
`streams.news.wires.cursor`. A gap is filled beside the news that comes live, which waits for nothing.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Literal

import aiohttp
import msgspec
from msgspec.structs import replace

from streams.backoff import doubled_s
from streams.http.rules import retry_after_s
from streams.news.feed import Notice, Outcome, ParsedFeed, States, Take, refused
from streams.news.rhythm import Rhythm
from streams.news.wires.backfill import fetch_page
from streams.news.wires.connection import Link, Socket, now_s
from streams.news.wires.contract import (
    Fault,
    Step,
    Wire,
    network_fault,
    revealed,
    scrubbed,
    seconds_ns,
)
from streams.news.wires.cursor import Progress
from streams.news.wires.silence import Silence
from streams.times import DAY_S

CLOSE_S: Final = 2.0  # that a server has to answer our goodbye
ANSWER_S: Final = 60.0  # that a page of a back-fill may take
FRAMES: Final = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)

Kind = Literal["read", "unchanged", "failed", "connected", "silent"]


class PushWire:
    """One wire. `now_ns` and `chance`, numbers in [0, 1) for the jitter of waits, are for tests."""

    def __init__(
        self,
        wire: Wire,
        *,
        take: Take,
        notice: Notice,
        states: States,
        rhythm: Rhythm,
        user_agent: str,
        tls: ssl.SSLContext | None = None,
        trust_env: bool = False,
        now_ns: Callable[[], int] = time.time_ns,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`rhythm` goes on from what it learned before, which is kept in the wire's state."""
        self._wire, self._feed, self._pace = wire, wire.feed, wire.pace
        self._take, self._notice, self._states = take, notice, states
        self._silence = Silence(rhythm, wire.pace.quiet_s)
        self._user_agent, self._tls, self._trust_env = user_agent, tls, trust_env
        self._now_ns, self._chance = now_ns, chance
        self._progress = Progress()
        self._taking = asyncio.Lock()  # news is taken one frame after another
        self._changed = False  # since the last saving
        self._failures = 0  # connections in a row that did not stay healthy
        self._choked = False  # by a frame that was too large: no replay brings it again

    async def run(self) -> None:
        """Listen until cancelled. Raises what `take` and the states raise, nothing else."""
        self._load()
        async with aiohttp.ClientSession(
            headers={"User-Agent": self._user_agent},
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(ssl=self._tls or True),
            timeout=aiohttp.ClientTimeout(total=ANSWER_S),
            trust_env=self._trust_env,
        ) as session:
            try:
                while True:
                    fault = await self._connection(session)
                    wait_s = self._wait_s(fault, self._failures)
                    self._failures += 1
                    self._tell_fault(fault, wait_s)
                    await asyncio.sleep(wait_s)
            finally:
                self._save()

    # -- one connection

    async def _connection(self, session: aiohttp.ClientSession) -> Fault:
        """Return why a connection ended or never was."""
        try:
            async with asyncio.timeout(self._pace.connect_s):
                socket = await self._connect(session)
        except aiohttp.WSServerHandshakeError as error:
            after_s = retry_after_s(error.headers or {}, self._now_ns())
            return replace(self._wire.refused(error.status), after_s=after_s)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            return network_fault(error)
        try:
            return await self._conversation(session, socket)
        finally:
            await socket.close()

    async def _connect(self, session: aiohttp.ClientSession) -> Socket:
        address = self._wire.address()
        return await session.ws_connect(
            address.url,
            params=[(name, revealed(value)) for name, value in address.query],
            headers={name: revealed(value) for name, value in address.headers},
            heartbeat=self._pace.heartbeat_s,
            max_msg_size=self._pace.max_frame_bytes,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
            decode_text=False,  # a text that is not UTF-8 is one bad frame, not the end
        )

    async def _conversation(self, session: aiohttp.ClientSession, socket: Socket) -> Fault:
        """Return the first fault that one of the three tasks of a connection finds."""
        since_ns = self._progress.open_gap(self._now_ns())
        link = Link(socket, self._wire.talk(), self._pace, since_ns)
        loops = (self._listen(link), self._watch(link), self._fill(session, link))
        tasks = [asyncio.create_task(each) for each in loops]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            async with self._taking:  # what is being taken is taken first
                faults = [task.result() for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if link.healthy:
            self._failures = 0
        return faults[0]

    async def _listen(self, link: Link) -> Fault:
        """Take what the socket says until it ends."""
        resumed = link.since_ns is not None and not self._choked
        self._choked = False
        fault = await self._act(link, link.talk.opened(resumed=resumed), self._now_ns())
        while fault is None:
            message = await link.socket.receive()
            received_ns = self._now_ns()
            if message.type in FRAMES:
                step = link.talk.receive(message.data, received_ns)
                fault = await self._act(link, step, received_ns)
                link.heard()  # at the end: what is taken slowly is no silence
            else:
                fault = link.end(message.type, message.data, message.extra)
        if fault.reason == "too_large":
            self._choked = True
            reject = refused(self._feed, "too_large", fault.detail, self._now_ns(), "")
            await self._deliver(ParsedFeed(rejects=(reject,)), self._now_ns(), live=True)
        return fault

    async def _act(self, link: Link, step: Step, received_ns: int) -> Fault | None:
        await self._deliver(step.parsed, received_ns, live=True, frame_id=step.frame_id)
        for text in step.send:
            await link.send(text)
        if step.ready and not link.ready.is_set():
            link.stand(received_ns)
            self._tell("connected")
        return step.fault

    async def _watch(self, link: Link) -> Fault:
        """Keep the socket open, find it dead, save what must be kept."""
        while True:
            await asyncio.sleep(self._pace.watch_s)
            self._save()
            await link.keep_alive(self._wire.keep_alive)
            if self._taking.locked():  # nobody reads the socket meanwhile: not its fault
                continue
            if fault := link.stuck() or self._silent(link):
                return fault

    def _silent(self, link: Link) -> Fault | None:
        if not link.ready.is_set():
            return None
        last_ns = max(self._progress.kept.last_item_ns or 0, link.ready_ns)
        return self._silence.check(last_ns, self._now_ns())

    async def _deliver(
        self, parsed: ParsedFeed, received_ns: int, *, live: bool, frame_id: str = ""
    ) -> None:
        """Hand news over; only when it is safe is it remembered."""
        async with self._taking:
            if frame_id and self._progress.delivered(frame_id):
                return
            news, new = self._progress.fresh(self._scrubbed(parsed))
            if not (news.headlines or news.rejects):
                return
            began_s = now_s()
            taken = await self._take(self._feed, news)
            self._progress.taken(news, received_ns, frame_id)
            self._changed = True
            if live and new:
                self._progress.kept.last_item_ns = self._now_ns()
                self._silence.heard(self._progress.kept.last_item_ns, new)
        took_s = now_s() - began_s
        self._tell("read" if taken else "unchanged", items=len(news.headlines), took_s=took_s)

    # -- the gap

    async def _fill(self, session: aiohttp.ClientSession, link: Link) -> Fault:
        """Ask for what came while nobody listened; then wait for the end of the connection."""
        await link.ready.wait()
        if link.since_ns is not None:
            await self._fill_since(session, link.since_ns)
        self._progress.close_gap()
        self._changed = True
        never: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
        return await never

    async def _fill_since(self, session: aiohttp.ClientSession, cursor_ns: int) -> None:
        until_ns = self._now_ns()
        first = self._wire.asks(self._beginning_ns(cursor_ns, until_ns), until_ns)
        asks, failures = deque(first), 0
        while asks:
            answer = await fetch_page(session, self._wire, asks[0], self._now_ns)
            if answer.fault is None:
                failures, wait_s = 0, self._pace.ask_gap_s
                asks.popleft()
                asks.extendleft([answer.more] if answer.more else [])
                await self._deliver(answer.parsed, self._now_ns(), live=False)
                if answer.reached_ns is not None:
                    self._progress.reach(min(answer.reached_ns, until_ns))
            else:
                wait_s = self._wait_s(answer.fault, failures)
                failures += 1
                self._tell_fault(answer.fault, wait_s, "back-fill: ")
                if answer.fault.reason == "bad_request":  # a page's token may have run out
                    asks = deque(first)
            await asyncio.sleep(wait_s)

    def _beginning_ns(self, cursor_ns: int, now_ns: int) -> int:
        """Return where a back-fill begins: before the cursor, but not too long ago."""
        earliest_ns = now_ns - seconds_ns(self._pace.longest_gap_s)
        if cursor_ns < earliest_ns:
            days = self._pace.longest_gap_s / DAY_S
            detail = f"news older than {days:g} days is not asked for"
            self._tell_fault(Fault(reason="gap_too_long", detail=detail), None)
        return max(cursor_ns - seconds_ns(self._pace.overlap_s), earliest_ns)

    # -- waits, words, memory

    def _wait_s(self, fault: Fault, times: int) -> float:
        """Return the wait after so many failures: from half of its span's to the whole."""
        span = self._pace.soon_s if fault.retry == "soon" else self._pace.slow_s
        asked_s = min(fault.after_s, self._pace.slow_s[1])
        return max(doubled_s(span, times) * (1 + self._chance()) / 2, asked_s)

    def _tell(self, kind: Kind, **more: Any) -> None:  # noqa: ANN401 -- fields of an Outcome
        self._notice(Outcome(feed=self._feed.name, at_ns=self._now_ns(), kind=kind, **more))

    def _tell_fault(self, fault: Fault, next_s: float | None, during: str = "") -> None:
        said = scrubbed("; ".join(filter(None, (fault.detail, fault.mend))), self._wire.secrets)
        kind: Kind = "silent" if fault.reason == "silent" else "failed"
        self._tell(kind, reason=fault.reason, detail=during + said, next_s=next_s)

    def _scrubbed(self, parsed: ParsedFeed) -> ParsedFeed:
        """Hide our keys in rejects: a server may repeat them."""
        secrets, rejects = self._wire.secrets, parsed.rejects
        clean = (
            replace(r, detail=scrubbed(r.detail, secrets), record=scrubbed(r.record, secrets))
            for r in rejects
        )
        return replace(parsed, rejects=tuple(clean)) if rejects else parsed

    def _load(self) -> None:
        try:
            self._progress = Progress(self._states.load(self._feed.name))
            if self._progress.kept.rhythm:
                self._silence.rhythm.restore(self._progress.kept.rhythm)
        except msgspec.DecodeError as error:
            self._progress = Progress()
            self._tell_fault(Fault(reason="bad_state", detail=f"begun anew: {error}"), None)

    def _save(self) -> None:
        if self._changed:
            state = self._progress.snapshot(self._silence.rhythm.snapshot())
            self._states.save(self._feed.name, state)
            self._changed = False
