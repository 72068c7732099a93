"""An engine's state in parts, for a checkpoint that writes what has changed and no more.

| cell | holds | written |
|---|---|---|
| `head` | Clock, numbers of the rows applied, counts | always |
| `block/N` | 64 issuers and their lines, without what follows | when one of them changed |
| `news/ISSUER` | its mentions | when news came in |
| `market/LISTING` | a benchmark | when its points came in |
| `seconds/N`, `minutes/N` | final points of tapes, in pages | when the page grew |

`restore` makes of all cells together the engine they were taken of: what it answers from then on
is the same to the byte (tests/reacting/test_cells.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from agents.reacting.benchmark import Benchmark
from agents.reacting.engine import Engine, EngineHead
from agents.reacting.issuer_state import KeptIssuer
from agents.reacting.listing_state import KeptListing
from agents.reacting.news import News
from agents.reacting.pages import Pages
from agents.reacting.points import Loose
from agents.reacting.tape import Tape
from streams.events import I64, MINUTE_NS, NEVER_NS

BLOCK_ISSUERS: Final = 64
EXPIRE_EVERY_NS: Final = MINUTE_NS  # of event time: how often old pages are looked for
NO_SECONDS: Final[I64] = np.zeros((6, 0), np.int64)
NO_MINUTES: Final[I64] = np.zeros((7, 0), np.int64)

_encode = msgspec.msgpack.Encoder().encode


class ListingCell(msgspec.Struct, array_like=True):
    """A listing; the points of its tape that are final stand in pages."""

    state: KeptListing
    tape: Loose


class IssuerCell(msgspec.Struct, array_like=True):
    """An issuer; its mentions stand in a cell of their own."""

    newest_ns: int
    lines: dict[str, ListingCell]
    issuer: KeptIssuer


class MarketCell(msgspec.Struct, array_like=True):
    """A benchmark."""

    newest_second: int
    line: ListingCell


class Cells:
    """The parts of one engine: `changes` since the last call, `restore` of all of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._registry = engine, engine.registry
        lines, markets = self._registry.lines, self._registry.benchmarks
        self._issuers = list(self._registry.issuer_index)
        self._first_market = len(lines)
        self._markets = list(markets)
        names = [line.name for line in lines] + [f"@{name}" for name in markets]
        self._seconds, self._minutes = Pages("seconds", 6, names), Pages("minutes", 7, names)
        self._encoded: list[dict[str, msgspec.Raw]] = [
            {} for _ in range(0, len(self._issuers), BLOCK_ISSUERS)
        ]
        self._probes = [Tape(sessions) for sessions in self._registry.sessions.values()]
        self._looked_ns = 0
        self._moved: dict[str, bytes | None] = {}  # blocks that another universe had cut otherwise

    def changes(self) -> dict[str, bytes | None]:
        """Return the cells that are new or different since the last call; None: it is no more."""
        changed: dict[str, bytes | None] = self._forgotten()
        issuers, news, markets = self._engine.dirty.take()
        watermarks = self._engine.watermarks().tolist()
        for number in issuers:
            self._take_issuer(number, watermarks[number])
        blocks = {number // BLOCK_ISSUERS for number in issuers}
        if self._moved:
            changed |= self._moved
            blocks = set(range(len(self._encoded)))
            self._moved = {}
        for block in sorted(blocks):
            changed[f"block/{block}"] = _encode(self._encoded[block])
        for number in news:
            changed[f"news/{self._issuers[number]}"] = _encode(self._registry.issuers[number].news)
        for name in markets:
            changed[f"market/{name}"] = _encode(self._market(name))
        changed |= self._seconds.changes() | self._minutes.changes()
        changed["head"] = _encode(self._engine.head())
        return changed

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """Take back every cell of an engine, made under a configuration like this one's."""
        seconds, minutes = (
            pages.restore((key, body) for key, body in cells.items() if key.startswith(kind))
            for kind, pages in (("seconds/", self._seconds), ("minutes/", self._minutes))
        )
        self._engine.resume(msgspec.msgpack.decode(cells["head"], type=EngineHead))
        for key, body in cells.items():
            if key.startswith("block/"):
                for issuer, raw in msgspec.msgpack.decode(
                    body, type=dict[str, msgspec.Raw]
                ).items():
                    self._restore_issuer(key, issuer, raw, cells, seconds, minutes)
            elif key.startswith("market/"):
                self._restore_market(key.partition("/")[2], body, seconds, minutes)

    # -- taking

    def _take_issuer(self, number: int, watermark_ns: int) -> None:
        lines = {}
        for line in self._registry.issuers[number].lines:
            if line.state.date >= 0 or line.tape:
                loose = self._take_tape(line.index, line.tape, watermark_ns, watermark_ns)
                lines[line.name] = ListingCell(line.state, loose)
        newest_ns = int(self._engine.newest_ns[number])
        cell = IssuerCell(newest_ns, lines, self._registry.issuers[number].state(news=False))
        block = self._encoded[number // BLOCK_ISSUERS]
        block[self._issuers[number]] = msgspec.Raw(_encode(cell))

    def _take_tape(self, owner: int, tape: Tape, final_ns: int, fold_ns: int) -> Loose:
        tape.fold(fold_ns)
        self._seconds.add(owner, tape.take_final(final_ns))
        minutes = tape.take_minutes()
        if minutes is not None:
            self._minutes.add(owner, minutes)
        return tape.loose()

    def _market(self, name: str) -> MarketCell:
        market = self._registry.benchmarks[name]
        owner = self._first_market + self._markets.index(name)
        # every point is final when it comes, but its minute is not yet whole
        loose = self._take_tape(owner, market.tape, NEVER_NS, self._engine.settled_ns)
        newest_second, state = market.state()[:2]
        return MarketCell(newest_second, ListingCell(state, loose))

    # -- forgetting

    def _forgotten(self) -> dict[str, bytes | None]:
        """Return the pages that nothing can reach; what is still needed of them is added again."""
        settled_ns = self._engine.settled_ns
        if settled_ns < self._looked_ns + EXPIRE_EVERY_NS:
            return {}
        self._looked_ns = settled_ns
        needs = [probe.needs(settled_ns) for probe in self._probes]
        gone = self._seconds.expired(
            lambda owner: self._tape(owner).needs(settled_ns)[0], max(second for second, _ in needs)
        )
        for _, extent in gone:
            for owner in extent.owners:
                self._keep_newest(owner, extent.oldest, extent.newest, settled_ns)
                self._take_again(owner)
        gone += self._minutes.expired(
            lambda owner: self._tape(owner).needs(settled_ns)[1], max(minute for _, minute in needs)
        )
        return {key: None for key, _ in gone}

    def _keep_newest(self, owner: int, oldest: int, newest: int, settled_ns: int) -> None:
        """Keep a tape's newest old point: where nothing has traded since, it is the last price."""
        tape = self._tape(owner)
        point = tape.newest_before(tape.needs(settled_ns)[0])
        if point.shape[1] and oldest <= point[0, 0] <= newest:
            self._seconds.add(owner, point)

    def _take_again(self, owner: int) -> None:
        """See to it that the minutes of seconds that go are in this checkpoint.

        Whoever has been idle since was not taken again: its last minutes may be made of no second
        yet, or made by a pruning and never kept.
        """
        if owner < self._first_market:
            self._engine.dirty.issuers[self._registry.issuer_of[owner]] = True
        else:
            self._engine.dirty.markets.add(self._markets[owner - self._first_market])

    def _tape(self, owner: int) -> Tape:
        if owner < self._first_market:
            return self._registry.lines[owner].tape
        return self._registry.benchmarks[self._markets[owner - self._first_market]].tape

    # -- restoring

    def _restore_issuer(
        self,
        block: str,
        issuer: str,
        raw: msgspec.Raw,
        cells: Mapping[str, bytes],
        seconds: dict[int, I64],
        minutes: dict[int, I64],
    ) -> None:
        number = self._registry.issuer_index.get(issuer)
        if number is None or block != f"block/{number // BLOCK_ISSUERS}":
            self._moved[block] = None  # the universe has changed since
        if number is None:
            return
        self._encoded[number // BLOCK_ISSUERS][issuer] = msgspec.Raw(bytes(raw))
        cell = msgspec.msgpack.decode(raw, type=IssuerCell)
        self._engine.newest_ns[number] = cell.newest_ns
        for name, kept in cell.lines.items():
            index = self._registry.index.get(name)
            if index is not None:
                line = self._registry.lines[index]
                line.restore(kept.state, _tape_of(line.tape, index, kept.tape, seconds, minutes))
        news = cells.get(f"news/{issuer}")
        if news is not None:
            cell.issuer.news = msgspec.msgpack.decode(news, type=News)
        self._registry.issuers[number].restore(cell.issuer)
        self._registry.retime(number)

    def _restore_market(
        self, name: str, body: bytes, seconds: dict[int, I64], minutes: dict[int, I64]
    ) -> None:
        market: Benchmark | None = self._registry.benchmarks.get(name)
        if market is None:
            return
        cell = msgspec.msgpack.decode(body, type=MarketCell)
        owner = self._first_market + self._markets.index(name)
        tape = _tape_of(market.tape, owner, cell.line.tape, seconds, minutes)
        market.restore(cell.newest_second, cell.line.state, tape)


def _tape_of(
    empty: Tape, owner: int, loose: Loose, seconds: dict[int, I64], minutes: dict[int, I64]
) -> Tape:
    """Return a listing's tape from its pages and what its cell keeps."""
    return empty.rebuilt(seconds.get(owner, NO_SECONDS), minutes.get(owner, NO_MINUTES), loose)
