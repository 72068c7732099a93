"""After seven weeks of real headlines and prices the labels are still those of the start."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from agents.metrics.declared import DECLARED, MOST_ISSUERS, PREFIX
from agents.metrics.endpoint import Exposure
from agents.metrics.run import RunMeter
from agents.reacting.config import Rule
from agents.replay.play.backend import LocalBackend
from agents.replay.play.inputs import read_inputs
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from agents.replay.play.watching import ObservingWatcher
from tests.metrics.scraping import Scrape, scraped
from tests.running import filled

SERIES_A_LISTING = 22  # docs/metrics.md: 20, and an alert in each direction
LONGEST_VALUE = 64
pytestmark = pytest.mark.slow


def sizes(scrape: Scrape) -> Counter[str]:
    """Count the series of each metric."""
    return Counter({name: len(family.samples) for name, family in scrape.families.items()})


def test_r2_adds_no_label_beyond_the_bounds(shared_data: Path, tmp_path: Path) -> None:
    day = read_inputs(filled("r2", shared_data, tmp_path / "r2"), (Rule(),), lambda _: None)
    meter = RunMeter(Exposure(port=0, replay="r2"), day.engine, day.universe)
    engine = meter.observer.engine(day.engine)
    with meter.serving(print) as address:
        before = sizes(scraped(address))
        options = ReplayOptions(watcher=ObservingWatcher(meter.observer))
        Replay(day, tmp_path / "out", LocalBackend(engine), options).run()
        after = scraped(address)

    listings = {each.listing for each in day.engine.listings}
    per_listing = Counter(
        dict(labels)["listing"] for _, labels in after.samples if "listing" in dict(labels)
    )
    assert set(per_listing) <= listings
    assert max(per_listing.values()) <= SERIES_A_LISTING
    assert len(after.labels_of("mentions_total", "issuer")) <= MOST_ISSUERS + 1
    assert set(after.rows("label_overflow_total").values()) == {0.0}
    values = {value for _, labels in after.samples for _, value in labels}
    assert max(map(len, values)) <= LONGEST_VALUE
    titles = {headline.title for headline in day.headlines}
    assert not values & titles

    counted = {name for name, each in DECLARED.items() if each.kind != "gauge"}
    grown = sizes(after) - before
    assert not {name for name in counted if grown[f"{PREFIX}_{name}"]}, grown
