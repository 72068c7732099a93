from __future__ import annotations

import csv
import importlib.resources

import pytest

from streams.reference import sources
from streams.reference.sources import tier_of


@pytest.mark.parametrize(
    ("source", "tier"),
    [
        ("sec", "regulator"),
        ("SEC", "regulator"),
        ("www.sec.gov", "regulator"),
        ("hkex", "regulator"),
        ("www1.hkexnews.hk", "regulator"),
        ("nvidianews.nvidia.com", "issuer"),
        ("reuters", "wire"),
        ("Reuters", "wire"),
        ("www.reuters.com", "wire"),
        ("reuters-video", "wire"),
        ("https://feeds.reuters.com/reuters/businessNews?x=1", "wire"),
        ("bloomberg", "wire"),
        ("dowjones", "wire"),
        ("ap", "wire"),
        ("Xinhua", "wire"),
        ("prnewswire", "wire"),
        ("PR Newswire", "wire"),
        ("businesswire", "wire"),
        ("feed.businesswire.com", "wire"),
        ("GlobeNewswire", "wire"),
        ("marketwire", "wire"),
        ("marketwired", "wire"),
        ("wsj", "outlet"),
        ("ft", "outlet"),
        ("CNBC", "outlet"),
        ("briefing", "outlet"),
        ("briefing.com", "outlet"),
        ("benzinga", "outlet"),
        ("marketwatch", "outlet"),
        ("scmp", "outlet"),
        ("Barron's", "outlet"),
        ("seekingalpha", "aggregator"),
        ("Seeking Alpha", "aggregator"),
        ("yahoo", "aggregator"),
        ("feeds.finance.yahoo.com", "aggregator"),
        ("", "unknown"),
        ("notreuters.com", "unknown"),
        ("reuters.com.evil.example", "unknown"),
        ("com", "unknown"),
        ("a neighbour", "unknown"),
    ],
)
def test_publishers_are_known_by_name_and_host(source: str, tier: str) -> None:
    assert tier_of(source) == tier


def test_the_table_is_large_and_every_name_in_it_is_found() -> None:
    text = (importlib.resources.files("streams.reference") / "sources.csv").read_text("utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if line[0] != "#"))
    assert len(rows) >= 60
    assert {row["tier"] for row in rows} == sources.TIERS - {"unknown"}
    for row in rows:
        for name in [row["publisher"], *row["names"].split("|")]:
            assert tier_of(name) == row["tier"], name
            assert tier_of(f"  {name.upper()} ") == row["tier"], name
