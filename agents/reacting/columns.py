"""The column pass: find the rows that need the scalar path, and commit all others at once.

```
RowRun -> needs_scalar: outside_segment | after_close | odd_flags | far | runs_back | passes_level
            |
            +- True  -> ListingState.apply, row by row; then `copy` brings its result back here
            +- False -> commit: a row that could only have been accepted
                          volume rows among them -> `_carry` -> volume of the next priced row
                          `_points_of`: sort by listing -> one point a second (last, max, min, sum)
                          `_hand_out` -> ListingState.take -> Tape.extend
```

Whatever this pass commits is exactly what `ListingState.apply` would have done (tests/reacting/test_parity.py).
Every condition may ask for the scalar path too often, never too rarely.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from agents.reacting.badtick import FAR_PER_MILLE
from agents.reacting.listing_state import ListingState
from agents.reacting.moves import OUT_OF_REACH
from agents.reacting.tapes.points import HIGH, LAST, LAST_TS, LOW, SECOND, VOLUME
from streams.events import I32, I64, NEVER_NS, SECOND_NS, Flag, Phase

Mask = npt.NDArray[np.bool_]
BAR, EXTENDED, NO_VOLUME = int(Flag.bar), int(Flag.extended), int(Flag.no_volume)
SILENT = int(Flag.no_last | Flag.no_range)  # together: a volume row
PLAIN = BAR | EXTENDED | SILENT  # any other flag is odd


class RowRun(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Consecutive tick rows, with the Clocks between them as a column.

    `listing` holds engine indices; `clock_ns` is the newest Clock before each row (-1: none yet).
    """

    listing: I32
    ts_ns: I64
    start_ns: I64
    price: I64
    high: I64
    low: I64
    size: I64
    flags: I32
    exchange: I32
    clock_ns: I64
    exchanges: tuple[str, ...] = ("",)

    def __len__(self) -> int:
        return len(self.ts_ns)

    def take(self, rows: npt.NDArray[np.int64] | Mask | slice) -> RowRun:
        """Return some of the rows, in their order."""
        price, ts_ns = self.price[rows], self.ts_ns[rows]
        return RowRun(
            listing=self.listing[rows],
            ts_ns=ts_ns,
            # of trades these are the very same columns
            start_ns=ts_ns if self.start_ns is self.ts_ns else self.start_ns[rows],
            price=price,
            high=price if self.high is self.price else self.high[rows],
            low=price if self.low is self.price else self.low[rows],
            size=self.size[rows],
            flags=self.flags[rows],
            exchange=self.exchange[rows],
            clock_ns=self.clock_ns[rows],
            exchanges=self.exchanges,
        )


