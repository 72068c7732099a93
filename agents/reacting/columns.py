"""The column pass: find the rows that need thought, and commit all others at once.

A row needs no thought when it could only be accepted: its listing has traded this trade date and holds
nothing, its phase is the one before, its time does not run back, its price is near the one before it
and passes no level. Whatever this pass commits is exactly what `ListingState.apply` would have done.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from agents.reacting.listing_state import ListingState
from agents.reacting.moves import OUT_OF_REACH
from streams.events import I32, I64, NEVER_NS, SECOND_NS, Flag, Phase

Mask = npt.NDArray[np.bool_]
BAR, EXTENDED, NO_VOLUME = int(Flag.bar), int(Flag.extended), int(Flag.no_volume)
SILENT = int(Flag.no_last | Flag.no_range)  # together: a volume row
PLAIN = BAR | EXTENDED | SILENT  # any other flag sends a row to the scalar path


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
        self.segment_lo = np.zeros(n, np.int64)  # lo = hi = 0: every row of it needs thought
        self.segment_hi = np.zeros(n, np.int64)
        self.close_due_ns = np.full(n, NEVER_NS, np.int64)  # prices after it are not the close's
        self.formal = np.zeros(n, np.bool_)  # phase regular: Form T counts as volume only
        self.carrying = np.zeros(n, np.bool_)  # volume waits for the next priced row
        self.next_up = np.full(n, OUT_OF_REACH, np.int64)
        self.next_down = np.full(n, -OUT_OF_REACH, np.int64)
        self.first_ns = np.array([line.sessions.first_ns for line in lines], np.int64)
        self.end_ns = np.array([line.sessions.end_ns for line in lines], np.int64)

    def note(self, line: ListingState) -> None:
        """Take over what the scalar path has made of a listing."""
        state, i = line.state, line.index
        calm = (
            state.first_trade_ns is not None
            and state.last is not None
            and not state.filter.held
            and state.filter.expired is None  # the next row must end the succession
            and state.date == line.segment_date
            and line.phase is not Phase.closed
        )
        self.segment_lo[i], self.segment_hi[i] = (
            (line.segment_lo, line.segment_hi) if calm else (0, 0)
        )
        self.formal[i] = line.phase is Phase.regular
        closing = line.phase in (Phase.regular, Phase.closing_auction)
        self.close_due_ns[i] = line.close_due_ns if closing else NEVER_NS
        self.carrying[i] = state.carried > 0
        self.last[i] = state.last or 0
        self.newest_ns[i] = line.tape.newest_second * SECOND_NS
        self.next_up[i], self.next_down[i] = state.ladder.next_up(), state.ladder.next_down()

    def needs_scalar(self, run: RowRun) -> Mask:
        """Return which rows need thought, in the order of the run."""
        listing, flags = run.listing, run.flags
        mask = (run.start_ns < self.segment_lo[listing]) | (
            run.start_ns >= self.segment_hi[listing]
        )
        kind = flags & SILENT
        mask |= run.ts_ns > self.close_due_ns[listing]  # a bar that began before it
        mask |= (flags & ~PLAIN != 0) | ((kind != 0) & (kind != SILENT))
        silent = self._silent(run)
        if silent.any():
            priced = np.flatnonzero(~silent)
            mask[priced] |= self._odd(run.take(priced))
        else:
            mask |= self._odd(run)
        return mask

    def _silent(self, run: RowRun) -> Mask:
        """Return which rows bring nothing but volume."""
        formal = (run.flags & EXTENDED != 0) & self.formal[run.listing]
        silent: Mask = (run.flags & SILENT == SILENT) | formal
        return silent

    def _odd(self, run: RowRun) -> Mask:
        """Return which rows run back in time, lie far from the one before, or pass a level."""
        order = np.argsort(run.listing, kind="stable")
        listing, price, ts = run.listing[order], run.price[order], run.ts_ns[order]
        before, since = np.empty_like(price), np.empty_like(ts)
        before[1:], since[1:] = price[:-1], ts[:-1]
        first = np.flatnonzero(np.diff(listing, prepend=-1))
        before[first], since[first] = self.last[listing[first]], self.newest_ns[listing[first]]
        trade = run.flags[order] & BAR == 0
        mask = trade & (np.abs(price - before) * 1000 > 8 * before)  # a superset of far
        mask |= ts < since
        mask |= run.high[order] >= self.next_up[listing]
        mask |= run.low[order] <= self.next_down[listing]
        result = np.empty(len(run), np.bool_)
        result[order] = mask
        return result

    def commit(self, run: RowRun) -> None:
        """Accept rows none of which needs thought."""
        silent = self._silent(run)
        if silent.any() or self.carrying[run.listing].any():
            self._carry(run, silent)
            return
        self._accept(run, run.size)

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
            self._accept(run.take(rows), volume[rows])

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

    def _accept(self, run: RowRun, volume: I64) -> None:
        order = np.argsort(run.listing, kind="stable")
        listing, second = run.listing[order], run.ts_ns[order] // SECOND_NS
        change = np.ones(len(run), np.bool_)
        change[1:] = (np.diff(listing) != 0) | (np.diff(second) != 0)
        starts = np.flatnonzero(change)
        ends = np.append(starts[1:], len(run)) - 1
        block = np.empty((6, len(starts)), np.int64)
        price, ts = run.price[order], run.ts_ns[order]
        block[0], block[1], block[5] = second[starts], price[ends], ts[ends]
        block[2] = np.maximum.reduceat(run.high[order], starts)
        block[3] = np.minimum.reduceat(run.low[order], starts)
        block[4] = np.add.reduceat(volume[order], starts)
        self._hand_out(listing[starts], block)

    def _hand_out(self, owner: I32, block: I64) -> None:
        firsts = np.flatnonzero(np.diff(owner, prepend=-1))
        stops = np.append(firsts[1:], len(owner))
        for i, lo, hi in zip(owner[firsts].tolist(), firsts.tolist(), stops.tolist(), strict=True):
            last = int(block[1, hi - 1])
            self.lines[i].take(block[:, lo:hi], last)
            self.last[i] = last
            self.newest_ns[i] = block[0, hi - 1] * SECOND_NS
