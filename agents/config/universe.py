"""Whom a live run follows: the universe and the benchmark that newsquake.toml names."""

from __future__ import annotations

from pathlib import Path

from agents.config.daily import read_daily
from agents.config.newsquake import NewsquakeFile, paths_of
from agents.reacting.config import DailyRow
from agents.replay.play.inputs import Directory
from streams.errors import ConfigError, InputError
from streams.reference.calendars import MICS, Calendar, calendar_for
from streams.reference.universe import Universe, builtin_universe, load_universe


def universe_of(config: NewsquakeFile, path: Path | None) -> Universe:
    """Return the universe; `path` is that of the configuration, whose folder `file` is relative to.

    ConfigError: no such benchmark in it. InputError: the file is no universe.
    """
    named = config.universe
    folder = path.parent if path else Path()
    universe = load_universe(folder / named.file) if named.file else builtin_universe()
    if named.benchmark and named.benchmark not in universe.listings:
        message = f'universe.benchmark = "{named.benchmark}" is no listing of the universe'
        raise ConfigError(str(path), message)
    return universe


def live_daily(
    config: NewsquakeFile, universe: Universe, path: Path | None
) -> tuple[DailyRow, ...]:
    """Return the daily rows that newsquake.toml names: without a close no day level is tested.

    InputError: a row of them cannot be used.
    """
    folder, found = path.parent if path else Path(), list[DailyRow]()
    resolve = Directory(universe).resolver(mic_column=False)
    for stanza in config.daily:
        for file in paths_of(folder, stanza.path, file=str(path)):
            rows, bad = read_daily(file, stanza, resolve)
            if bad:
                raise InputError(str(file), bad[0].detail)
            found += rows
    return tuple(found)


def broadcasts_of(universe: Universe, benchmark: str | None) -> dict[str, Calendar]:
    """Return the listings that others are measured against, with their calendars.

    They are the engine's benchmarks: a listing's own, else `benchmark`.
    """
    followed = [listing for listing in universe.listings.values() if listing.mic in MICS]
    named = {listing.benchmark or benchmark for listing in followed}
    return {x.listing: calendar_for(x.mic) for x in followed if x.listing in named}
