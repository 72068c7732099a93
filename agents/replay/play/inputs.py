"""A replay folder, read: universe, engine configuration, headlines and rows in the order they were known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from agents.config.daily import read_daily
from agents.config.replay import REPLAY_FILE, ReplayFile, config_id, load_replay, paths_of
from agents.config.universe import Directory
from agents.reacting.config import DailyRow, EngineConfig, Rule
from agents.stages.engine import engine_config
from streams.errors import ConfigError
from streams.events import Headline, Reject
from streams.news.recorded.files import read_headlines
from streams.prices.files import read_prices
from streams.prices.rows import Rows, concat, sort_by_known
from streams.reference.universe import Universe, builtin_universe, load_universe

BLOCK = 2**20


class Inputs(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Everything a replay needs; rows and headlines sorted by known, equal times in file order."""

    name: str
    universe: Universe
    engine: EngineConfig
    headlines: list[Headline]
    rows: Rows
    rejects: list[Reject]
    paths: tuple[Path, ...]  # every file read
    config_id: str
    inputs_id: str  # changes with any byte of any file read


def read_inputs(folder: Path, rules: tuple[Rule, ...], progress: Callable[[str], None]) -> Inputs:
    """Read a replay folder.

    Raises UsageError for a wrong description, InputError for a file that is not what it is said
    to be.
    """
    spec = load_replay(folder)
    paths, named = _paths(folder, spec), spec.replay.universe
    directory = Directory(load_universe(folder / named) if named else builtin_universe())
    headlines, rejects = _headlines(folder, spec, progress)
    rows, bad = _rows(folder, spec, directory, progress)
    daily, bad_daily = _daily(folder, spec, directory)
    universe = directory.universe()
    return Inputs(
        name=spec.replay.name,
        universe=universe,
        engine=_engine_config(folder, spec, universe, daily, rules),
        headlines=headlines,
        rows=rows,
        rejects=[*rejects, *bad, *bad_daily],
        config_id=config_id(spec, *rules),
        paths=paths,
        inputs_id=_inputs_id(paths),
    )


def _headlines(
    folder: Path, spec: ReplayFile, progress: Callable[[str], None]
) -> tuple[list[Headline], list[Reject]]:
    headlines: list[Headline] = []
    rejects: list[Reject] = []
    for stanza in spec.headlines:
        for path in paths_of(folder, stanza.path):
            progress(f"reading {path.name}")
            items, bad = read_headlines(path, stanza)
            headlines += items
            rejects += bad
    headlines.sort(key=lambda h: h.known_ns)  # stable: equal times keep file order
    return headlines, rejects


def _rows(
    folder: Path, spec: ReplayFile, directory: Directory, progress: Callable[[str], None]
) -> tuple[Rows, list[Reject]]:
    parts: list[Rows] = []
    rejects: list[Reject] = []
    for stanza in spec.prices:
        for path in paths_of(folder, stanza.path):
            progress(f"reading {path.name}")
            rows, bad = read_prices(
                path, stanza, directory.resolver(mic_column="mic" in stanza.columns)
            )
            parts.append(rows)
            rejects += bad
    return sort_by_known(concat(parts)), rejects


def _daily(
    folder: Path, spec: ReplayFile, directory: Directory
) -> tuple[list[DailyRow], list[Reject]]:
    found: list[DailyRow] = []
    rejects: list[Reject] = []
    for stanza in spec.daily:
        for path in paths_of(folder, stanza.path):
            rows, bad = read_daily(path, stanza, directory.resolver(mic_column=False))
            found += rows
            rejects += bad
    return found, rejects


def _engine_config(
    folder: Path,
    spec: ReplayFile,
    universe: Universe,
    daily: list[DailyRow],
    rules: tuple[Rule, ...],
) -> EngineConfig:
    benchmark = spec.replay.benchmark or ""
    if benchmark and benchmark not in universe.listings:
        raise ConfigError(
            str(folder / "replay.toml"), f'benchmark = "{benchmark}" is no listing of the universe'
        )
    listings = tuple(universe.listings.values())
    return engine_config(listings, rules, benchmark=benchmark, daily=tuple(daily))


def _paths(folder: Path, spec: ReplayFile) -> tuple[Path, ...]:
    """Return every file that the replay reads; ConfigError where one is missing."""
    universe = spec.replay.universe
    found = paths_of(folder, universe, key="universe") if universe else []
    names = [x.path for x in spec.headlines]
    names += [x.path for x in spec.prices] + [x.path for x in spec.daily]
    return (folder / REPLAY_FILE, *found, *(p for name in names for p in paths_of(folder, name)))


def _inputs_id(paths: tuple[Path, ...]) -> str:
    """Return a hash over every file that the replay reads."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()
