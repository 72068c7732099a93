"""One listing: what each of its rows does to it (docs/semantics.md 2 to 6)."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from agents.reacting.badtick import HELD_NS, BadTickFilter, Trade, is_far
from agents.reacting.closes import DailyTable, DayPrices, OfficialPrint, close_of
from agents.reacting.moves import Crossing, Ladder
from agents.reacting.sessions import Sessions
from agents.reacting.tape import Tape
from streams.events import I64, SECOND_NS, Direction, Flag, Listing, Phase

OFFICIAL = int(Flag.official_close | Flag.corrected_close)
CORRECTED = int(Flag.corrected_close)
OFFICIAL_OPEN = int(Flag.official_open)
BAR, EXTENDED, FIRST_LAST = int(Flag.bar), int(Flag.extended), int(Flag.first_last)
NO_LAST, NO_RANGE, NO_VOLUME = int(Flag.no_last), int(Flag.no_range), int(Flag.no_volume)
KEPT_CLOSES = 16  # trade dates: longer than news is remembered
AUCTION_CLOSES = ("XHKG",)  # venues whose closing auction makes the close (DESIGN 3)


class TickRow(NamedTuple):
    """One tick row; `start_ns` is a bar's first instant, a trade's own time."""

    ts_ns: int
    start_ns: int
    price: int
    high: int
    low: int
    size: int
    flags: int
    exchange: str


class KeptListing(msgspec.Struct):
    """Everything a snapshot keeps of a listing, its tape apart."""

    filter: BadTickFilter
    date: int = -1  # trade date, days since 1970; -1 before the first row
    last: int | None = None  # last price accepted on this trade date
    first_trade_ns: int | None = None
    carried: int = 0  # volume without a price, for the next row that has one
    day: DayPrices = msgspec.field(default_factory=DayPrices)
    ladder: Ladder = msgspec.field(default_factory=Ladder)
    rolled: tuple[int, int] | None = None  # (trade date, close) of the last roll that had a close
    session_closes: dict[int, int] = {}  # past trade dates: the close as it was when it fell due
    resolved: tuple[str, ...] = ()  # alerts of this trade date that have ended: nothing reopens
    first_passed: dict[str, int] = {}  # direction -> when the lowest level was last passed


class ListingState:
    """A listing at work. `apply` returns what the row passed; rejects gather in `rejected`."""

    __slots__ = (
        "close_due_ns",
        "daily",
        "index",
        "ineligible",
        "listing",
        "market",
        "name",
        "phase",
        "rejected",
        "segment_date",
        "segment_hi",
        "segment_lo",
        "sessions",
        "state",
        "tape",
    )

    def __init__(
        self,
        index: int,
        listing: Listing,
        sessions: Sessions,
        daily: DailyTable,
        market: str = "",
    ) -> None:
        self.index, self.listing, self.name = index, listing, listing.listing
        self.market = market  # the listing of its benchmark
        self.sessions, self.daily = sessions, daily
        self.tape = Tape(sessions)
        self.state = KeptListing(filter=BadTickFilter(mic=listing.mic))
        self.rejected: tuple[tuple[str, Trade], ...] = ()
        self.ineligible = 0
        self.segment_lo = self.segment_hi = 0
        self.segment_date, self.phase = -1, Phase.closed
        self.close_due_ns = 0

    def restore(self, state: KeptListing, tape: Tape) -> None:
        """Take the state of a snapshot."""
        self.state, self.tape = state, tape
        self.segment_lo = self.segment_hi = 0
        self.close_due_ns = self.sessions.close_due(state.date)

    # -- rows

    def apply(self, row: TickRow) -> list[Crossing]:
        """Apply one valid row that is neither late nor a repeat."""
        self.enter(row.start_ns)
        if self.phase is Phase.closed:
            self.ineligible += 1
            return []
        if self.segment_date != self.state.date:
            if self.segment_date < self.state.date:
                self._reject("late", _trade(row))
                return []
            self.roll(self.segment_date)
        return self._sort(row, self._effective(row.flags))

    def take(self, points: I64, last: int) -> None:
        """Accept many rows at once, as points, none of which needed thought."""
        self.tape.extend(points)
        self._set_last(last, self.phase, 0)  # none lies past the close: such rows need thought

    def enter(self, t_ns: int) -> None:
        """Make the segment of `t_ns` the current one."""
        if self.segment_lo <= t_ns < self.segment_hi:
            return
        segment = self.sessions.segment(t_ns)
        self.segment_lo, self.segment_hi = self.sessions.segment_bounds(segment)
        self.segment_date = self.sessions.date_of(segment)
        self.phase = self.sessions.phase_of(segment)

    def _effective(self, flags: int) -> int:
        if flags & EXTENDED and self.phase is Phase.regular:
            flags |= NO_LAST | NO_RANGE
        if flags & FIRST_LAST and self.state.first_trade_ns is not None:
            flags |= NO_LAST
        return flags

    def _sort(self, row: TickRow, flags: int) -> list[Crossing]:
        if flags & OFFICIAL:
            mark = OfficialPrint(row.ts_ns, row.price, row.size, bool(flags & CORRECTED))
            self.state.day.officials.append(mark)
            return []
        if flags & OFFICIAL_OPEN:
            return []
        if flags & NO_LAST:
            return self._without_last(row, flags)
        if flags & BAR:
            return self._bar(row, flags)
        trade = _trade(row, flags)
        return self._settle(*self.state.filter.judge(trade, self.reference()), row.ts_ns)

    def _without_last(self, row: TickRow, flags: int) -> list[Crossing]:
        volume = 0 if flags & NO_VOLUME else row.size
        if flags & NO_RANGE:
            self.state.carried += volume
            return []
        reference = self.reference()
        if reference is None or is_far(self.listing.mic, row.price, reference):
            self._reject("bad_tick", _trade(row))
            return []
        self.tape.add(row.ts_ns, reference, row.high, row.low, volume, sets_last=False)
        return self.pass_levels(row.ts_ns, row.high, row.low)

    def _bar(self, row: TickRow, flags: int) -> list[Crossing]:
        for trade in self.state.filter.pass_bar(row.price, self.reference()):
            self._reject("bad_tick", trade)
        self.state.filter.expired = None
        volume = 0 if flags & NO_VOLUME else row.size
        return self._accept(row.ts_ns, row.price, row.high, row.low, volume)

    def _settle(
        self, rejected: list[Trade], accepted: list[Trade], as_of_ns: int
    ) -> list[Crossing]:
        for trade in rejected:
            self._reject("bad_tick", trade)
        crossings: list[Crossing] = []
        for trade in accepted:
            volume = 0 if trade.flags & NO_VOLUME else trade.size
            crossings += self._accept(as_of_ns, trade.price, trade.price, trade.price, volume)
        return crossings

    def _accept(self, t_ns: int, price: int, high: int, low: int, volume: int) -> list[Crossing]:
        self._set_last(price, self.phase, t_ns)
        if self.state.first_trade_ns is None:
            self.state.first_trade_ns = t_ns
        self.tape.add(t_ns, price, high, low, volume + self.state.carried)
        self.state.carried = 0
        return self.pass_levels(t_ns, high, low)

    def _set_last(self, price: int, phase: Phase, t_ns: int) -> None:
        self.state.last = price
        day, late = self.state.day, t_ns > self.close_due_ns
        if phase is Phase.regular and late:
            day.late_regular = price
        elif phase is Phase.regular:
            day.last_regular = price
        elif phase is Phase.closing_auction and late:
            day.late_auction = price
        elif phase is Phase.closing_auction:
            day.last_auction = price

    def _reject(self, reason: str, trade: Trade) -> None:
        self.rejected += ((reason, trade),)

    def reference(self) -> int | None:
        """Return the price the filter judges by: the last of this trade date, else the close."""
        return self.state.last if self.state.last is not None else self.state.ladder.close

    # -- expiry

    def expire(self) -> list[Crossing]:
        """Let the oldest held row expire, as of its time + 60 s."""
        due_ns = self.state.filter.held[0].ts_ns + HELD_NS
        self.enter(due_ns)
        before = self.state.last
        trade, rest, expired = self.state.filter.expire()
        self._set_last(trade.price, self.sessions.phase(trade.ts_ns), due_ns)
        if self.tape.newest_second < due_ns // SECOND_NS:
            edge = trade.price if before is None else before
            self.tape.add(due_ns, trade.price, edge, edge, 0)
        crossings: list[Crossing] = []
        if expired is not None:
            crossings = self._thin(due_ns, expired, trade.price)
        for held in rest:
            crossings += self._settle(*self.state.filter.judge(held, self.reference()), due_ns)
        return crossings

    def give_way(self) -> None:
        """Let the oldest held row become the last price and nothing else: a benchmark's expiry.

        A point on the tape would lie in the past of whoever has read it by now.
        """
        trade, rest, _ = self.state.filter.expire()
        self._set_last(trade.price, self.sessions.phase(trade.ts_ns), trade.ts_ns)
        for held in rest:
            for freed in self.state.filter.judge(held, self.reference()).accepted:
                self._set_last(freed.price, self.sessions.phase(freed.ts_ns), freed.ts_ns)

    def _thin(self, due_ns: int, first: int, second: int) -> list[Crossing]:
        ladder, found = self.state.ladder, []
        if up := ladder.pass_up(min(first, second)):
            found.append(self._crossing(due_ns, "up", up, second, ("thin",)))
        if down := ladder.pass_down(max(first, second)):
            found.append(self._crossing(due_ns, "down", down, second, ("thin",)))
        return found

    # -- levels, trade dates

    def pass_levels(self, t_ns: int, high: int, low: int) -> list[Crossing]:
        """Return the levels that this row passes: its high first, then its low."""
        ladder = self.state.ladder
        found = []
        if high >= ladder.next_up():
            found.append(self._crossing(t_ns, "up", ladder.pass_up(high), high))
        if low <= ladder.next_down():
            found.append(self._crossing(t_ns, "down", ladder.pass_down(low), low))
        return found

    def _crossing(
        self,
        t_ns: int,
        direction: Direction,
        levels: tuple[int, ...],
        price: int,
        flags: tuple[str, ...] = (),
    ) -> Crossing:
        close = self.state.ladder.close
        assert close is not None  # no level is passed without one
        return Crossing(t_ns, direction, levels, price, close, self.phase.name, flags)

    def roll(self, date: int) -> None:
        """Begin trade date `date`."""
        state = self.state
        close = self.close_of_date()
        if close is not None:
            state.rolled = (state.date, close)
        in_time = self.session_close(state.date)
        if in_time is not None:
            state.session_closes[state.date] = in_time
            if len(state.session_closes) > KEPT_CLOSES:
                del state.session_closes[min(state.session_closes)]
        state.date, state.last, state.first_trade_ns = date, None, None
        self.close_due_ns = self.sessions.close_due(date)
        state.carried = 0
        state.day, state.filter.expired, state.resolved = DayPrices(), None, ()
        state.ladder = Ladder(close=self.daily.previous_close(date, state.rolled))

    def close_of_date(self, until_ns: int | None = None) -> int | None:
        """Return the close of the current trade date by rules (2)-(4)."""
        auction = self.listing.mic in AUCTION_CLOSES
        return close_of(self.state.day, auction_counts=auction, until_ns=until_ns)

    def session_close(self, date: int) -> int | None:
        """Return the close of a trade date as it was when it fell due; None where there is none."""
        if date == self.state.date:
            return self.close_of_date(self.close_due_ns)
        return self.state.session_closes.get(date)

    def previous_close(self, date: int) -> int | None:
        """Return the previous close of any trade date, as far as it is known now."""
        if date == self.state.date:
            return self.state.ladder.close
        if date < self.state.date:
            return self.daily.previous_close(date)
        close = self.close_of_date()
        rolled = self.state.rolled if close is None else (self.state.date, close)
        return self.daily.previous_close(date, rolled)


def listing_named(lines: list[ListingState], name: str) -> ListingState:
    """Return the line of that name; an issuer has a few at most."""
    return next(line for line in lines if line.name == name)


def _trade(row: TickRow, flags: int | None = None) -> Trade:
    kept = row.flags if flags is None else flags
    return Trade(row.ts_ns, row.price, row.size, row.exchange, kept)
