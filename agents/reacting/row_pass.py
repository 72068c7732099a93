"""The row pass: each tick row reaches its listing, by columns where that is safe, one by one elsewhere.

```
rows -> RowValidator.admit -> Columns.needs_scalar -+- no row of the issuer needs it: Columns.commit
        refused: RejectLog                          +- some do: `_mixed`: columns up to the next such
                                                    |  row, then SCALAR_CHUNK rows one by one, again
                                                    +- fewer than SCALAR_ROWS rows: `_scalar`
```

What the scalar path has changed is copied back in one place, `sync`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from agents.reacting.columns import Columns, RowRun
from agents.reacting.keeping.dirty_set import DirtySet
from agents.reacting.listing_state import TickRow
from agents.reacting.registry import Registry
from agents.reacting.rejects import RejectLog
from agents.reacting.validation import RowValidator
from streams.events import I64

SCALAR_ROWS = 16  # below this many rows the column pass costs more than it saves
SCALAR_CHUNK = 64  # rows taken one by one after a row that needed the scalar path


class RowPass:
    """Applies rows to the listings and issuers of a registry; counts go to `counts`."""

    def __init__(
        self,
        registry: Registry,
        dirty: DirtySet,
        rejects: RejectLog,
        counts: Counter[str],
        lateness_ns: int,
    ) -> None:
        self._registry, self._dirty, self._rejects, self._counts = registry, dirty, rejects, counts
        self._lines, self._issuers = registry.lines, registry.issuers
        self._issuer_of = registry.issuer_of
        self._columns = Columns(registry.lines)
        self._validator = RowValidator(self._columns, registry.issuer_of, lateness_ns)

    @property
    def newest_ns(self) -> I64:
        """Return the newest event time of each issuer, to be read or written in place."""
        return self._validator.newest_ns

    def apply(self, run: RowRun, names: Sequence[str] = ()) -> None:
        """Apply rows in their order; `names`: what the frame calls the listings that are unknown here."""
        self._counts["ticks"] += len(run)
        run, refused = self._validator.admit(run)
        for rejected in refused:
            name = rejected.name(self._lines, names)
            self._rejects.trade(rejected.reason, name, rejected.trade)
        if len(run) < SCALAR_ROWS:
            self._scalar(run)
            return
        slow = self._columns.needs_scalar(run)
        if not slow.any():
            self._commit(run)
            return
        owner = self._issuer_of[run.listing]
        mixed = np.unique(owner[slow])
        fast = ~np.isin(owner, mixed)
        if fast.any():
            self._commit(run.take(fast))
        for number in mixed.tolist():
            self._mixed(run.take(owner == number))

    def sync(self, number: int) -> None:
        """Copy an issuer's state to all that is kept beside it; call it after whatever may change it.

        That is a scalar row, a mention, and a firing, whose expiries change listings, too: the next due
        time, the mark for the next checkpoint, the columns, the rejects and counts that gathered.
        """
        self._registry.retime(number)
        self._dirty.issuers[number] = True
        for line in self._issuers[number].lines:
            self._columns.copy(line)
            if line.rejected:
                for reason, trade in line.rejected:
                    self._rejects.trade(reason, line.name, trade)
                line.rejected = ()
            if line.ineligible:
                self._counts["ineligible"] += line.ineligible
                line.ineligible = 0

    def _commit(self, run: RowRun) -> None:
        """Accept rows none of which needs the scalar path; the columns stay as they are needed."""
        self._columns.commit(run)
        self._validator.committed(run)
        self._dirty.rows(self._issuer_of[run.listing])

    def _mixed(self, run: RowRun) -> None:
        """Apply one issuer's rows: columns up to a row that needs the scalar path, then some by one."""
        while len(run) >= SCALAR_ROWS:
            slow = self._columns.needs_scalar(run)
            first = int(slow.argmax()) if slow.any() else len(run)
            if first:
                self._commit(run.take(slice(0, first)))
            self._scalar(run.take(slice(first, first + SCALAR_CHUNK)))
            run = run.take(slice(first + SCALAR_CHUNK, None))
        self._scalar(run)

    def _scalar(self, run: RowRun) -> None:
        """Apply rows one by one: advance the watermark, fire what is due, then the row."""
        columns = (run.listing, run.ts_ns, run.start_ns, run.price, run.high, run.low, run.size)
        lists = [c.tolist() for c in (*columns, run.flags, run.exchange, run.clock_ns)]
        seen: set[int] = set()
        for index, ts, start, price, high, low, size, flags, place, clock in zip(
            *lists, strict=True
        ):
            number = int(self._issuer_of[index])
            line, issuer = self._lines[index], self._issuers[number]
            watermark_ns = self._validator.advance(index, ts, clock)
            if issuer.next_due() <= watermark_ns or issuer.waits:
                issuer.fire(watermark_ns)
            row = TickRow(ts, start, price, high, low, size, flags, run.exchanges[place])
            issuer.after_row(line, line.apply(row), clock)
            seen.add(number)
        for number in seen:
            self.sync(number)
