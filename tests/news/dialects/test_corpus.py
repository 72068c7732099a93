"""Every feed of the real corpus is read or named: no crash, no hang, nothing lost in silence."""

from __future__ import annotations

import csv
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo
from tests.limits import limited

FEED = FeedInfo(name="f", source="s", tier="wire")
# A poll long after: undated items are kept, old ones are flagged and not refused.
RECEIVED_NS = 1_758_715_200_000_000_000
FILE_S = 10  # the largest takes less than one on a quiet core
REASONS = {"not_a_feed", "undecodable", "empty_feed", "no_title", "no_time", "past", "future"}
# At least so many headlines of each group, and files of which some were read.
GROUPS = {
    "real": (252, 7_000, 240),
    "real_broken": (29, 150, 24),
    "broken": (19, 5, 5),
    "conformance": (2_192, 200, 200),
}


def documents(folder: Path, group: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(folder / f"{group}.tar.gz") as archive:
        for member in archive:
            handle = archive.extractfile(member) if member.isfile() else None
            if handle is not None:
                yield member.name, handle.read()


def listed(folder: Path, group: str) -> set[str]:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as index:
        return {row["file"] for row in csv.DictReader(index) if row["group"] == group}


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_every_file_gives_headlines_or_a_named_reject(shared_data: Path, group: str) -> None:
    folder = shared_data / "G1_feed_xml"
    files, at_least, read_files = GROUPS[group]
    rejects: Counter[str] = Counter()
    dialects: Counter[str] = Counter()
    seen: set[str] = set()
    headlines = with_headlines = 0
    slowest = (0.0, "")
    for name, data in documents(folder, group):
        begin = time.perf_counter()
        with limited(FILE_S, name):
            parsed = read_document(data, FEED, RECEIVED_NS)
        slowest = max(slowest, (time.perf_counter() - begin, name))
        assert parsed.headlines or parsed.rejects, name
        assert {reject.reason for reject in parsed.rejects} <= REASONS, name
        rejects.update(reject.reason for reject in parsed.rejects)
        dialects[parsed.dialect] += 1
        headlines += len(parsed.headlines)
        with_headlines += bool(parsed.headlines)
        seen.add(name)
    print(f"\n{group}: {len(seen)} files, {headlines} headlines in {with_headlines} of them,")
    print(f"  rejects {dict(rejects)}, dialects {dict(dialects)}, slowest {slowest}")
    assert seen == listed(folder, group)
    assert len(seen) == files
    assert headlines >= at_least
    assert with_headlines >= read_files
