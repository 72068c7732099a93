"""Golden pairs: every `NAME.xml` in tests/feeds reads as its `NAME.json` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.news.feed import FeedInfo
from streams.news.rss import parse_feed
from streams.times import parse_time

FEEDS = Path(__file__).resolve().parents[1] / "feeds"
DOCUMENTS = sorted(FEEDS.glob("*.xml"))
# Kept out of the pairs: derived from the rest, and tested by test_headline.
LEFT_OUT = {"headline_id", "feed", "source", "tier", "delay_s"}


def as_read(path: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """Return what `path` reads as, in the form of the golden files; times stay ns."""
    feed = msgspec.convert({"name": "f", "source": "s", **expected.get("feed", {})}, FeedInfo)
    received = expected.get("received")
    parsed = parse_feed(path.read_bytes(), feed, parse_time(received) if received else None)
    headlines = [
        {
            name: value
            for name, value in msgspec.to_builtins(headline).items()
            if name not in LEFT_OUT and value not in ("", [], (), None)
        }
        for headline in parsed.headlines
    ]
    return {
        **{key: expected[key] for key in ("feed", "received") if key in expected},
        "version": parsed.version,
        "well_formed": not parsed.problems,
        "headlines": msgspec.json.decode(msgspec.json.encode(headlines)),
        "rejects": [[reject.reason, reject.detail] for reject in parsed.rejects],
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_reads_as_its_golden_file_says(path: Path) -> None:
    expected = msgspec.json.decode(path.with_suffix(".json").read_bytes())
    assert as_read(path, expected) == expected


def test_every_golden_file_has_its_document() -> None:
    assert sorted(FEEDS.glob("*.json")) == [path.with_suffix(".json") for path in DOCUMENTS]
    assert len(DOCUMENTS) >= 14
