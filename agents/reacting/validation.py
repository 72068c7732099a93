"""Which rows may enter: known, priced, inside the calendar, not ahead of the Clock, not late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agents.reacting.badtick import Trade
from agents.reacting.benchmark import Points
from agents.reacting.columns import Columns, Mask, RowRun
from agents.reacting.listing_state import ListingState
from agents.reacting.sessions import Sessions
from streams.bounds import HIGHEST_PRICE, LARGEST_SIZE
from streams.events import I32, I64, NEVER_NS, SECOND_NS

YEAR_2000_NS = 946_684_800 * SECOND_NS
AHEAD_NS = 5 * SECOND_NS  # how far a tick may lie past the newest Clock (DESIGN 3)


class Rejected(NamedTuple):
    """A refused row; `listing` is an engine index, or -1 - the frame's own where it is unknown."""

    reason: str
    listing: int
    trade: Trade

    def name(self, lines: list[ListingState], names: Sequence[str]) -> str:
        """Return the listing's name, as the engine or else the frame knows it."""
        return lines[self.listing].name if self.listing >= 0 else names[-1 - self.listing]


class RowValidator:
    """Checks rows before the engine applies them; keeps the newest event time of each issuer."""

    def __init__(self, columns: Columns, issuer_of: I32, lateness_ns: int) -> None:
        self._columns, self._issuer_of, self._lateness_ns = columns, issuer_of, lateness_ns
        issuers = int(issuer_of.max()) + 1 if len(issuer_of) else 0
        self.newest_ns = np.full(issuers, -1, np.int64)

    def advance(self, index: int, ts_ns: int, clock_ns: int) -> int:
        """Return the watermark of a listing's issuer at one of its rows."""
        issuer = self._issuer_of[index]
        newest = max(int(self.newest_ns[issuer]), ts_ns, clock_ns)
        self.newest_ns[issuer] = newest
        return newest - self._lateness_ns

    def committed(self, run: RowRun) -> None:
        """Advance the newest event times by rows that were committed at once."""
        np.maximum.at(self.newest_ns, self._issuer_of[run.listing], run.ts_ns)

    def admit(self, run: RowRun) -> tuple[RowRun, list[Rejected]]:
        """Return the rows that may enter and, in order, those that may not."""
        if not len(run):
            return run, []
        reasons = self._reasons(run)
        refused = [
            Rejected(reason, int(run.listing[i]), _trade(run, i))
            for i, reason in sorted(reasons.items())
        ]
        if reasons:
            keep = np.ones(len(run), np.bool_)
            keep[list(reasons)] = False
            run = run.take(keep)
        if self._surely_prompt(run):
            return run, refused
        return self._drop_late(run, refused)

    def _reasons(self, run: RowRun) -> dict[int, str]:
        """Return why rows are refused, by row; of several reasons the first in this order counts."""
        known = run.listing >= 0
        listing = np.where(known, run.listing, 0)
        until = np.where(run.clock_ns >= 0, run.clock_ns + AHEAD_NS, NEVER_NS)
        ends, starts = self._columns.end_ns[listing], self._columns.first_ns[listing]
        checks: list[tuple[str, Mask]] = [
            ("future", (run.ts_ns > until) | (run.ts_ns >= ends)),
            ("past", run.ts_ns < np.maximum(starts, YEAR_2000_NS)),
            ("bad_size", run.size.view(np.uint64) > LARGEST_SIZE),  # below 0 it is a huge one
            ("bad_price", bad_prices(run.price, run.high, run.low)),
            ("unknown_listing", ~known),
        ]
        reasons: dict[int, str] = {}
        for reason, mask in checks:
            if mask.any():
                reasons.update(dict.fromkeys(np.flatnonzero(mask).tolist(), reason))
        return reasons

    def _surely_prompt(self, run: RowRun) -> bool:
        """Tell whether no row can be late, judged by the newest time of any issuer at all."""
        if not len(run):
            return True
        newest = np.maximum.accumulate(np.maximum(run.ts_ns, run.clock_ns))
        before = max(int(self.newest_ns.max()), int(run.clock_ns[0]))
        if run.ts_ns[0] < before - self._lateness_ns:
            return False
        since = np.maximum(newest[:-1], run.clock_ns[1:])
        late = run.ts_ns[1:] < np.maximum(since, before) - self._lateness_ns
        return not late.any()

    def _drop_late(self, run: RowRun, refused: list[Rejected]) -> tuple[RowRun, list[Rejected]]:
        keep = np.ones(len(run), np.bool_)
        newest = self.newest_ns.tolist()
        owners, clocks = self._issuer_of[run.listing].tolist(), run.clock_ns.tolist()
        for i, (issuer, ts, clock) in enumerate(
            zip(owners, run.ts_ns.tolist(), clocks, strict=True)
        ):
            newest[issuer] = max(newest[issuer], clock)
            if ts < newest[issuer] - self._lateness_ns:
                keep[i] = False
                refused.append(Rejected("late", int(run.listing[i]), _trade(run, i)))
            else:
                newest[issuer] = max(newest[issuer], ts)
        return run.take(keep), refused


def admit_points(points: Points, sessions: Sessions) -> tuple[Points, list[tuple[str, Trade]]]:
    """Return the benchmark points that may be read and, with the reasons, those that may not.

    No Clock bounds them: they come ahead of theirs, which a partition without rows gets late.
    """
    starts = points.second * SECOND_NS
    latest = (sessions.end_ns - 1) // SECOND_NS  # in seconds: no product overflows
    earliest = max(sessions.first_ns, YEAR_2000_NS) // SECOND_NS
    checks = (
        ("future", points.second > latest),
        ("past", points.second < earliest),
        ("bad_size", points.volume.view(np.uint64) > LARGEST_SIZE),
        ("bad_price", bad_prices(points.last, points.high, points.low)),
    )
    reasons = {i: reason for reason, mask in checks for i in np.flatnonzero(mask).tolist()}
    if not reasons:
        return points, []
    columns = (starts, points.last, points.volume, points.flags)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    refused = [
        (reasons[i], Trade(ts_ns, price, size, "", flags))
        for i, (ts_ns, price, size, flags) in enumerate(rows)
        if i in reasons
    ]
    keep = np.ones(len(starts), np.bool_)
    keep[list(reasons)] = False
    return points.take(keep), refused


def bad_prices(price: I64, high: I64, low: I64) -> Mask:
    """Return which rows have a price that is not above 0 and in bounds, or a low above the high.

    Of trades the three are one array. Read as unsigned, what is not above 0 is huge.
    """
    bad: Mask = (price - 1).view(np.uint64) >= HIGHEST_PRICE
    if high is not price or low is not price:
        bad |= (low <= 0) | (high < low) | (high > HIGHEST_PRICE)
    return bad


def _trade(run: RowRun, i: int) -> Trade:
    place = run.exchanges[int(run.exchange[i])]
    return Trade(int(run.ts_ns[i]), int(run.price[i]), int(run.size[i]), place, int(run.flags[i]))
