"""Listen to a push wire for ever: connect, hand over what it brings, find it dead, come back.

    run ----------> connect --> converse -------------------------------------------> fault, wait
     ^                            | listen   socket -> Talk -> Step -> Delivery         |
     |                            | watch    keep alive, save, find it stuck or silent  |
     |                            | fill     GapFiller -> REST pages -> Delivery        |
     +----------------------------- the first of the three that ends, ends all ---------+

What frames mean is in the wire (`streams.wires.contract`), what is safe in `streams.wires.cursor`.
A gap is filled beside what comes live, which waits for nothing.
"""

from __future__ import annotations

import asyncio
from typing import Final, Generic

import aiohttp
from msgspec.structs import replace

from streams.http.options import HttpOptions
from streams.http.rules import retry_after_s
from streams.outcome import Notice, States
from streams.rhythm import Rhythm
from streams.time_source import MACHINE_TIME, TimeSource
from streams.wires.connection import Socket, WireConnection
from streams.wires.contract import Fault, P, Receiver, Step, Wire, network_fault, revealed
from streams.wires.delivery import Delivery
from streams.wires.gap import GapFiller, fault_wait_s
from streams.wires.reports import WireReports
from streams.wires.silence import Silence

CLOSE_S: Final = 2.0  # that a server has to answer our goodbye
ANSWER_S: Final = 60.0  # that a page of a back-fill may take
FRAMES: Final = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)


class WireListener(Generic[P]):
    """The sockets of one wire, one after another. Of `time` the wall clock and the chance are used."""

    def __init__(
        self,
        wire: Wire[P],
        receiver: Receiver[P],
        *,
        notice: Notice,
        states: States,
        rhythm: Rhythm,
        http: HttpOptions,
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        """`rhythm` goes on from what it learned before, which is kept in the wire's state."""
        self._wire, self._receiver, self._pace = wire, receiver, wire.pace
        self._http, self._time = http, time
        self._silence = Silence(rhythm, wire.pace.quiet_s)
        self._reports = WireReports(wire.name, wire.secrets, notice, time.now_ns)
        self._delivery = Delivery(wire.name, receiver, states, self._silence, self._reports, time)
        self._gap = GapFiller(wire, self._delivery, self._reports, time)
        self._failures = 0  # connections in a row that did not stay healthy
        self._choked = False  # by a frame that was too large: no replay brings it again

    async def run(self) -> None:
        """Listen until cancelled. Raises what the receiver and the states raise, nothing else."""
        self._delivery.load()
        async with aiohttp.ClientSession(
            headers={"User-Agent": self._http.user_agent},
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(ssl=self._http.tls or True),
            timeout=aiohttp.ClientTimeout(total=ANSWER_S),
            trust_env=self._http.trust_env,
        ) as session:
            try:
                while True:
                    fault = await self._connection(session)
                    chance = self._time.chance()
                    wait_s = fault_wait_s(fault, self._failures, self._pace, chance)
                    self._failures += 1
                    self._reports.fault(fault, wait_s)
                    await asyncio.sleep(wait_s)
            finally:
                self._delivery.save()

    async def _connection(self, session: aiohttp.ClientSession) -> Fault:
        """Return why a connection ended or never was."""
        try:
            async with asyncio.timeout(self._pace.connect_s):
                socket = await self._connect(session)
        except aiohttp.WSServerHandshakeError as error:
            after_s = retry_after_s(error.headers or {}, self._time.now_ns())
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
        since_ns = self._delivery.open_gap()
        connection = WireConnection(socket, self._wire.talk(), self._pace, since_ns)
        loops = (self._listen(connection), self._watch(connection), self._fill(session, connection))
        tasks = [asyncio.create_task(each) for each in loops]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            async with self._delivery.taking:  # what is being taken is taken first
                faults = [task.result() for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if connection.healthy:
            self._failures = 0
        return faults[0]

    async def _listen(self, connection: WireConnection[P]) -> Fault:
        """Take what the socket says until it ends."""
        resumed = connection.since_ns is not None and not self._choked
        self._choked = False
        step = connection.talk.opened(resumed=resumed)
        fault = await self._act(connection, step, self._time.now_ns())
        while fault is None:
            message = await connection.socket.receive()
            received_ns = self._time.now_ns()
            if message.type in FRAMES:
                step = connection.talk.receive(message.data, received_ns)
                fault = await self._act(connection, step, received_ns)
                connection.heard()  # at the end: what is taken slowly is no silence
            else:
                fault = connection.end(message.type, message.data, message.extra)
        if fault.reason == "too_large":
            self._choked = True
            reject = self._receiver.too_large(fault, self._time.now_ns())
            await self._delivery.deliver(reject, self._time.now_ns(), live=True)
        return fault

    async def _act(
        self, connection: WireConnection[P], step: Step[P], received_ns: int
    ) -> Fault | None:
        await self._delivery.deliver(step.parsed, received_ns, live=True, frame_id=step.frame_id)
        for text in step.send:
            await connection.send(text)
        if step.ready and not connection.ready.is_set():
            connection.stand(received_ns)
            self._reports.connected()
        return step.fault

    async def _watch(self, connection: WireConnection[P]) -> Fault:
        """Keep the socket open, find it dead, save what must be kept."""
        while True:
            await asyncio.sleep(self._pace.watch_s)
            self._delivery.save()
            await connection.keep_alive(self._wire.keep_alive)
            if self._delivery.taking.locked():  # nobody reads the socket meanwhile: not its fault
                continue
            if fault := connection.stuck() or self._silent(connection):
                return fault

    def _silent(self, connection: WireConnection[P]) -> Fault | None:
        if not connection.ready.is_set():
            return None
        last_ns = max(self._delivery.last_item_ns, connection.ready_ns)
        return self._silence.check(last_ns, self._time.now_ns())

    async def _fill(self, session: aiohttp.ClientSession, connection: WireConnection[P]) -> Fault:
        """Ask for what came while nobody listened; then wait for the end of the connection."""
        await connection.ready.wait()
        await self._gap.fill(session, connection.since_ns)
        never: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
        return await never
