"""Whom a live run follows: the universe and the benchmark that newsquake.toml names."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agents.config.daily import Resolve, read_daily
from agents.config.newsquake import NewsquakeFile, load_config
from agents.config.replay import paths_of
from agents.reacting.config import DailyRow
from streams.errors import ConfigError, InputError
from streams.events import Issuer, Listing
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


class Directory:
    """The universe, growing by the listings that only the price files know."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self.added: dict[str, Listing] = {}

    def resolver(self, *, mic_column: bool) -> Resolve:
        """Return the naming of symbols for one file.

        A MIC from a column is believed; the stanza's own `mic` only fills in where the universe
        does not know.
        """

        def resolve(symbol: str, mic: str | None) -> str | None:
            found = self._universe.by_symbol(symbol, mic if mic_column else None)
            found = found or self._universe.by_symbol(symbol, mic)
            if found is not None:
                return found.listing
            return self._add(symbol, mic) if mic in MICS else None

        return resolve

    def _add(self, symbol: str, mic: str | None) -> str:
        name = f"{symbol}.{mic}"
        currency = "HKD" if mic == "XHKG" else "USD"
        self.added.setdefault(
            name,
            Listing(listing=name, issuer=symbol, symbol=symbol, mic=mic or "", currency=currency),
        )
        return name

    def universe(self) -> Universe:
        """Return the universe with the listings added on the way."""
        if not self.added:
            return self._universe
        issuers = dict(self._universe.issuers)
        for listing in self.added.values():
            old = issuers.get(listing.issuer)
            lines = (*old.listings, listing) if old else (listing,)
            base = old or Issuer(issuer=listing.issuer, name=listing.symbol)
            issuers[listing.issuer] = msgspec.structs.replace(base, listings=lines)
        return Universe(issuers=issuers, listings={**self._universe.listings, **self.added})


def live_universe(config: Path | None) -> Universe:
    """Return whom newsquake.toml follows."""
    return universe_of(load_config(config), config)
