"""What newsquake.toml says of news: `[news]`, `[[feeds]]`, `[[wires]]`, `[[folders]]`, `[inbox]`."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

from agents.config.addresses import NAME, host_of, url_fault
from streams.events import Tier
from streams.news.dialects.registry import NAMES
from streams.news.dialects.rss import MAX_ITEMS
from streams.news.feed import AUTO, MOST_ITEMS, FeedInfo
from streams.reference.sources import tier_of
from streams.rhythm import Expect
from streams.times import DAY_S

SHORTEST_S: Final = 5.0  # between two requests to one feed: below that it is no polling
SHORTEST_LOOK_S: Final = 0.05  # between two looks at a folder
INBOX: Final = "inbox"


class NewsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[news]` table."""

    contact: str = ""  # an address or a URL, told to every server that is asked
    state: str | None = None  # the file of what was seen, relative to this one
    most_items: int = MOST_ITEMS  # new ones of one document; the others are a reject

    def __post_init__(self) -> None:
        if not 1 <= self.most_items <= MAX_ITEMS:
            raise ValueError(f"most_items: it must be from 1 to {MAX_ITEMS}")


class _Origin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every kind of feed has."""

    name: str
    source: str = ""  # the publisher; "": the host
    tier: Tier | None = None  # None: as the table of publishers says
    dialect: str = AUTO
    language: str = ""
    precision: Literal["second", "minute", "day"] | None = None  # None: judged by each stamp
    delay_s: float = 0.0
    lateness_bound_s: float = DAY_S
    symbols: tuple[str, ...] = ()  # of every item, where the feed is about one company
    expect: Expect = Expect()

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.dialect not in NAMES:
            raise ValueError(f'dialect: "{self.dialect}" is not known; valid: {", ".join(NAMES)}')
        for key in ("delay_s", "lateness_bound_s"):
            if not 0 <= getattr(self, key) <= 30 * DAY_S:
                raise ValueError(f"{key}: it must be from 0 to {30 * DAY_S} seconds")

    def info(self, source: str, url: str = "") -> FeedInfo:
        """Return the same as sources take it; `source` is used where none is named."""
        precision_s = {"second": 1, "minute": 60, "day": DAY_S, None: None}[self.precision]
        publisher = self.source or source
        return FeedInfo(
            name=self.name,
            source=publisher,
            tier=self.tier or tier_of(publisher),
            precision_s=precision_s,
            delay_s=self.delay_s,
            lateness_bound_s=self.lateness_bound_s,
            language=self.language,
            url=url,
            dialect=self.dialect,
            symbols=self.symbols,
        )


class FeedSpec(_Origin, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `[[feeds]]` table: a document that is asked for again and again."""

    url: str
    interval_s: float = 60.0
    user_agent: str = ""  # instead of ours, where a server must be asked so

    def __post_init__(self) -> None:
        super().__post_init__()
        if fault := url_fault(self.url, ("http", "https")):
            raise ValueError(f"url: {fault}")
        if not self.user_agent.isprintable() or not self.user_agent.isascii():
            raise ValueError("user_agent: it must be printable ASCII, as headers are")
        if not SHORTEST_S <= self.interval_s <= DAY_S:
            raise ValueError(f"interval_s: it must be from {SHORTEST_S:g} to {DAY_S} seconds")

    @property
    def feed(self) -> FeedInfo:
        """Return what the feed's items are read with."""
        return self.info(host_of(self.url), self.url)


class WireSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `[[wires]]` table: a vendor's socket."""

    kind: Literal["alpaca", "benzinga", "finnhub"]
    key_env: str  # the environment variable that holds the key or token
    secret_env: str | None = None  # alpaca: the one that holds the secret
    name: str = ""  # "": the kind
    symbols: tuple[str, ...] = ()  # none named: all, where the vendor has that
    channels: tuple[str, ...] = ()  # benzinga: only these
    releases: bool = False  # finnhub: press releases, too
    url: str | None = None  # None: the vendor's own
    backfill_url: str | None = None  # None: the vendor's own
    expect: Expect = Expect(busy_per_hour=60.0, quiet_per_hour=2.0)

    def __post_init__(self) -> None:
        _check_name(self.name or self.kind)
        if self.kind == "alpaca" and not self.secret_env:
            raise ValueError("secret_env: alpaca needs it: the variable that holds the secret")
        if self.kind == "finnhub" and not self.symbols:
            raise ValueError("symbols: finnhub sends news of the symbols that are named")
        if self.url is not None and (fault := url_fault(self.url, ("ws", "wss"))):
            raise ValueError(f"url: {fault}")
        rest = self.backfill_url
        if rest is not None and (fault := url_fault(rest, ("http", "https"))):
            raise ValueError(f"backfill_url: {fault}")
        if self.channels and self.kind != "benzinga":
            raise ValueError(f"channels: {self.kind} has none; only benzinga has")
        if self.releases and self.kind != "finnhub":
            raise ValueError(f"releases: {self.kind} has none apart; only finnhub has")

    @property
    def label(self) -> str:
        """Return the name that the wire goes by."""
        return self.name or self.kind


class FolderSpec(_Origin, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `[[folders]]` table: files that somebody else puts there."""

    path: str
    pattern: str = "*"
    interval_s: float = 1.0
    done: str | None = None  # where files go that were read; None: they stay

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.source:
            raise ValueError("source: name the publisher of what lies there")
        if not SHORTEST_LOOK_S <= self.interval_s <= DAY_S:
            raise ValueError(f"interval_s: it must be from {SHORTEST_LOOK_S:g} to {DAY_S} seconds")
        if self.done is not None and Path(self.done) == Path(self.path):
            raise ValueError("done: it must be another folder than path")


class InboxFile(_Origin, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[inbox]` table: documents that somebody else posts to us."""

    name: str = INBOX
    host: str = "127.0.0.1"
    port: int = 8410
    token_env: str | None = None  # the variable that holds what a sender must show

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.source:
            raise ValueError("source: name the publisher of what is posted")
        if not 0 <= self.port < 2**16:
            raise ValueError("port: it must be from 0 (any that is free) to 65535")
        if self.host not in {"127.0.0.1", "::1", "localhost"} and not self.token_env:
            raise ValueError("token_env: name the variable with a token, to listen beyond loopback")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f'name: "{name}" must be letters, digits, "_", "." and "-", at most 60')
