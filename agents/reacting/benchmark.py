"""The market: a broadcast listing's completed seconds, the same in every partition."""

from __future__ import annotations

import msgspec
import numpy as np

from agents.reacting.badtick import HELD_NS, BadTickFilter, Trade
from agents.reacting.closes import DailyTable
from agents.reacting.sessions import Sessions
from agents.reacting.tape import Tape, TapeState
from streams.events import I32, I64, SECOND_NS, Flag, Listing, Phase

BAR = int(Flag.bar)
KEPT_DATES = 16  # closes kept: a reaction never looks further back


class Points(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Completed seconds of one broadcast listing, rising."""

    listing: str
    second: I64
    last: I64
    high: I64
    low: I64
    volume: I64
    flags: I32


class BenchmarkState(msgspec.Struct):
    """What a snapshot keeps of a benchmark, its tape apart."""

    filter: BadTickFilter
    last: int | None = None
    closes: dict[int, int] = {}  # trade date -> last accepted regular price


class Benchmark:
    """The tape of one benchmark, filtered on reading."""

    def __init__(self, listing: Listing, sessions: Sessions, daily: DailyTable) -> None:
        self.name, self.sessions, self.daily = listing.listing, sessions, daily
        self.tape = Tape(sessions)
        self.state = BenchmarkState(filter=BadTickFilter(mic=listing.mic))

    def restore(self, state: BenchmarkState, tape: TapeState) -> None:
        """Take the state of a snapshot."""
        self.state, self.tape = state, Tape(self.sessions, tape)

    def read(self, points: Points) -> None:
        """Take points in; one that is not newer than the tape is ignored."""
        fresh = points.second > self.tape.newest_second
        block = np.empty((6, int(fresh.sum())), np.int64)
        columns = (points.second, points.last, points.high, points.low, points.volume)
        for row, column in enumerate(columns):
            block[row] = column[fresh]
        block[5] = (block[0] + 1) * SECOND_NS
        if block.shape[1] and not self._extend_quiet(block):
            for point, flags in zip(block.T.tolist(), points.flags[fresh].tolist(), strict=True):
                self._take(point, flags)

    def _extend_quiet(self, block: I64) -> bool:
        """Take a whole block where no point needs thought: none held, none far, one segment."""
        if self.state.filter.held or self.state.last is None:
            return False
        before = np.concatenate(([self.state.last], block[1, :-1]))
        if (np.abs(block[1] - before) * 1000 > 8 * before).any():  # wider than far: a superset
            return False
        lo, hi = self.sessions.segment_bounds(self.sessions.segment(int(block[0, 0]) * SECOND_NS))
        if int(block[0, -1]) * SECOND_NS >= hi:
            return False
        self.tape.extend(block)
        self._set_last(int(block[0, -1]), int(block[1, -1]))
        return True

    def _take(self, point: list[int], flags: int) -> None:
        second, last, high, low, volume, end_ns = point
        self._expire(end_ns)
        if flags & BAR:
            self.state.filter.pass_bar(last, self.state.last)
            self._accept(second, last, high, low, volume)
            return
        verdict = self.state.filter.judge(Trade(end_ns, last, volume, "", flags), self.state.last)
        for trade in verdict.accepted:
            clean = trade.price == last  # a released point sets its last, not its range
            self._accept(
                second, trade.price, *((high, low) if clean else (trade.price,) * 2), volume
            )

    def _expire(self, now_ns: int) -> None:
        held = self.state.filter
        while held.held and held.held[0].ts_ns + HELD_NS <= now_ns:
            trade, rest, _ = held.expire()
            second = (trade.ts_ns + HELD_NS) // SECOND_NS
            if second > self.tape.newest_second:
                self._accept(second, trade.price, trade.price, trade.price, 0)
            for waiting in rest:
                for freed in held.judge(waiting, self.state.last).accepted:
                    self._accept(second, freed.price, freed.price, freed.price, 0)

    def _accept(self, second: int, last: int, high: int, low: int, volume: int) -> None:
        self.tape.add(second * SECOND_NS, last, high, low, volume)
        self._set_last(second, last)

    def _set_last(self, second: int, last: int) -> None:
        self.state.last = last
        segment = self.sessions.segment(second * SECOND_NS)
        if self.sessions.phase_of(segment) is not Phase.regular:
            return
        date = self.sessions.date_of(segment)
        self.state.closes[date] = last
        if len(self.state.closes) > KEPT_DATES:
            del self.state.closes[min(self.state.closes)]

    def price_at(self, t_ns: int, as_of_ns: int) -> int | None:
        """Return the benchmark's price at `t_ns`; None before its tape."""
        price = self.tape.at(t_ns, as_of_ns)
        return None if price is None else price.price

    def day_return(self, t_ns: int) -> float | None:
        """Return its return since its previous close; None where it has not traded that date."""
        price = self.tape.at(t_ns, t_ns)
        segment_date = self.sessions.trade_date(t_ns)
        if price is None or self.sessions.trade_date(price.end_ns - 1) != segment_date:
            return None
        earlier = [d for d in self.state.closes if d < segment_date]
        rolled = (max(earlier), self.state.closes[max(earlier)]) if earlier else None
        close = self.daily.previous_close(segment_date, rolled)
        return None if close is None else price.price / close - 1.0
