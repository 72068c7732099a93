"""Hand over what a wire brings, live and back-filled, and remember in the cursor what is safe."""

from __future__ import annotations

import asyncio
from typing import Generic

import msgspec

from streams.outcome import States
from streams.time_source import TimeSource
from streams.wires.connection import now_s
from streams.wires.contract import Fault, P, Receiver
from streams.wires.cursor import Cursor
from streams.wires.reports import WireReports
from streams.wires.silence import Silence


class Delivery(Generic[P]):
    """The only writer of one wire's cursor and of its saved state.

    Who may write what: `deliver` moves the cursor over what was handed over, live or of a back-fill;
    the listener opens a gap when a connection begins; the gap filler reports a page as reached and
    closes the gap. All three run in one event loop, and `taking` lets one payload in at a time.
    """

    def __init__(
        self,
        name: str,
        receiver: Receiver[P],
        states: States,
        silence: Silence,
        reports: WireReports,
        time: TimeSource,
    ) -> None:
        self._name, self._receiver, self._states = name, receiver, states
        self._silence, self._reports, self._now_ns = silence, reports, time.now_ns
        self._cursor = Cursor()
        self._changed = False  # since the last saving
        self.taking = asyncio.Lock()  # what comes is taken one frame after another

    def load(self) -> None:
        """Go on from the saved state; one that cannot be read is reported, and begun anew."""
        try:
            self._cursor = Cursor(self._states.load(self._name))
            if self._cursor.state.rhythm:
                self._silence.rhythm.restore(self._cursor.state.rhythm)
        except msgspec.DecodeError as error:
            self._cursor = Cursor()
            self._reports.fault(Fault(reason="bad_state", detail=f"begun anew: {error}"), None)

    def save(self) -> None:
        """Keep the state, if it has changed since the last time."""
        if self._changed:
            rhythm = self._silence.rhythm.snapshot()
            self._states.save(self._name, self._cursor.snapshot(rhythm))
            self._changed = False

    @property
    def last_item_ns(self) -> int:
        """When the socket brought the newest new item; 0 = never."""
        return self._cursor.state.last_item_ns or 0

    def open_gap(self) -> int | None:
        """Return where what may be missing begins, as a connection is opened; None: nothing is."""
        return self._cursor.open_gap(self._now_ns())

    def reached(self, instant_ns: int) -> None:
        """Note that a back-fill is complete up to there."""
        self._cursor.reach(instant_ns)

    def close_gap(self) -> None:
        """Note that nothing is missing any more."""
        self._cursor.close_gap()
        self._changed = True

    async def deliver(
        self, payload: P | None, received_ns: int, *, live: bool, frame_id: str = ""
    ) -> None:
        """Hand a payload over; only when it is safe is it remembered."""
        if payload is None:
            return
        async with self.taking:
            if frame_id and self._cursor.delivered(frame_id):
                return
            found = self._receiver.sift(payload, self._cursor.state.versions)
            if found.empty:
                return
            began_s = now_s()
            taken = await self._receiver.take(found.payload)
            self._cursor.taken(found.stamps, received_ns, frame_id)
            self._changed = True
            if live and found.new:
                self._cursor.state.last_item_ns = self._now_ns()
                self._silence.heard(self.last_item_ns, found.new)
        took_s = now_s() - began_s
        self._reports.tell("read" if taken else "unchanged", items=len(found.stamps), took_s=took_s)
