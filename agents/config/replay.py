"""replay.toml: what a folder of history holds, as frozen structs."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Final

import msgspec

from agents.config.addresses import check_listing
from agents.config.toml import load_toml
from streams.codec import canonical_json
from streams.errors import ConfigError, UsageError
from streams.events import content_id
from streams.news.recorded.files import HeadlineSpec
from streams.prices.files import PriceSpec

REPLAY_FILE: Final = "replay.toml"


class ReplayHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[replay]` table: what the data is called and whom it is about."""

    name: str
    universe: str | None = None  # a file beside replay.toml; None = the built-in one
    benchmark: str | None = None  # the market, a listing of the universe

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name: it is empty")
        if self.benchmark is not None:
            check_listing("benchmark", self.benchmark)


class DailyColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names that a daily file gives to its columns."""

    date: str
    symbol: str | None = None
    close: str | None = None
    split: str | None = None
    dividend: str | None = None


class DailySpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `[[daily]]` table: official closes, splits and dividends before or during a replay."""

    path: str
    columns: DailyColumns
    symbol: str | None = None  # instead of columns.symbol, where the file holds one listing
    mic: str | None = None

    def __post_init__(self) -> None:
        columns = self.columns
        if (self.symbol is None) == (columns.symbol is None):
            raise ValueError("symbol: give either it or columns.symbol, one of the two")
        if columns.close is columns.split is columns.dividend is None:
            raise ValueError("columns: name at least one of close, split, dividend")


class ReplayFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole `replay.toml`."""

    replay: ReplayHead
    headlines: tuple[HeadlineSpec, ...] = ()
    prices: tuple[PriceSpec, ...] = ()
    daily: tuple[DailySpec, ...] = ()

    def __post_init__(self) -> None:
        if not self.headlines and not self.prices:
            raise ValueError("replay: there is nothing to replay; add [[headlines]] or [[prices]]")


def load_replay(folder: Path) -> ReplayFile:
    """Return what the folder's `replay.toml` says; UsageError: no such folder or file in it."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the one that holds {REPLAY_FILE}")
    path = folder / REPLAY_FILE
    if not path.is_file():
        raise UsageError(
            f"{folder}: no {REPLAY_FILE} in it; write one that names the files of headlines and "
            f"prices (README.md shows one, `newsquake demo --out OUT` runs a complete one)"
        )
    return load_toml(path, ReplayFile)


def paths_of(folder: Path, pattern: str, key: str = "path", file: str = REPLAY_FILE) -> list[Path]:
    """Return the files that `path = pattern` of the folder's `file` names, sorted.

    Relative to the folder or absolute; `*`, `?`, `[...]` and `**` match as in a shell. A file of
    exactly that name comes first. ConfigError: there is none.
    """
    exact = folder / pattern
    if exact.is_file():
        return [exact]
    whole = pattern if Path(pattern).is_absolute() else f"{glob.escape(str(folder))}/{pattern}"
    # Path.glob refuses absolute patterns and what a shell takes, such as `**.csv`.
    names = glob.glob(whole, recursive=True)  # noqa: PTH207
    found = sorted(path for path in map(Path, names) if path.is_file())
    if not found:
        message = f'{key} = "{pattern}" names no file in {folder}'
        raise ConfigError(str(folder / Path(file).name), message)
    return found


def config_id(*structs: msgspec.Struct) -> str:
    """Return the id of a configuration: 16 hex digits that depend on its values alone."""
    return content_id(*(canonical_json(each).decode() for each in structs))
