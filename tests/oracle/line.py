"""One listing's state, and what one row does to it (sections 2 to 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.events import Flag, Listing, Phase
from tests.oracle.closes import DailyRow, Day, Print, close_of, previous_close
from tests.oracle.filter import EXPIRY_NS, is_far, released
from tests.oracle.outputs import Outputs, as_price
from tests.oracle.rows import Row
from tests.oracle.tape import Tape
from tests.oracle.venue import Venue, iso_date

LEVELS_PCT = (3, 5, 8, 10, 15, 20)


def beyond(direction: str, price: int, close: int, level: int) -> bool:
    distance = price - close if direction == "up" else close - price
    return 100 * distance >= level * close


def folded(flags: Flag, phase: Phase, day: Day) -> Flag:
    """Return the flags with `extended` and `first_last` turned into what they mean (step 3)."""
    if Flag.extended in flags and phase is Phase.regular:
        flags |= Flag.no_last | Flag.no_range
    if Flag.first_last in flags and day.first_trade_ns is not None:
        flags |= Flag.no_last
    return flags


class Moment(NamedTuple):
    """When a level is passed, and how: what a Move says of its time."""

    ts_ns: int
    phase: Phase
    flags: tuple[str, ...] = ()


class Line:
    """One listing."""

    def __init__(
        self, listing: Listing, venue: Venue, daily: Sequence[DailyRow], out: Outputs
    ) -> None:
        self.listing, self.venue, self.out = listing, venue, out
        self.daily = [row for row in daily if row.listing == listing.listing]
        self.tape = Tape(venue)
        self.held: list[Row] = []
        self.days: dict[int, Day] = {}
        self.day: Day | None = None

    def previous_close(self, date: int) -> int | None:
        rolled = {d: close_of(day, self.listing.mic) for d, day in self.days.items() if d < date}
        known = {d: close for d, close in rolled.items() if close is not None}
        return previous_close(date, self.daily, known)

    def _today(self) -> Day:
        assert self.day is not None
        return self.day

    def apply(self, row: Row) -> None:
        """Do the numbered steps of section 2."""
        phase = self.venue.phase(row.session_ns)
        date = self.venue.trade_date(row.session_ns)
        if phase is Phase.closed:
            self.out.ineligible += 1
            return
        if self.day is not None and date < self.day.date:
            self.out.reject("late", row.listing, row.ts_ns)
            return
        if self.day is None or date > self.day.date:
            self._roll(date)
        self._apply_today(row, folded(row.flags, phase, self._today()), phase)

    def _roll(self, date: int) -> None:
        assert not self.held
        self.day = self.days[date] = Day(date, self.previous_close(date))

    def _apply_today(self, row: Row, flags: Flag, phase: Phase) -> None:
        row = row._replace(flags=flags)
        if flags & (Flag.official_close | Flag.corrected_close):
            corrected = Flag.corrected_close in flags
            self._today().prints.append(Print(row.ts_ns, row.price, row.size, corrected))
        elif Flag.official_open in flags:
            return
        elif Flag.no_last in flags and Flag.no_range in flags:
            self._volume(row)
        elif Flag.no_last in flags:
            self._range_only(row, phase)
        elif Flag.bar in flags:
            self._bar(row, phase)
        else:
            self.judge(row)

    def _volume(self, row: Row) -> None:
        if Flag.no_volume not in row.flags:
            self._today().carried += row.size

    def _range_only(self, row: Row, phase: Phase) -> None:
        reference = self.reference()
        if reference is None or is_far(self.listing.mic, row.price, reference):
            self.out.reject("bad_tick", row.listing, row.ts_ns)
            return
        _, high, low, _ = row.prices
        volume = 0 if Flag.no_volume in row.flags else row.size
        self.tape.widen(row.ts_ns, reference, high, low, volume)
        self.test_levels(high, low, row.ts_ns, phase)

    def _bar(self, row: Row, phase: Phase) -> None:
        if self.held and not is_far(self.listing.mic, row.price, self.reference()):
            self._reject_held(len(self.held))
        self.accept(row, row.ts_ns, phase)

    def reference(self) -> int | None:
        day = self._today()
        return day.previous_close if day.accepted is None else day.accepted

    def judge(self, row: Row, as_of_ns: int | None = None) -> None:
        """Pass one trade through the filter; `as_of_ns` where it was held before."""
        if is_far(self.listing.mic, row.price, self.reference()):
            self.held.append(row)
            self._release(row.ts_ns if as_of_ns is None else as_of_ns)
            return
        self._reject_held(len(self.held))
        self._accept_at(row, row.ts_ns if as_of_ns is None else as_of_ns)

    def _release(self, as_of_ns: int) -> None:
        start = released(self.listing.mic, self.held)
        if start is None:
            return
        self._reject_held(start)
        rows, self.held = self.held, []
        for row in rows:
            self._accept_at(row, as_of_ns)

    def _reject_held(self, count: int) -> None:
        for row in self.held[:count]:
            self.out.reject("bad_tick", row.listing, row.ts_ns)
        del self.held[:count]

    def _accept_at(self, row: Row, t_ns: int) -> None:
        self.accept(row, t_ns, self.venue.phase(t_ns))

    def accept(self, row: Row, t_ns: int, phase: Phase) -> None:
        """Do step 8."""
        day = self._today()
        day.accepted, day.expired = row.price, None
        if day.first_trade_ns is None:
            day.first_trade_ns, day.first_price = t_ns, row.price
        self._remember(t_ns, row.price, phase)
        volume = day.carried + (0 if Flag.no_volume in row.flags else row.size)
        day.carried = 0
        if Flag.no_range in row.flags:
            point = self.tape.at(t_ns)
            high, low = (row.price, row.price) if point is None else (point.high, point.low)
            self.tape.trade(t_ns, row.price, high, low, volume)
            return
        _, high, low, _ = row.prices
        self.tape.trade(t_ns, row.price, high, low, volume)
        self.test_levels(high, low, t_ns, phase)

    def _remember(self, t_ns: int, price: int, phase: Phase) -> None:
        if phase is Phase.regular:
            self._today().regular.append((t_ns, price))
        elif phase is Phase.closing_auction:
            self._today().auction.append((t_ns, price))

    @property
    def expiry_ns(self) -> int | None:
        return self.held[0].ts_ns + EXPIRY_NS if self.held else None

    def expire(self) -> None:
        """Let the first held row become the last price, and judge the others again."""
        day, row = self._today(), self.held.pop(0)
        due, before, expired_before = row.ts_ns + EXPIRY_NS, day.accepted, day.expired
        day.accepted = day.expired = row.price
        self._remember(due, row.price, self.venue.phase(row.ts_ns))
        mark_expiry(self.tape, due, row.price, before)
        if expired_before is not None:
            top, bottom = max(row.price, expired_before), min(row.price, expired_before)
            self._thin("up", bottom, due, row.price)
            self._thin("down", top, due, row.price)
        rest, self.held = self.held, []
        for each in rest:
            self.judge(each, due)

    def _thin(self, direction: str, nearer: int, due_ns: int, price: int) -> None:
        """Open the levels that both prices are beyond: those the `nearer` one reaches."""
        self._pass(direction, nearer, price, Moment(due_ns, self.venue.phase(due_ns), ("thin",)))

    def test_levels(self, high: int, low: int, t_ns: int, phase: Phase) -> None:
        self._pass("up", high, high, Moment(t_ns, phase))
        self._pass("down", low, low, Moment(t_ns, phase))

    def _pass(self, direction: str, tested: int, price: int, when: Moment) -> None:
        """Write a Move for each level newly passed, and one transition at the highest."""
        day = self._today()
        close = day.previous_close
        if close is None:
            return
        reached = [level for level in LEVELS_PCT if beyond(direction, tested, close, level)]
        new = [level for level in reached if (direction, level) not in day.passed]
        for level in new:
            day.passed.add((direction, level))
            self.out.moves.append(
                {
                    "listing": self.listing.listing,
                    "trade_date": iso_date(day.date),
                    "direction": direction,
                    "level_pct": level,
                    "ts_ns": when.ts_ns,
                    "session": when.phase.name,
                    "price": as_price(price),
                    "reference_price": as_price(close),
                    "flags": when.flags,
                }
            )
        if new:
            key = (self.listing.listing, iso_date(day.date), direction)
            self.out.alert(key, when.ts_ns, new[-1])
            self.out.crossed(key, self, when.ts_ns, price)


def mark_expiry(tape: Tape, due_ns: int, price: int, before: int | None) -> None:
    """Put the expired price on the tape where nothing newer is there."""
    if not tape.points or tape.points[-1].end_ns <= due_ns:
        extreme = price if before is None else before
        tape.make(due_ns, price, extreme, extreme, 0)
