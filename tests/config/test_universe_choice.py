"""Whom a live run follows comes from newsquake.toml, and who is broadcast is the engine's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.config.newsquake import NewsquakeFile, load_config
from agents.config.universe import broadcasts_of, universe_of
from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine
from streams.errors import ConfigError, InputError
from streams.reference.calendars import MICS, calendar_for
from streams.reference.universe import builtin_universe

CSV = """\
issuer,name,symbol,mic,currency,shares_per_unit,aliases,benchmark
BABA,Alibaba,BABA,XNYS,USD,8,Alibaba,
BABA,Alibaba,9988,XHKG,HKD,1,,2800.XHKG
SPY,SPDR S&P 500,SPY,XNYS,USD,1,,
HK,Tracker Fund,2800,XHKG,HKD,1,,
XX,Nowhere,XX,XXXX,EUR,1,,
"""


def config(folder: Path, text: str) -> tuple[NewsquakeFile, Path]:
    path = folder / "newsquake.toml"
    path.write_text(text)
    return load_config(path), path


def test_without_a_file_it_is_the_built_in_universe() -> None:
    assert universe_of(NewsquakeFile(), None) is builtin_universe()


def test_the_file_is_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(CSV)
    settings, path = config(tmp_path, '[universe]\nfile = "mine.csv"\nbenchmark = "SPY.XNYS"\n')
    universe = universe_of(settings, path)
    assert set(universe.issuers) == {"BABA", "SPY", "HK", "XX"}


@pytest.mark.parametrize("market", ["SPY.XNYS", None])
def test_who_is_broadcast_is_what_the_engine_reads(tmp_path: Path, market: str | None) -> None:
    (tmp_path / "mine.csv").write_text(CSV)
    settings, path = config(tmp_path, '[universe]\nfile = "mine.csv"\n')
    universe = universe_of(settings, path)
    listings = tuple(x for x in universe.listings.values() if x.mic in MICS)
    engine = Engine(
        EngineConfig(
            listings=listings,
            calendars={mic: calendar_for(mic) for mic in {x.mic for x in listings}},
            benchmark=market or "",
        )
    )
    made = broadcasts_of(universe, market)
    assert set(made) == set(engine.broadcast) == {"2800.XHKG", *([market] if market else [])}
    assert made["2800.XHKG"] is calendar_for("XHKG")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[universe]\nbenchmark = "SPY"\n', 2, '"SPY" is no listing; write SYMBOL.MIC'),
        ('[universe]\nfiles = "x"\n', 2, 'did you mean "file"?'),
    ],
)
def test_a_bad_key_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, text)
    assert message in str(caught.value)
    assert caught.value.line == line


def test_a_benchmark_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings, path = config(tmp_path, '[universe]\nbenchmark = "NOBODY.XNYS"\n')
    with pytest.raises(ConfigError, match=r'newsquake.toml: universe.benchmark = "NOBODY.XNYS" is'):
        universe_of(settings, path)
    settings, path = config(tmp_path, '[universe]\nfile = "nowhere.csv"\n')
    with pytest.raises(InputError, match=r"nowhere.csv: cannot be read"):
        universe_of(settings, path)
