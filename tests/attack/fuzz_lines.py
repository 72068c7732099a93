"""Fuzzed lines of standard input: read, framed and encoded as the live run does it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

from agents.ingest.json_lines import LineReader
from streams.codec import encode
from streams.events import Reject
from streams.prices.live import Tick, frame_of
from tests.attack.fuzzing import Driver
from tests.attack.mutating import EDGES, mutated

NOW_NS = 1_795_532_400_000_000_000
SOUND: tuple[dict[str, Any], ...] = (
    {"title": "Alibaba lifts its AI budget", "id": "42", "source": "reuters.com", "url": "https://x.example/1"},
    {"title": "IBM wins", "summary": "words", "published": "2026-11-24T15:00:00Z", "symbols": "NYSE:IBM", "language": "en"},
    {"title": "x", "revision": 3, "action": "updated", "updated": 1_795_532_400, "published": "Tue, 24 Nov 2026 15:00:00 GMT"},
    {"listing": "BABA.XNYS", "price": 178.25, "ts_ns": NOW_NS, "size": 100, "exchange": "N", "flags": 0},
    {"listing": "9988.XHKG", "price": 160.5, "ts_ns": NOW_NS},
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *EDGES, None, True, "", "x", [], {}, [1, "a"], {"a": 1}, "\ud800", "\x1b[31m", "\0", "9" * 400,
    "2026-02-30", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60Z", "24:00", "created", "deleted", "a" * 9999,
)  # fmt: skip
ENCODED = [json.dumps(each).encode() for each in SOUND]


def line(chance: random.Random) -> bytes:
    """Return a line: a sound one with other values, or with its bytes turned."""
    if chance.random() < 0.5:
        fields = dict(chance.choice(SOUND))
        for _ in range(chance.randint(1, 3)):
            fields[chance.choice((*fields, "received", "title", "price"))] = chance.choice(VALUES)
        return json.dumps(fields, ensure_ascii=chance.random() < 0.9).encode(
            "utf-8", "surrogatepass"
        )
    return mutated(chance, chance.choice(ENCODED), ENCODED)


def driver() -> Driver:
    reader = LineReader("stdin")

    def read(data: bytes) -> Iterable[Reject]:
        rejects = []
        for item in reader.feed(data + b"\n", NOW_NS):
            encode(frame_of([item]) if isinstance(item, Tick) else item)
            if isinstance(item, Reject):
                rejects.append(item)
        return rejects

    return Driver(line, read, 2.0)
