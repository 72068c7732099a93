"""What a user configures: `replay.toml` and `newsquake.toml`, as frozen structs.

The one place that reads either. Unknown keys are refused; each fault is a ConfigError with file,
line, key and what would be valid. A struct's own check raises ValueError("key: what is wrong").
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from agents.config.addresses import check_listing
from agents.config.delivery import AlertmanagerSpec, LinksFile, WebhookSpec
from agents.config.news import FeedSpec, FolderSpec, InboxFile, NewsFile, WireSpec
from agents.config.replay import DailySpec
from agents.config.toml import load_toml
from agents.reacting.config import DAY_LEVELS_PCT, Rule

WEB_PORT: Final = 8420


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
            check_listing("listings", listing)


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
            check_listing("benchmark", self.benchmark)


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
