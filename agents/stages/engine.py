"""The engine's configuration: from newsquake.toml, or from the file that a replay writes for its workers."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agents.config.newsquake import load_config
from agents.config.universe import live_daily, universe_of
from agents.reacting.config import DailyRow, EngineConfig, Rule
from streams.errors import InputError
from streams.events import Listing
from streams.reference.calendars import MICS, calendar_for


class EngineFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An `EngineConfig` on disk, without its calendars: those come with the program."""

    listings: tuple[Listing, ...]
    benchmark: str
    daily: tuple[DailyRow, ...]
    rules: tuple[Rule, ...]
    lateness_ns: int


def engine_config(
    listings: tuple[Listing, ...],
    rules: tuple[Rule, ...],
    *,
    benchmark: str = "",
    daily: tuple[DailyRow, ...] = (),
) -> EngineConfig:
    """Return the configuration for those of the listings whose venue's hours are known."""
    known = tuple(each for each in listings if each.mic in MICS)
    calendars = {mic: calendar_for(mic) for mic in sorted({each.mic for each in known})}
    return EngineConfig(
        listings=known, calendars=calendars, benchmark=benchmark, daily=daily, rules=rules
    )


def save_engine(config: EngineConfig, path: Path) -> None:
    """Write a configuration for `load_engine`."""
    names = EngineFile.__struct_fields__
    file = EngineFile(**{name: getattr(config, name) for name in names})
    path.write_bytes(msgspec.json.encode(file))


def load_engine(path: Path) -> EngineConfig:
    """Return the configuration that `save_engine` wrote; InputError: the file is not one."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=EngineFile)
    except (OSError, msgspec.DecodeError) as fault:
        raise InputError(str(path), f"not an engine's configuration: {fault}") from fault
    config = engine_config(file.listings, file.rules, benchmark=file.benchmark, daily=file.daily)
    return msgspec.structs.replace(config, lateness_ns=file.lateness_ns)


def live_engine(config: Path | None, engine: Path | None) -> EngineConfig:
    """Return the configuration of newsquake.toml, or of `engine`, the file of a replay.

    ConfigError: newsquake.toml is wrong. InputError: `engine` is no such file.
    """
    if engine is not None:
        return load_engine(engine)
    settings = load_config(config)
    universe = universe_of(settings, config)
    return engine_config(
        tuple(universe.listings.values()),
        settings.engine_rules(),
        benchmark=settings.universe.benchmark or "",
        daily=live_daily(settings, universe, config),
    )