class Columns:
    """What the column pass must know of every listing, one array element each."""

    def __init__(self, lines: list[ListingState]) -> None:
        n = len(lines)
        self.lines = lines
        self.last = np.zeros(n, np.int64)
        self.newest_ns = np.zeros(n, np.int64)
        self.segment_lo = np.zeros(n, np.int64)  # lo = hi = 0: each of its rows is outside
        self.segment_hi = np.zeros(n, np.int64)
        self.close_due_ns = np.full(n, NEVER_NS, np.int64)  # prices after it are not the close's
        self.formal = np.zeros(n, np.bool_)  # phase regular: Form T counts as volume only
        self.carrying = np.zeros(n, np.bool_)  # volume waits for the next priced row
        self.next_up = np.full(n, OUT_OF_REACH, np.int64)
        self.next_down = np.full(n, -OUT_OF_REACH, np.int64)
        self.first_ns = np.array([line.sessions.first_ns for line in lines], np.int64)
        self.end_ns = np.array([line.sessions.end_ns for line in lines], np.int64)

    def copy(self, line: ListingState) -> None:
        """Copy what the scalar path has made of a listing.

        It is eligible for the fast path if its next row need not begin a trade date, meet held rows, or
        end a succession of expired ones.
        """
        state, i = line.state, line.index
        eligible = (
            state.first_trade_ns is not None
            and state.last is not None
            and not state.filter.held
            and state.filter.expired is None  # the next row must end the succession
            and state.date == line.segment_date
            and line.phase is not Phase.closed
        )
        self.segment_lo[i], self.segment_hi[i] = (
            (line.segment_lo, line.segment_hi) if eligible else (0, 0)
        )
        self.formal[i] = line.phase is Phase.regular
        closing = line.phase in (Phase.regular, Phase.closing_auction)
        self.close_due_ns[i] = line.close_due_ns if closing else NEVER_NS
        self.carrying[i] = state.carried > 0
        self.last[i] = state.last or 0
        self.newest_ns[i] = line.tape.newest_second * SECOND_NS
        self.next_up[i], self.next_down[i] = state.ladder.next_up(), state.ladder.next_down()

    def needs_scalar(self, run: RowRun) -> Mask:
        """Return which rows need the scalar path, in the order of the run.

        | condition | what `ListingState` does with such a row |
        |---|---|
        | `outside_segment` | enters another phase or trade date; or it is not eligible (see `copy`) |
        | `after_close` | sets the late close, not the close: a bar that began before it fell due |
        | `odd_flags` | official prints, no last or no range alone, first-last |
        | `runs_back` | inserts a point behind the newest second |
        | `far` | the bad-tick filter may hold it |
        | `passes_level` | makes a Crossing |
        """
        listing, flags = run.listing, run.flags
        outside_segment = (run.start_ns < self.segment_lo[listing]) | (
            run.start_ns >= self.segment_hi[listing]
        )
        after_close = run.ts_ns > self.close_due_ns[listing]
        kind = flags & SILENT
        odd_flags = (flags & ~PLAIN != 0) | ((kind != 0) & (kind != SILENT))
        slow: Mask = outside_segment | after_close | odd_flags
        silent = self._silent(run)
        if silent.any():
            priced = np.flatnonzero(~silent)
            slow[priced] |= self._price_needs_scalar(run.take(priced))
        else:
            slow |= self._price_needs_scalar(run)
        return slow

    def _silent(self, run: RowRun) -> Mask:
        """Return which rows bring nothing but volume."""
        formal = (run.flags & EXTENDED != 0) & self.formal[run.listing]
        silent: Mask = (run.flags & SILENT == SILENT) | formal
        return silent

    def _price_needs_scalar(self, run: RowRun) -> Mask:
        """Return which priced rows run back in time, lie far from the one before, or pass a level."""
        order = np.argsort(run.listing, kind="stable")
        listing, price, ts = run.listing[order], run.price[order], run.ts_ns[order]
        before, since = np.empty_like(price), np.empty_like(ts)
        before[1:], since[1:] = price[:-1], ts[:-1]
        first = np.flatnonzero(np.diff(listing, prepend=-1))
        before[first], since[first] = self.last[listing[first]], self.newest_ns[listing[first]]
        trade = run.flags[order] & BAR == 0
        # wider than `is_far`, which asks for five price ticks besides: a superset
        far = trade & (np.abs(price - before) * 1000 > FAR_PER_MILLE * before)
        runs_back = ts < since
        passes_level = (run.high[order] >= self.next_up[listing]) | (
            run.low[order] <= self.next_down[listing]
        )
        result = np.empty(len(run), np.bool_)
        result[order] = far | runs_back | passes_level
        return result

    def commit(self, run: RowRun) -> None:
        """Accept rows none of which needs the scalar path."""
        silent = self._silent(run)
        if silent.any() or self.carrying[run.listing].any():
            self._carry(run, silent)
            return
        self._hand_out(*_points_of(run, run.size))

    def _carry(self, run: RowRun, silent: Mask) -> None:
        """Accept priced rows, each with the volume of the volume rows of its listing before it."""
        order = np.argsort(run.listing, kind="stable")
        listing, priced = run.listing[order], ~silent[order]
        total = np.cumsum(run.size[order])
        first = np.flatnonzero(np.diff(listing, prepend=-1))
        stops = np.append(first[1:], len(run))
        at = np.flatnonzero(priced)
        volume = np.zeros(len(run), np.int64)
        volume[order[at]] = np.diff(total[at], prepend=0)
        for lo, hi in zip(first.tolist(), stops.tolist(), strict=True):
            self._carry_one(run, order[lo:hi], priced[lo:hi], volume)
        rows = np.sort(order[at])
        if len(rows):
            self._hand_out(*_points_of(run.take(rows), volume[rows]))

    def _carry_one(
        self, run: RowRun, rows: npt.NDArray[np.int64], priced: Mask, volume: I64
    ) -> None:
        """Mend the ends of one listing's rows: what came in before the first, what is left over."""
        index = int(run.listing[rows[0]])
        state = self.lines[index].state
        at = np.flatnonzero(priced)
        if not len(at):
            state.carried += int(run.size[rows].sum())
            self.carrying[index] = state.carried > 0
            return
        volume[rows[at[0]]] = state.carried + int(run.size[rows[: at[0] + 1]].sum())
        state.carried = int(run.size[rows[at[-1] + 1 :]].sum())
        self.carrying[index] = state.carried > 0

    def _hand_out(self, owner: I32, block: I64) -> None:
        """Give each listing its points, which lie together, and take over its last price and time."""
        firsts = np.flatnonzero(np.diff(owner, prepend=-1))
        stops = np.append(firsts[1:], len(owner))
        for i, lo, hi in zip(owner[firsts].tolist(), firsts.tolist(), stops.tolist(), strict=True):
            last = int(block[LAST, hi - 1])
            self.lines[i].take(block[:, lo:hi], last)
            self.last[i] = last
            self.newest_ns[i] = block[SECOND, hi - 1] * SECOND_NS


def _points_of(run: RowRun, volume: I64) -> tuple[I32, I64]:
    """Return the points (6 x n, agents/reacting/tapes/points.py) of rows, by listing and second; their owners."""
    order = np.argsort(run.listing, kind="stable")
    listing, second = run.listing[order], run.ts_ns[order] // SECOND_NS
    change = np.ones(len(run), np.bool_)
    change[1:] = (np.diff(listing) != 0) | (np.diff(second) != 0)
    starts = np.flatnonzero(change)
    ends = np.append(starts[1:], len(run)) - 1
    block = np.empty((6, len(starts)), np.int64)
    price, ts = run.price[order], run.ts_ns[order]
    block[SECOND], block[LAST], block[LAST_TS] = second[starts], price[ends], ts[ends]
    block[HIGH] = np.maximum.reduceat(run.high[order], starts)
    block[LOW] = np.minimum.reduceat(run.low[order], starts)
    block[VOLUME] = np.add.reduceat(volume[order], starts)
    return listing[starts], block
