"""What a user configures: `replay.toml` and `newsquake.toml`, as frozen structs.

The one place that reads either. Unknown keys are refused; each fault is a ConfigError with file,
line, key and what would be valid. A struct's own check raises ValueError("key: what is wrong").
"""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from agents.config.delivery import AlertmanagerSpec, LinksFile, WebhookSpec
from agents.config.news import FeedSpec, FolderSpec, InboxFile, NewsFile, WireSpec
from agents.config.toml import load_toml
from agents.reacting.config import DAY_LEVELS_PCT, Rule
from streams.codec import canonical_json
from streams.errors import ConfigError, UsageError
from streams.events import content_id
from streams.news.recorded.files import HeadlineSpec
from streams.prices.files import PriceSpec

REPLAY_FILE: Final = "replay.toml"
WEB_PORT: Final = 8420
_LISTING: Final = re.compile(r"\S+\.[A-Z0-9]{4}")  # SYMBOL.MIC, a MIC as in ISO 10383


class ReplayHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[replay]` table: what the data is called and whom it is about."""

    name: str
    universe: str | None = None  # a file beside replay.toml; None = the built-in one
    benchmark: str | None = None  # the market, a listing of the universe

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name: it is empty")
        if self.benchmark is not None:
            _check_listing("benchmark", self.benchmark)


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


class RuleSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `[[rules]]` table; `day_move` fires where a listing passes a level of the day's move."""

    name: str
    kind: Literal["day_move"]
    levels_pct: tuple[int, ...] = DAY_LEVELS_PCT
    severity: str = "warning"
    listings: tuple[str, ...] = ()  # none named: all

    def __post_init__(self) -> None:
        for key in ("name", "severity"):
            if not getattr(self, key).strip():
                raise ValueError(f"{key}: it is empty")
        levels = self.levels_pct
        rising = all(low < high for low, high in itertools.pairwise(levels))
        if not levels or not rising or not 0 < levels[0] <= levels[-1] < 100:
            shown = ", ".join(map(str, levels))
            raise ValueError(f"levels_pct: [{shown}] must be percents that rise, within 1 to 99")
        for listing in self.listings:
            _check_listing("listings", listing)


class KafkaFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[kafka]` table: the broker and how to log in to it."""

    broker: str | None = None  # host:port, several by comma
    prefix: str = ""  # before the name of every topic and group: a run's own
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    ca_file: str | None = (
        None  # who signed the broker's certificate; None = the system's authorities
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password_env: str | None = None  # the environment variable that holds the password

    def __post_init__(self) -> None:
        if self.security.startswith("sasl") and not (self.username and self.password_env):
            raise ValueError(
                f"security: {self.security} needs username, and password_env: the name of the "
                f"environment variable that holds the password"
            )


class UniverseFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[universe]` table: whom a live run follows; agents/config/universe.py reads it."""

    file: str | None = None  # a universe.csv, relative to this file; None = the built-in one
    benchmark: str | None = None  # the market, a listing of the universe

    def __post_init__(self) -> None:
        if self.benchmark is not None:
            _check_listing("benchmark", self.benchmark)


class MetricsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[metrics]` table: where Prometheus finds us."""

    port: int | None = None  # of http://HOST:PORT/metrics; None = nowhere
    host: str = "127.0.0.1"
    event_time: bool = False  # prices of half a minute at their own time, in OpenMetrics

    def __post_init__(self) -> None:
        if self.port is not None and not 0 <= self.port < 2**16:
            raise ValueError("port: it must be from 0 (any that is free) to 65535")


class WebFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[web]` table: pages and the read API; agents/web/command.py reads it."""

    port: int | None = None  # None: not inside `newsquake run`
    host: str = "127.0.0.1"
    token_env: str | None = None  # the environment variable that holds the token

    def __post_init__(self) -> None:
        if self.port is not None and not 0 <= self.port < 2**16:
            raise ValueError("port: it must be from 0 (any that is free) to 65535")

    @property
    def port_or_default(self) -> int:
        """Return the port of `newsquake web`."""
        return WEB_PORT if self.port is None else self.port


class NewsquakeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole `newsquake.toml`; without one the built-in rule `day_move` applies."""

    rules: tuple[RuleSpec, ...] = (RuleSpec(name="day_move", kind="day_move"),)
    kafka: KafkaFile = KafkaFile()
    universe: UniverseFile = UniverseFile()
    daily: tuple[DailySpec, ...] = ()  # closes before a live run's first day, splits, dividends
    news: NewsFile = NewsFile()
    feeds: tuple[FeedSpec, ...] = ()
    wires: tuple[WireSpec, ...] = ()
    folders: tuple[FolderSpec, ...] = ()
    inbox: InboxFile | None = None
    metrics: MetricsFile = MetricsFile()
    alertmanagers: tuple[AlertmanagerSpec, ...] = ()
    webhooks: tuple[WebhookSpec, ...] = ()
    links: LinksFile = LinksFile()
    web: WebFile = WebFile()

    def __post_init__(self) -> None:
        taken: set[str] = set()
        for table, name in self._news():
            if name in taken:  # what was seen of a feed is kept under its name
                raise ValueError(
                    f'{table}: the name "{name}" is given twice, here or to another source'
                )
            taken.add(name)
        labels = [("alertmanagers", each.label) for each in self.alertmanagers]
        labels += [("webhooks", each.label) for each in self.webhooks]
        told: set[str] = set()
        for table, name in labels:
            if name in told:  # what waits for a target is kept under its name
                raise ValueError(
                    f'{table}: the name "{name}" is given twice, here or to another target'
                )
            told.add(name)
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:  # an alert's id is made of its rule's name
                raise ValueError(f'rules: the name "{name}" is given twice')

    def news_names(self) -> list[str]:
        """Return the names of all sources of news."""
        return [name for _, name in self._news()]

    def _news(self) -> Iterator[tuple[str, str]]:
        """Yield the table and the name of each source of news."""
        yield from (("feeds", feed.name) for feed in self.feeds)
        yield from (("folders", folder.name) for folder in self.folders)
        yield from (("wires", wire.label) for wire in self.wires)
        if self.inbox:
            yield "inbox", self.inbox.name

    def engine_rules(self) -> tuple[Rule, ...]:
        """Return the rules as the engine takes them."""
        return tuple(Rule(**msgspec.structs.asdict(spec)) for spec in self.rules)


def load_config(path: Path | None) -> NewsquakeFile:
    """Return the configuration in `path`, the built-in one for None."""
    return NewsquakeFile() if path is None else load_toml(path, NewsquakeFile)


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


def secret_of(key: str, name: str, config: Path | None) -> str:
    """Return what the environment variable `name` holds, without blanks around it.

    `key` is that of newsquake.toml which names it. ConfigError: it is not set, or blank.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        message = f'{key} = "{name}": no such environment variable is set; export it first'
        raise ConfigError(str(config), message)
    return text


def _check_listing(key: str, text: str) -> None:
    if not _LISTING.fullmatch(text):
        raise ValueError(f'{key}: "{text}" is no listing; write SYMBOL.MIC, such as "BABA.XNYS"')
