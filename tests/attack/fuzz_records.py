"""Fuzzed records of the market: decoded as a worker does it, and what is one goes into an engine."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import numpy as np

from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine
from streams.codec import TYPE_CODES, encode
from streams.errors import RecordError
from streams.events import Clock, Correction, Mention, Reject, Status, TickFrame
from streams.messages import SCHEMA, TYPE, market_record, to_message
from tests.attack.fuzzing import Driver
from tests.attack.mutating import EDGES, mutated
from tests.attack.records import frame
from tests.strategies import BENCHMARK, LISTINGS, calendars, mention

NOW_NS = 1_758_727_800_000_000_000  # 24 September 2025, 15:30 UTC
FRESH = 500  # records that one engine gets
NAMES = tuple(each.listing for each in LISTINGS)
ISSUERS = ("ALIBABA", "SPDR", "PENNY", "NOBODY")
_TYPES = (b"", *(each.__name__.encode() for each in TYPE_CODES))


def _edge(chance: random.Random, usual: int) -> int:
    """Return a number of 64 bits, mostly a usual one."""
    if chance.random() < 0.8:
        return usual
    return min(max(int(chance.choice(EDGES)), -(2**63)), 2**63 - 1)


def _at(chance: random.Random) -> int:
    return _edge(chance, NOW_NS + chance.randrange(-3 * 86_400, 3 * 86_400) * 1_000_000_000)


def _frame(chance: random.Random) -> TickFrame:
    rows = [
        (
            chance.randrange(len(NAMES)), _at(chance), _edge(chance, chance.randrange(1, 10**9)),
            _edge(chance, 100), chance.choice((0, 0, 0, 1, 2, 4, 32, chance.randrange(2**31))),
        )
        for _ in range(chance.choice((1, 2, 20)))
    ]  # fmt: skip
    more: dict[str, Any] = {}
    if chance.random() < 0.3:
        column = lambda usual: np.array([_edge(chance, usual) for _ in rows], np.int64)  # noqa: E731
        more = {name: column(10**8) for name in ("open", "high", "low")}
        more["start_ns"] = column(NOW_NS)
    run, first = chance.choice((("", 0), ("r", chance.randrange(50)), ("r", 2**63 - 1)))
    return frame(rows, NAMES, run=run, first_seq=first, **more)


def record(chance: random.Random) -> Any:
    """Return a record of any type, its numbers often at the edges."""
    kind = chance.randrange(6)
    if kind == 0:
        return Clock(ts_ns=_at(chance), final=chance.random() < 0.02)
    if kind == 1:
        return Status(listing=chance.choice(NAMES), ts_ns=_at(chance), action=chance.choice(("halt", "resume")))  # fmt: skip
    if kind == 2:
        return Correction(listing=chance.choice(NAMES), ts_ns=_at(chance), exchange="N", trade_id="1", price=_edge(chance, 1))  # fmt: skip
    if kind == 3:
        return mention(
            f"h{chance.randrange(9)}", chance.choice(ISSUERS), _at(chance), revision=_edge(chance, chance.randrange(3)),
            known_ns=_at(chance), action=chance.choice(("created", "updated", "deleted")), novelty=chance.choice((1.0, 0.0, -1.0, 1e300)),
            relevance=chance.choice((1.0, 0.0, -5.0, 1e300)), delay_s=_edge(chance, 0), precision_s=_edge(chance, 1),
            direction=chance.choice((None, 0.5, -0.5, 1e300)),
        )  # fmt: skip
    return _frame(chance)


def message(chance: random.Random) -> bytes:
    """Return a message as bytes: its type's name, a line feed, its value."""
    if chance.random() < 0.2:
        fields = {"listing": chance.choice(NAMES), "price": chance.choice(EDGES), "ts_ns": _at(chance), "flags": chance.choice((0, 2, 1))}  # fmt: skip
        return b"\n" + json.dumps(fields).encode()
    own = record(chance)
    name, value = type(own).__name__.encode(), to_message(own).value
    if chance.random() < 0.4:
        value = mutated(chance, value, (value,))
        name = chance.choice(_TYPES) if chance.random() < 0.1 else name
    return name + b"\n" + value


class Fed:
    """An engine that is made anew after some records, and after whatever it raised at."""

    def __init__(self) -> None:
        self._config = EngineConfig(listings=LISTINGS, calendars=calendars(), benchmark=BENCHMARK)
        self._engine, self._left = Engine(self._config), FRESH

    def read(self, data: bytes) -> Iterable[Reject]:
        """Decode a message and apply the record; return the rejects that came of it."""
        name, _, value = data.partition(b"\n")
        try:
            given = market_record(value, [(TYPE, name), (SCHEMA, b"1")] if name else [])
        except RecordError as fault:
            return [Reject(stage="decode", reason=fault.reason, detail=str(fault), ts_ns=None, record="")]  # fmt: skip
        if not isinstance(given, TickFrame | Mention | Clock | Status | Correction):
            return []
        self._left -= 1
        engine = self._engine
        if self._left < 0:
            self._engine, self._left = Engine(self._config), FRESH
        try:
            outputs = engine.apply(given)
            for output in outputs:
                encode(output)
        except BaseException:
            self._engine, self._left = Engine(self._config), FRESH
            raise
        return [each for each in outputs if isinstance(each, Reject)]


def driver() -> Driver:
    return Driver(message, Fed().read, 2.0)
