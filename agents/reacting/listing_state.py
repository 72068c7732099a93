"""One listing: what each of its rows does to it (docs/semantics.md 2 to 6)."""

from __future__ import annotations

from typing import NamedTuple

from agents.reacting.badtick import BadTickFilter, FilterVerdict, Trade, is_far
from agents.reacting.closes import DailyTable, OfficialPrint
from agents.reacting.kept_listing import KeptListing
from agents.reacting.moves import Crossing
from agents.reacting.sessions import Sessions
from agents.reacting.tapes.tape import Tape
from streams.events import I64, Flag, Listing, Phase

OFFICIAL = int(Flag.official_close | Flag.corrected_close)
CORRECTED = int(Flag.corrected_close)
OFFICIAL_OPEN = int(Flag.official_open)
BAR, EXTENDED, FIRST_LAST = int(Flag.bar), int(Flag.extended), int(Flag.first_last)
NO_LAST, NO_RANGE, NO_VOLUME = int(Flag.no_last), int(Flag.no_range), int(Flag.no_volume)


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
            self.state.roll(self.segment_date, self.close_due_ns, self.daily)
            self.close_due_ns = self.sessions.close_due(self.segment_date)
        return self._sort(row, self._effective(row.flags))

    def take(self, points: I64, last: int) -> None:
        """Accept many rows at once, as points, none of which needed the scalar path."""
        self.tape.extend(points)
        # none lies past the close: such rows need the scalar path
        self.state.set_last(last, self.phase, late=False)

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
        return self.settle(self.state.filter.judge(trade, self.state.reference()), row.ts_ns)

    def _without_last(self, row: TickRow, flags: int) -> list[Crossing]:
        volume = 0 if flags & NO_VOLUME else row.size
        if flags & NO_RANGE:
            self.state.carried += volume
            return []
        reference = self.state.reference()
        if reference is None or is_far(self.listing.mic, row.price, reference):
            self._reject("bad_tick", _trade(row))
            return []
        self.tape.add(row.ts_ns, reference, row.high, row.low, volume, sets_last=False)
        return self.state.ladder.cross(row.ts_ns, row.high, row.low, self.phase)

    def _bar(self, row: TickRow, flags: int) -> list[Crossing]:
        for trade in self.state.filter.pass_bar(row.price, self.state.reference()):
            self._reject("bad_tick", trade)
        self.state.filter.expired = None
        volume = 0 if flags & NO_VOLUME else row.size
        return self._accept(row.ts_ns, row.price, row.high, row.low, volume)

    def settle(self, verdict: FilterVerdict, as_of_ns: int) -> list[Crossing]:
        """Do what the filter has decided, as of `as_of_ns`; return the levels that this passes."""
        for trade in verdict.rejected:
            self._reject("bad_tick", trade)
        crossings: list[Crossing] = []
        for trade in verdict.accepted:
            volume = 0 if trade.flags & NO_VOLUME else trade.size
            crossings += self._accept(as_of_ns, trade.price, trade.price, trade.price, volume)
        return crossings

    def _accept(self, t_ns: int, price: int, high: int, low: int, volume: int) -> list[Crossing]:
        state = self.state
        state.set_last(price, self.phase, late=t_ns > self.close_due_ns)
        if state.first_trade_ns is None:
            state.first_trade_ns, state.first_price = t_ns, price
        self.tape.add(t_ns, price, high, low, volume + state.carried)
        state.carried = 0
        return state.ladder.cross(t_ns, high, low, self.phase)

    def _reject(self, reason: str, trade: Trade) -> None:
        self.rejected += ((reason, trade),)

    def session_close(self, date: int) -> int | None:
        """Return the close of a trade date as it was when it fell due; None where there is none."""
        return self.state.session_close(date, self.close_due_ns)

    def previous_close(self, date: int) -> int | None:
        """Return the previous close of any trade date, as far as it is known now."""
        return self.state.previous_close(date, self.daily)


def listing_named(lines: list[ListingState], name: str) -> ListingState:
    """Return the line of that name; an issuer has a few at most."""
    return next(line for line in lines if line.name == name)


def _trade(row: TickRow, flags: int | None = None) -> Trade:
    kept = row.flags if flags is None else flags
    return Trade(row.ts_ns, row.price, row.size, row.exchange, kept)
