"""The benchmark's tape, built from points alone (section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.events import SECOND_NS, Flag, Phase
from tests.oracle.closes import DailyRow, Day, close_of, previous_close
from tests.oracle.filter import EXPIRY_NS, is_far, released
from tests.oracle.rows import Row
from tests.oracle.tape import Tape
from tests.oracle.venue import Venue


class HeldPoint(NamedTuple):
    """A far point: its row with the end of the second as its time, and where it belongs."""

    row: Row
    second_ns: int


class Benchmark:
    """One broadcast listing as everybody sees it."""

    def __init__(self, listing: str, mic: str, venue: Venue, daily: Sequence[DailyRow]) -> None:
        self.mic, self.venue = mic, venue
        self.daily = [row for row in daily if row.listing == listing]
        self.tape = Tape(venue)
        self.held: list[HeldPoint] = []
        self.days: dict[int, Day] = {}
        self.day = Day(-1)
        self.last_second = -1

    def apply(self, row: Row) -> None:
        second = row.ts_ns // SECOND_NS
        if self.venue.phase(row.session_ns) is Phase.closed or second <= self.last_second:
            return
        self.last_second = second
        start_ns = second * SECOND_NS
        while self.held and self.held[0].row.ts_ns + EXPIRY_NS <= start_ns:
            self._expire()
        self._roll(self.venue.trade_date(row.session_ns))
        held = HeldPoint(row._replace(ts_ns=start_ns, exchange=""), start_ns)
        if Flag.bar not in row.flags:
            self._judge(held, held.second_ns)
            return
        if not is_far(self.mic, row.price, self._reference()):
            self.held.clear()
        self._accept(held, held.second_ns)

    def _roll(self, date: int) -> None:
        if date > self.day.date:
            self.day = self.days[date] = Day(date, self._close_before(date))

    def _close_before(self, date: int) -> int | None:
        closes = {d: close_of(day, self.mic) for d, day in self.days.items() if d < date}
        known = {d: close for d, close in closes.items() if close is not None}
        return previous_close(date, self.daily, known)

    def previous_close(self, t_ns: int) -> int | None:
        return self._close_before(self.venue.trade_date(t_ns))

    def _reference(self) -> int | None:
        day = self.day
        return day.previous_close if day.accepted is None else day.accepted

    def _judge(self, point: HeldPoint, at_ns: int) -> None:
        if not is_far(self.mic, point.row.price, self._reference()):
            self.held.clear()
            self._accept(point, at_ns)
            return
        self.held.append(point)
        start = released(self.mic, [h.row for h in self.held])
        if start is None:
            return
        points, self.held = self.held[start:], []
        for each in points:
            self._accept(each, at_ns)

    def _accept(self, point: HeldPoint, at_ns: int) -> None:
        price = point.row.price
        self.day.accepted = price
        self._remember(at_ns, price)
        self.tape.trade(at_ns, price, price, price, 0)

    def _expire(self) -> None:
        """Move the reference only: a point in the past would change what was read before."""
        self._move(self.held.pop(0))
        rest, self.held = self.held, []
        for each in rest:
            if is_far(self.mic, each.row.price, self._reference()):
                self.held.append(each)
                start = released(self.mic, [h.row for h in self.held])
                freed = [] if start is None else self.held[start:]
                self.held = self.held if start is None else []
            else:
                self.held, freed = [], [each]
            for point in freed:
                self._move(point)

    def _move(self, point: HeldPoint) -> None:
        self.day.accepted = point.row.price
        self._remember(point.second_ns, point.row.price)

    def _remember(self, t_ns: int, price: int) -> None:
        phase = self.venue.phase(t_ns)
        if phase is Phase.regular:
            self.day.regular.append((t_ns, price))
        elif phase is Phase.closing_auction:
            self.day.auction.append((t_ns, price))
