"""Golden pairs: `tests/feeds/DIALECT/NAME.xml` (or any suffix) reads as `NAME.expected.json` says.

A golden file gives `feed`, what is configured of it, and `received`, where they matter to the
reading; `well_formed` says whether nothing had to be mended.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.events import Headline
from streams.news.dialects.registry import NAMES, read_document
from streams.news.feed import AUTO, FeedInfo
from streams.times import parse_time

FEEDS = Path(__file__).resolve().parents[2] / "feeds"
GOLDEN = sorted(FEEDS.rglob("*.expected.json"))
DIALECTS = sorted(set(NAMES) - {AUTO})
# Kept out of the pairs: derived from the rest, and tested by test_headline.
LEFT_OUT = {"headline_id", "feed", "delay_s"}


def document_of(golden: Path) -> Path:
    """Return the one file that a golden file is about."""
    name = golden.name.removesuffix(".expected.json")
    (document,) = (p for p in golden.parent.glob(f"{name}.*") if p != golden and p.stem == name)
    return document


def as_read(golden: Path, expected: dict[str, Any], dialect: str) -> dict[str, Any]:
    """Return what a document reads as, in the form of the golden files; times stay ns."""
    known = {"name": "f", "source": "s", **expected.get("feed", {}), "dialect": dialect}
    feed = msgspec.convert(known, FeedInfo)
    received = expected.get("received")
    received_ns = parse_time(received) if received else None
    parsed = read_document(document_of(golden).read_bytes(), feed, received_ns)
    read = {
        **{key: expected[key] for key in ("feed", "received") if key in expected},
        "version": parsed.version,
        "well_formed": not parsed.problems,
        "headlines": [told(headline, feed) for headline in parsed.headlines],
        "rejects": [[reject.reason, reject.detail] for reject in parsed.rejects],
    }
    if parsed.statuses:
        read["statuses"] = msgspec.to_builtins(parsed.statuses)
    if parsed.held_until_ns is not None:
        read["held_until_ns"] = parsed.held_until_ns
    assert parsed.dialect == golden.parent.name
    return msgspec.json.decode(msgspec.json.encode(read))


def told(headline: Headline, feed: FeedInfo) -> dict[str, Any]:
    """Return what a headline says beside what is known of its feed."""
    beside = {"source": feed.source, "tier": feed.tier}
    return {
        name: value
        for name, value in msgspec.to_builtins(headline).items()
        if name not in LEFT_OUT and value not in ("", [], (), None) and value != beside.get(name)
    }


@pytest.mark.parametrize("sniffed", [False, True], ids=["named", "sniffed"])
@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.name[:-14]}")
def test_a_document_reads_as_its_golden_file_says(golden: Path, sniffed: bool) -> None:
    expected = msgspec.json.decode(golden.read_bytes())
    dialect = AUTO if sniffed else golden.parent.name
    assert as_read(golden, expected, dialect) == expected


def test_every_document_has_its_golden_file() -> None:
    files = {path for path in FEEDS.glob("*/*") if path.parent.name != "__pycache__"}
    assert files - set(GOLDEN) == {document_of(golden) for golden in GOLDEN}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_its_pairs(dialect: str) -> None:
    assert sum(golden.parent.name == dialect for golden in GOLDEN) >= 2


def test_every_folder_of_pairs_is_a_dialect() -> None:
    assert {golden.parent.name for golden in GOLDEN} <= set(DIALECTS)
