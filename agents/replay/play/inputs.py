"""A replay folder, read: universe, engine configuration, headlines and rows in the order they were known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from agents.config.daily import read_daily
from agents.config.replay import (
    REPLAY_FILE,
    DailySpec,
    ReplayFile,
    config_id,
    load_replay,
    paths_of,
)
from agents.config.universe import Directory
from agents.reacting.config import DailyRow, EngineConfig, Rule
from agents.stages.engine import engine_config
from streams.errors import ConfigError
from streams.events import Headline, Reject
from streams.logs import logger
from streams.news.recorded.files import HeadlineSpec, read_headlines
from streams.prices.files import PriceSpec, read_prices
from streams.prices.rows import Rows, concat, sort_by_known
from streams.reference.universe import Universe, builtin_universe, load_universe

BLOCK = 2**20
Note = Callable[[str], None]
Stanza = TypeVar("Stanza", HeadlineSpec, PriceSpec, DailySpec)

log = logger(__name__)


class ReplayFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Every file of a replay, resolved once: what is hashed is what is read, whatever appears meanwhile."""

    head: Path  # replay.toml
    universe: Path | None  # None: the built-in one
    headlines: tuple[tuple[HeadlineSpec, Path], ...]
    prices: tuple[tuple[PriceSpec, Path], ...]
    daily: tuple[tuple[DailySpec, Path], ...]

    def paths(self) -> tuple[Path, ...]:
        """Return all of them, in the order of their hash."""
        own = [self.universe] if self.universe else []
        listed = (*self.headlines, *self.prices, *self.daily)
        return (self.head, *own, *(path for _, path in listed))


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

    @property
    def last_known_ns(self) -> int:
        """Return when the last row or headline was known, 0 where there is none."""
        ends = [int(self.rows.known_ns[-1])] if len(self.rows) else []
        ends += [self.headlines[-1].known_ns] if self.headlines else []
        return max(ends, default=0)


def read_inputs(folder: Path, rules: tuple[Rule, ...], progress: Note) -> Inputs:
    """Read a replay folder.

    Raises UsageError for a wrong description, InputError for a file that is not what it is said
    to be.
    """
    spec = load_replay(folder)
    files = resolved(folder, spec)
    directory = Directory(load_universe(files.universe) if files.universe else builtin_universe())
    headlines, rejects = _headlines(files, progress)
    rows, bad = _rows(files, directory, progress)
    daily, bad_daily = _daily(files, directory)
    universe = directory.universe()
    return Inputs(
        name=spec.replay.name,
        universe=universe,
        engine=_engine_config(folder, spec, universe, daily, rules),
        headlines=headlines,
        rows=rows,
        rejects=[*rejects, *bad, *bad_daily],
        config_id=config_id(spec, *rules),
        paths=files.paths(),
        inputs_id=_inputs_id(files.paths()),
    )


def resolved(folder: Path, spec: ReplayFile) -> ReplayFiles:
    """Return every file that the stanzas name now. ConfigError: a stanza names none."""

    def each(stanzas: Sequence[Stanza]) -> Iterator[tuple[Stanza, Path]]:
        yield from ((each, path) for each in stanzas for path in paths_of(folder, each.path))

    return ReplayFiles(
        head=folder / REPLAY_FILE,
        universe=_universe_file(folder, spec.replay.universe),
        headlines=tuple(each(spec.headlines)),
        prices=tuple(each(spec.prices)),
        daily=tuple(each(spec.daily)),
    )


def _universe_file(folder: Path, named: str | None) -> Path | None:
    if not named:
        return None
    found = paths_of(folder, named, key="universe")
    if len(found) > 1:
        message = f'universe = "{named}" names {len(found)} files; it must name one'
        raise ConfigError(str(folder / REPLAY_FILE), message)
    return found[0]


def _headlines(files: ReplayFiles, progress: Note) -> tuple[list[Headline], list[Reject]]:
    headlines: list[Headline] = []
    rejects: list[Reject] = []
    for stanza, path in files.headlines:
        progress(f"reading {path.name}")
        items, bad = read_headlines(path, stanza)
        log.debug("headlines read", file=path.name, headlines=len(items), rejects=len(bad))
        headlines += items
        rejects += bad
    headlines.sort(key=lambda h: h.known_ns)  # stable: equal times keep file order
    return headlines, rejects


def _rows(files: ReplayFiles, directory: Directory, progress: Note) -> tuple[Rows, list[Reject]]:
    parts: list[Rows] = []
    rejects: list[Reject] = []
    for stanza, path in files.prices:
        progress(f"reading {path.name}")
        resolver = directory.resolver(mic_column="mic" in stanza.columns)
        rows, bad = read_prices(path, stanza, resolver)
        log.debug("prices read", file=path.name, rows=len(rows), rejects=len(bad))
        parts.append(rows)
        rejects += bad
    return sort_by_known(concat(parts)), rejects


def _daily(files: ReplayFiles, directory: Directory) -> tuple[list[DailyRow], list[Reject]]:
    found: list[DailyRow] = []
    rejects: list[Reject] = []
    for stanza, path in files.daily:
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
            str(folder / REPLAY_FILE), f'benchmark = "{benchmark}" is no listing of the universe'
        )
    listings = tuple(universe.listings.values())
    return engine_config(listings, rules, benchmark=benchmark, daily=tuple(daily))


def _inputs_id(paths: tuple[Path, ...]) -> str:
    """Return a hash over every file that the replay reads."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()
