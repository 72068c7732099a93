"""Fuzzed documents of news: every dialect's golden documents, turned and told to be one or none."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from streams.codec import encode
from streams.events import Reject
from streams.news.dialects.registry import NAMES, read_document
from streams.news.feed import FeedInfo
from tests.attack.fuzzing import Driver
from tests.attack.mutating import mutated

NOW_NS = 1_795_532_400_000_000_000
FEEDS = Path(__file__).resolve().parents[1] / "feeds"
LONGEST = 3_000  # of a sound one: mutation finds no more in a longer, and takes more time
_HEAD = 4  # bytes before a document that say how it is read


def sound() -> list[bytes]:
    """Return the golden documents, the longer ones cut."""
    paths = sorted(each for each in FEEDS.glob("*/*") if ".expected" not in each.name)
    return [
        path.read_bytes()[:LONGEST] for path in paths if path.suffix in {".xml", ".json", ".csv"}
    ]


def driver() -> Driver:
    documents = sound()
    assert len(documents) > 20, "the golden documents are elsewhere"

    def make(chance: random.Random) -> bytes:
        # Mostly by its looks, sometimes by a dialect that is not its own.
        number = 0 if chance.random() < 0.8 else chance.randrange(len(NAMES))
        return bytes((number, *chance.randbytes(_HEAD - 1))) + mutated(chance, chance.choice(documents), documents)  # fmt: skip

    def read(data: bytes) -> Iterable[Reject]:
        feed = FeedInfo(name="fuzz", source="fuzz.example", dialect=NAMES[data[0]])
        parsed = read_document(data[_HEAD:], feed, NOW_NS if data[1] % 4 else None)
        for item in (*parsed.headlines, *parsed.statuses, *parsed.rejects):
            encode(item)
        return parsed.rejects

    return Driver(make, read, 5.0)
