"""Which pages of a checkpoint are no longer needed, and what of them must be kept all the same.

The invariant, which every step here keeps:

    Every minute that a reading can still reach either stands in a page, or can be folded anew from
    seconds that stand in pages or in the listing's own cell. The newest second before all that can be
    reached stands in a page too: where nothing has traded since, it is the last price.

So before a page of seconds goes, its owners are marked dirty: the same checkpoint then folds and writes
their minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agents.reacting.benchmark import Benchmark
from agents.reacting.engine import Engine
from agents.reacting.keeping.pages import Extent, Pages
from agents.reacting.listing_state import ListingState
from agents.reacting.tapes.tape import Tape
from agents.reacting.tapes.tape_parts import needs, newest_before
from streams.events import MINUTE_NS

EXPIRE_EVERY_NS: Final = MINUTE_NS  # of event time: how often old pages are looked for

Owner = ListingState | Benchmark


class Pruning:
    """Finds the pages that nothing can reach any more; owners are numbered as in the pages."""

    def __init__(
        self, engine: Engine, owners: Sequence[Owner], seconds: Pages, minutes: Pages
    ) -> None:
        self._engine, self._owners = engine, owners
        self._seconds, self._minutes = seconds, minutes
        self._empty = [(Tape(each), each) for each in engine.registry.sessions.values()]
        self._looked_ns = 0

    def expired(self) -> dict[str, bytes | None]:
        """Return the keys of the pages that go; what is still needed of them is added again."""
        settled_ns = self._engine.settled_ns
        if settled_ns < self._looked_ns + EXPIRE_EVERY_NS:
            return {}
        self._looked_ns = settled_ns
        # of an empty tape: the bound that depends on the venue's calendar alone
        bounds = [needs(tape, sessions, settled_ns) for tape, sessions in self._empty]
        gone = self._seconds.expired(
            lambda owner: self._needs(owner)[0], max(second for second, _ in bounds)
        )
        for _, extent in gone:
            for owner in extent.owners:
                self._keep_newest(owner, extent)
                self._mark_dirty(owner)
        gone += self._minutes.expired(
            lambda owner: self._needs(owner)[1], max(minute for _, minute in bounds)
        )
        return {key: None for key, _ in gone}

    def _needs(self, owner: int) -> tuple[int, int]:
        each = self._owners[owner]
        return needs(each.tape, each.sessions, self._engine.settled_ns)

    def _keep_newest(self, owner: int, page: Extent) -> None:
        """Add a tape's newest old point again if it stands in the page that goes."""
        point = newest_before(self._owners[owner].tape, self._needs(owner)[0])
        if point.shape[1] and page.oldest <= point[0, 0] <= page.newest:
            self._seconds.add(owner, point)

    def _mark_dirty(self, owner: int) -> None:
        """Mark an owner, so that this checkpoint has its minutes.

        An idle listing is not dirty; its newest minutes may not be folded yet, or were folded by
        `Tape.prune` after the last checkpoint.
        """
        each, dirty = self._owners[owner], self._engine.dirty
        if isinstance(each, Benchmark):
            dirty.markets.add(each.name)
        else:
            dirty.issuers[self._engine.registry.issuer_of[each.index]] = True
