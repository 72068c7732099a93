"""An engine's state in parts, for a checkpoint that writes what has changed and no more.

| cell | holds | written |
|---|---|---|
| `head` | Clock, numbers of the rows applied, counts | always |
| `block/N` | 64 issuers and their lines, without what follows | when one of them changed |
| `news/ISSUER` | its mentions | when news came in |
| `market/LISTING` | a benchmark | when its points came in |
| `seconds/N`, `minutes/N` | final points of tapes, in pages | when the page grew |

`restore` makes of all cells together the engine they were taken of: what it answers from then on
is the same to the byte (tests/reacting/test_cells.py). That needs one invariant of the pages, which
`agents/reacting/keeping/pruning.py` states and keeps: every minute that can still be read stands in a page or can
be folded from seconds that are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
import numpy as np

from agents.reacting.benchmark import Benchmark
from agents.reacting.engine import Engine, EngineHead
from agents.reacting.issuer_state import KeptIssuer
from agents.reacting.keeping.pages import Pages
from agents.reacting.keeping.pruning import Owner, Pruning
from agents.reacting.kept_listing import KeptListing
from agents.reacting.news import News
from agents.reacting.tapes.points import Loose
from agents.reacting.tapes.tape import Tape
from agents.reacting.tapes.tape_parts import loose, rebuilt, take_minutes, take_seconds
from streams.events import I64, NEVER_NS

BLOCK_ISSUERS: Final = 64
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


class PagedPoints(NamedTuple):
    """The points of all pages, by the number of their owner."""

    seconds: dict[int, I64]
    minutes: dict[int, I64]


class Cells:
    """The parts of one engine: `changes` since the last call, `restore` of all of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._registry = engine, engine.registry
        lines, markets = self._registry.lines, self._registry.benchmarks
        self._issuers = list(self._registry.issuer_index)
        # whose points stand in the pages, by number there: the lines, then the benchmarks
        self._owners: list[Owner] = [*lines, *markets.values()]
        self._market_owner = {name: len(lines) + n for n, name in enumerate(markets)}
        names = [line.name for line in lines] + [f"@{name}" for name in markets]
        self._seconds, self._minutes = Pages("seconds", 6, names), Pages("minutes", 7, names)
        self._encoded: list[dict[str, msgspec.Raw]] = [
            {} for _ in range(0, len(self._issuers), BLOCK_ISSUERS)
        ]
        self._pruning = Pruning(engine, self._owners, self._seconds, self._minutes)
        self._moved: dict[str, bytes | None] = {}  # blocks that another universe had cut otherwise

    def changes(self) -> dict[str, bytes | None]:
        """Return the cells that are new or different since the last call; None: it is no more."""
        changed: dict[str, bytes | None] = self._pruning.expired()
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
        points = PagedPoints(
            self._seconds.restore(each for each in cells.items() if each[0].startswith("seconds/")),
            self._minutes.restore(each for each in cells.items() if each[0].startswith("minutes/")),
        )
        self._engine.resume(msgspec.msgpack.decode(cells["head"], type=EngineHead))
        for key, body in cells.items():
            if key.startswith("block/"):
                for issuer, raw in msgspec.msgpack.decode(
                    body, type=dict[str, msgspec.Raw]
                ).items():
                    self._restore_issuer(key, issuer, raw, cells, points)
            elif key.startswith("market/"):
                self._restore_market(key.partition("/")[2], body, points)

    # -- taking

    def _take_issuer(self, number: int, watermark_ns: int) -> None:
        lines = {}
        for line in self._registry.issuers[number].lines:
            if line.state.date >= 0 or line.tape:
                rest = self._take_tape(line.index, line.tape, watermark_ns, watermark_ns)
                lines[line.name] = ListingCell(line.state, rest)
        newest_ns = int(self._engine.newest_ns[number])
        cell = IssuerCell(newest_ns, lines, self._registry.issuers[number].state(news=False))
        block = self._encoded[number // BLOCK_ISSUERS]
        block[self._issuers[number]] = msgspec.Raw(_encode(cell))

    def _take_tape(self, owner: int, tape: Tape, final_ns: int, fold_ns: int) -> Loose:
        tape.fold(fold_ns)
        self._seconds.add(owner, take_seconds(tape, final_ns))
        minutes = take_minutes(tape)
        if minutes is not None:
            self._minutes.add(owner, minutes)
        return loose(tape)

    def _market(self, name: str) -> MarketCell:
        market = self._registry.benchmarks[name]
        owner = self._market_owner[name]
        # every point is final when it comes, but its minute is not yet whole
        rest = self._take_tape(owner, market.tape, NEVER_NS, self._engine.settled_ns)
        newest_second, state = market.state()[:2]
        return MarketCell(newest_second, ListingCell(state, rest))

    # -- restoring

    def _restore_issuer(
        self,
        block: str,
        issuer: str,
        raw: msgspec.Raw,
        cells: Mapping[str, bytes],
        points: PagedPoints,
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
                line.restore(kept.state, self._tape_of(index, kept.tape, points))
        news = cells.get(f"news/{issuer}")
        if news is not None:
            cell.issuer.news = msgspec.msgpack.decode(news, type=News)
        self._registry.issuers[number].restore(cell.issuer)
        self._registry.retime(number)

    def _restore_market(self, name: str, body: bytes, points: PagedPoints) -> None:
        market: Benchmark | None = self._registry.benchmarks.get(name)
        if market is None:
            return
        cell = msgspec.msgpack.decode(body, type=MarketCell)
        tape = self._tape_of(self._market_owner[name], cell.line.tape, points)
        market.restore(cell.newest_second, cell.line.state, tape)

    def _tape_of(self, owner: int, rest: Loose, points: PagedPoints) -> Tape:
        """Return an owner's tape from its pages and what its cell keeps."""
        return rebuilt(
            self._owners[owner].sessions,
            points.seconds.get(owner, NO_SECONDS),
            points.minutes.get(owner, NO_MINUTES),
            rest,
        )
