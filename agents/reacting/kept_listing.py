"""What is kept of one listing between two rows, and how a trade date ends and begins."""

from __future__ import annotations

import msgspec

from agents.reacting.badtick import BadTickFilter
from agents.reacting.closes import DailyTable, DayPrices, close_of
from agents.reacting.moves import Ladder
from streams.events import Phase

KEPT_CLOSES = 16  # trade dates: longer than news is remembered
AUCTION_CLOSES = ("XHKG",)  # venues whose closing auction makes the close (DESIGN 3)


class KeptListing(msgspec.Struct):
    """Everything a snapshot keeps of a listing, its tape apart."""

    filter: BadTickFilter
    date: int = -1  # trade date, days since 1970; -1 before the first row
    last: int | None = None  # last price accepted on this trade date
    first_trade_ns: int | None = None
    first_price: int | None = None  # of the first trade
    carried: int = 0  # volume without a price, for the next row that has one
    day: DayPrices = msgspec.field(default_factory=DayPrices)
    ladder: Ladder = msgspec.field(default_factory=Ladder)
    rolled: tuple[int, int] | None = None  # (trade date, close) of the last roll that had a close
    session_closes: dict[int, int] = {}  # past trade dates: the close as it was when it fell due
    resolved: tuple[str, ...] = ()  # alerts of this trade date that have ended: nothing reopens
    first_passed: dict[str, int] = {}  # direction -> when the lowest level was last passed

    def reference(self) -> int | None:
        """Return the price the filter judges by: the last of this trade date, else the close."""
        return self.last if self.last is not None else self.ladder.close

    def set_last(self, price: int, phase: Phase, *, late: bool) -> None:
        """Set the last price, and that of its phase; `late`: after the session close fell due."""
        self.last, day = price, self.day
        if phase is Phase.regular:
            if late:
                day.late_regular = price
            else:
                day.last_regular = price
        elif phase is Phase.closing_auction:
            if late:
                day.late_auction = price
            else:
                day.last_auction = price

    # -- trade dates

    def roll(self, date: int, close_due_ns: int, daily: DailyTable) -> None:
        """Begin trade date `date`; `close_due_ns`: when the close of the one before fell due."""
        close = self.close_of_date()
        if close is not None:
            self.rolled = (self.date, close)
        in_time = self.session_close(self.date, close_due_ns)
        if in_time is not None:
            self.session_closes[self.date] = in_time
            if len(self.session_closes) > KEPT_CLOSES:
                del self.session_closes[min(self.session_closes)]
        self.date, self.last, self.first_trade_ns, self.first_price = date, None, None, None
        self.carried = 0
        self.day, self.filter.expired, self.resolved = DayPrices(), None, ()
        self.ladder = Ladder(close=daily.previous_close(date, self.rolled))

    def close_of_date(self, until_ns: int | None = None) -> int | None:
        """Return the close of the current trade date by rules (2)-(4) of DESIGN 3."""
        auction = self.filter.mic in AUCTION_CLOSES
        return close_of(self.day, auction_counts=auction, until_ns=until_ns)

    def session_close(self, date: int, close_due_ns: int) -> int | None:
        """Return the close of a trade date as it was when it fell due; None where there is none.

        `close_due_ns` is that of the current trade date.
        """
        if date == self.date:
            return self.close_of_date(close_due_ns)
        return self.session_closes.get(date)

    def previous_close(self, date: int, daily: DailyTable) -> int | None:
        """Return the previous close of any trade date, as far as it is known now."""
        if date == self.date:
            return self.ladder.close
        if date < self.date:
            return daily.previous_close(date)
        close = self.close_of_date()
        rolled = self.rolled if close is None else (self.date, close)
        return daily.previous_close(date, rolled)
