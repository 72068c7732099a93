"""Histories of an engine by the hundred thousand: random records of all types, in any order, days apart.

The Hypothesis machine (tests/reacting/test_engine_machine.py) searches and shrinks better; this one
plays a hundred times as many in the same time. What must hold is the same.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from agents.reacting.engine import Engine
from streams.codec import encode
from streams.events import SECOND_NS, Clock, Correction, MarketRecord, Reject, Status, TickFrame
from tests.attack.bounds import TooLongError, seconds, steps
from tests.attack.fuzzing import Driver, placed
from tests.reacting import test_engine_machine as machine
from tests.reacting.test_engine_machine import CONFIG, ISSUERS, NAMES, START_NS, STEPS
from tests.strategies import mention

RECORDS = 40  # of a history
LIMIT_S = 3.0
SMALLER_S = 20.0  # that making one example smaller may take
EDGES = (-(2**63), -1, 0, 1, 2**31, 2**53, 2**62 - 1, 2**62, 2**62 + 1, 2**63 - 1)
STEPS_S = (1, 1, 2, 5, 60, 300, 3600, 6 * 3600, 86_400, 4 * 86_400, 10 * 86_400)
PARTS = (0.001, 0.5, 0.9, 0.97, 1.0, 1.0, 1.01, 1.031, 1.06, 1.12, 1.3, 9.0)


class History:
    """The records of one seed."""

    def __init__(self, seed: int) -> None:
        self._chance, self._now_ns = random.Random(seed), START_NS
        # Half of the histories have no edges at all: what they find needs no impossible number.
        self._wild = self._chance.random() < 0.5

    def records(self) -> list[MarketRecord]:
        """Return them all."""
        made: list[MarketRecord] = []
        for _ in range(self._chance.randint(5, RECORDS)):
            again = made and self._chance.random() < 0.12
            made.append(self._chance.choice(made) if again else self._record())
        return made

    def _edge(self, usual: int) -> int:
        wild = self._wild and self._chance.random() < 0.05
        return self._chance.choice(EDGES) if wild else usual

    def _aside(self) -> int:
        if self._chance.random() < 0.6:
            return self._chance.randint(-3, 3)
        return self._edge(self._chance.choice((-20, -10, -2, 0)) * 86_400 - self._chance.randint(0, 3600))  # fmt: skip

    def _at(self) -> int:
        return machine._instant(self._now_ns, self._aside())

    def _price(self) -> int:
        return self._edge(round(160_000_000 * self._chance.choice(PARTS)))

    def _record(self) -> MarketRecord:
        kind = self._chance.random()
        if kind < 0.3:
            self._now_ns += self._chance.choice(STEPS_S) * SECOND_NS
            return Clock(ts_ns=self._now_ns // SECOND_NS * SECOND_NS)
        if kind < 0.33:
            return Clock(ts_ns=self._at(), final=self._chance.random() < 0.2)
        if kind < 0.6:
            return self._mention()
        if kind < 0.66:
            return Status(listing=self._chance.choice(NAMES), ts_ns=self._at(), action=self._chance.choice(("halt", "resume")))  # fmt: skip
        if kind < 0.7:
            return Correction(listing=self._chance.choice(NAMES), ts_ns=self._at(), exchange="N", trade_id="1", price=self._price())  # fmt: skip
        return self._frame()

    def _mention(self) -> MarketRecord:
        chance = self._chance
        action: Any = chance.choice(("created", "created", "created", "updated", "deleted"))
        revision = self._edge(chance.choice((0, 0, 0, 1, 2)))
        return mention(f"h{chance.randrange(3)}", chance.choice(ISSUERS), self._at(), revision=revision, action=action)  # fmt: skip

    def _frame(self) -> TickFrame:
        chance, listing = self._chance, self._chance.randrange(len(NAMES))
        flag = chance.choice((0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 32, 256, 512))
        rows = [
            (
                listing if chance.random() < 0.7 else chance.randrange(len(NAMES)), self._aside(),
                self._price(), self._edge(100), flag,
            )
            for _ in range(chance.choice((1, 3, 4, 20)))
        ]  # fmt: skip
        more: dict[str, Any] = {}
        if chance.random() < 0.2:
            more = {"run": "r", "first_seq": chance.randrange(60)}
        frame = machine.frame_of(self._now_ns, rows, **more)
        if chance.random() < 0.2:
            frame = msgspec.structs.replace(frame, open=frame.price, high=frame.price, low=frame.price, start_ns=frame.ts_ns - 60 * SECOND_NS)  # fmt: skip
        return frame


def play(records: Sequence[MarketRecord]) -> list[Reject]:
    """Play a history on an engine of its own; return its rejects. Raises where it does not hold."""
    engine, rejects, said = Engine(CONFIG), list[Reject](), Counter[tuple[object, ...]]()
    restored = len(records) // 2 if len(records) % 4 == 0 else -1
    for number, record in enumerate(records):
        if number == restored:
            snapshot = engine.snapshot()
            engine = Engine(CONFIG)
            engine.restore(snapshot)
        with steps(STEPS):
            outputs = engine.apply(record)
        for output in outputs:
            encode(output)
            key = machine.key_of(output)
            if key is not None:
                said[key] += 1
                assert said[key] == 1, f"a {key[0]} twice"
        rejects += [each for each in outputs if isinstance(each, Reject)]
    return rejects


def smallest(records: Sequence[MarketRecord], fault: str) -> list[MarketRecord]:
    """Return a history that breaks in the same way, and no more once any record is left out."""
    kept, at, end_s = [*records], 0, time.monotonic() + SMALLER_S
    while at < len(kept) and time.monotonic() < end_s:
        fewer = kept[:at] + kept[at + 1 :]
        if fault_of(fewer) == fault:
            kept = fewer
        else:
            at += 1
    return [_fewest_rows(kept, n, fault, end_s) for n in range(len(kept))]


def _fewest_rows(kept: list[MarketRecord], number: int, fault: str, end_s: float) -> MarketRecord:
    """Leave rows out of a frame of a history as long as it breaks in the same way; change it there, too."""
    frame, row = kept[number], 0
    while isinstance(frame, TickFrame) and row < len(frame.ts_ns) > 1 and time.monotonic() < end_s:
        columns = {
            name: np.delete(column, row)
            for name in ("listing", "ts_ns", "price", "size", "flags", "exchange", "open", "high", "low", "start_ns")
            if (column := getattr(frame, name)) is not None
        }  # fmt: skip
        fewer = msgspec.structs.replace(frame, **columns)
        if fault_of([*kept[:number], fewer, *kept[number + 1 :]]) == fault:
            frame = kept[number] = fewer
        else:
            row += 1
    return frame


def fault_of(records: Sequence[MarketRecord]) -> str:
    """Return how a history breaks, "" where it holds."""
    try:
        with seconds(LIMIT_S):
            play(records)
    except TooLongError as fault:
        return f"{fault}"
    except Exception as fault:  # noqa: BLE001 - the same
        return placed(fault)
    return ""


def shown(record: MarketRecord) -> str:
    """Return a record in a few words: instants in seconds from the first."""
    if isinstance(record, TickFrame):
        rows = zip(record.listing.tolist(), record.ts_ns.tolist(), record.price.tolist(), record.size.tolist(), record.flags.tolist(), strict=True)  # fmt: skip
        told = " ".join(f"{NAMES[x]}@{_since(t)} {p} x{s} f{f}" for x, t, p, s, f in rows)
        return f"{'bars' if record.open is not None else 'rows'}[{told}]{f' #{record.first_seq}' if record.run else ''}"  # fmt: skip
    told = {k: v for k, v in msgspec.structs.asdict(record).items() if k in {"headline_id", "issuer", "listing", "revision", "action", "final"} and v}  # fmt: skip
    at_ns = record.event_ns if hasattr(record, "event_ns") else record.ts_ns
    return f"{type(record).__name__}@{_since(at_ns)}{told or ''}"


def _since(at_ns: int) -> str:
    near = abs(at_ns - START_NS) < 10**18
    return f"{(at_ns - START_NS) / SECOND_NS:+g}s" if near else str(at_ns)


def explained(data: bytes, fault: str) -> str:
    """Return the smallest history like the one of a seed."""
    records = History(int.from_bytes(data, "little")).records()
    return f"seed {int.from_bytes(data, 'little')}: " + "; ".join(
        map(shown, smallest(records, fault))
    )


def driver() -> Driver:
    return Driver(
        lambda chance: chance.randbytes(6),
        lambda data: play(History(int.from_bytes(data, "little")).records()),
        LIMIT_S,
        explained,
    )
