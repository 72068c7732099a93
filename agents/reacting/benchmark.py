"""The market: a broadcast listing's completed seconds, the same in every partition."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from agents.reacting.closes import DailyTable
from agents.reacting.expiry import give_way
from agents.reacting.kept_listing import KeptListing
from agents.reacting.listing_state import ListingState, TickRow
from agents.reacting.sessions import Sessions
from agents.reacting.tapes.points import TapeState
from agents.reacting.tapes.tape import Tape
from streams.events import I32, I64, SECOND_NS, Listing, Phase


class Points(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Completed seconds of one broadcast listing, rising."""

    listing: str
    second: I64
    last: I64
    high: I64
    low: I64
    volume: I64
    flags: I32

    def take(self, which: npt.NDArray[np.bool_]) -> Points:
        """Return some of them, in their order."""
        columns = ("second", "last", "high", "low", "volume", "flags")
        return Points(
            listing=self.listing, **{each: getattr(self, each)[which] for each in columns}
        )


class Benchmark:
    """One benchmark: a listing of its own, whose trades are the points, each at its second's start."""

    def __init__(self, listing: Listing, sessions: Sessions, daily: DailyTable) -> None:
        self.name = listing.listing
        self.sessions = sessions
        self._line = ListingState(-1, listing, sessions, daily)
        self._newest_second = -1

    @property
    def tape(self) -> Tape:
        """Return its tape."""
        return self._line.tape

    @property
    def daily(self) -> DailyTable:
        """Return its `[[daily]]` rows."""
        return self._line.daily

    def state(self) -> tuple[int, KeptListing, TapeState]:
        """Return what `restore` needs."""
        return self._newest_second, self._line.state, self._line.tape.state()

    def restore(self, newest_second: int, state: KeptListing, tape: Tape) -> None:
        """Take the state of a snapshot."""
        self._newest_second = newest_second
        self._line.restore(state, tape)

    def read(self, points: Points) -> None:
        """Take points in; one that is not newer than the newest is ignored."""
        fresh = points.second > self._newest_second
        if not fresh.any():
            return
        columns = (points.second, points.last, points.high, points.low, points.volume)
        block = np.array([column[fresh] for column in columns], np.int64)
        if not self._take_all(block):
            for point, flags in zip(block.T.tolist(), points.flags[fresh].tolist(), strict=True):
                self._take(point, flags)

    def _take_all(self, block: I64) -> bool:
        """Take a whole block that needs no scalar path: none held, none far, one segment."""
        line, starts_ns = self._line, block[0] * SECOND_NS
        calm = line.state.last is not None and not line.state.filter.held
        inside = line.segment_lo <= starts_ns[0] and starts_ns[-1] < line.segment_hi
        if not calm or not inside or line.phase is Phase.closed:
            return False
        before: I64 = np.roll(block[1], 1)
        before[0] = line.state.last or 0
        far = np.abs(block[1] - before) * 1000 > 8 * before  # wider than far: a superset
        if far.any() or line.state.date != line.segment_date or (np.diff(block[0]) <= 0).any():
            return False
        line.take(np.vstack((block, starts_ns)), int(block[1, -1]))
        self._newest_second = int(block[0, -1])
        return True

    def _take(self, point: list[int], flags: int) -> None:
        second, last, high, low, volume = point
        ts_ns, line = second * SECOND_NS, self._line
        line.enter(ts_ns)
        if line.phase is Phase.closed or second <= self._newest_second:
            return
        self._newest_second = second
        while (due_ns := line.state.filter.due_ns()) is not None and due_ns <= ts_ns:
            give_way(line)
        line.apply(TickRow(ts_ns, ts_ns, last, high, low, volume, flags, ""))
        line.rejected = ()  # its trades are judged, and rejected, in their own partition

    def previous_close(self, t_ns: int) -> int | None:
        """Return its previous close on the trade date of `t_ns`."""
        return self._line.previous_close(self.sessions.trade_date(t_ns))

    def price_on(self, date: int, t_ns: int, as_of_ns: int) -> int | None:
        """Return its price at `t_ns`; None where it has not traded on trade date `date` by then."""
        price = self.tape.at(t_ns, as_of_ns)
        if price is None or self.sessions.trade_date(price.end_ns - 1) != date:
            return None
        return price.price
