"""From newsquake.toml to the running sources of news."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.config.news import FeedSpec, WireSpec
from agents.config.newsquake import NewsquakeFile
from agents.config.secrets import secret_of
from streams.http.fetch import agent_name
from streams.http.options import HttpOptions
from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo, Read, Take
from streams.news.inbox.folder import FolderInbox, WatchedFolder
from streams.news.inbox.http import HttpInbox
from streams.news.polling.poller import PolledFeed, Poller
from streams.news.wires.alpaca import ALL, AlpacaNews
from streams.news.wires.benzinga import BenzingaNews
from streams.news.wires.finnhub import NEWS, RELEASES, FinnhubNews
from streams.news.wires.receiver import NewsReceiver, NewsWire
from streams.outcome import Notice, States
from streams.reference.sources import tier_of
from streams.rhythm import Expect, Rhythm
from streams.wires.contract import Secret
from streams.wires.listener import WireListener

HOSTS: Final = {"alpaca": "alpaca.markets", "benzinga": "benzinga.com", "finnhub": "finnhub.io"}
Running = Coroutine[Any, Any, None]


class NewsPlan:
    """The sources of news as they are configured."""

    def __init__(self, settings: NewsquakeFile, config: Path | None) -> None:
        """ConfigError: a secret that is named is not in the environment."""
        self._settings, self._config = settings, config
        inbox = [settings.inbox] if settings.inbox else []
        self.expects: dict[str, Expect] = {
            spec.name: spec.expect for spec in (*settings.feeds, *settings.folders, *inbox)
        }
        self.expects |= {wire.label: wire.expect for wire in settings.wires}
        self._wires = [self._wire(spec) for spec in settings.wires]
        env = settings.inbox.token_env if settings.inbox else None
        self._token = self._secret("inbox.token_env", env).reveal() if env else None
        self.most_items = settings.news.most_items
        self._http = HttpOptions(user_agent=agent_name(settings.news.contact))

    @property
    def reads(self) -> bool:
        """Tell whether there are documents to read, and not only frames of wires."""
        settings = self._settings
        return bool(settings.feeds or settings.folders or settings.inbox)

    def runs(
        self, take: Take, notice: Notice, states: States, read: Read = read_document
    ) -> list[Running]:
        """Return what is to run, each until it is cancelled; `read` is called in threads."""
        runs = [*self._folders(take, notice, states, read), *self._inbox(take, notice, read)]
        runs += [self._listening(wire, take, notice, states) for wire in self._wires]
        if self._settings.feeds:
            feeds = [polled(spec) for spec in self._settings.feeds]
            runs.append(
                Poller(
                    feeds,
                    read=read,
                    take=take,
                    notice=notice,
                    states=states,
                    http=self._http,
                ).run()
            )
        return runs

    def _listening(self, wire: NewsWire, take: Take, notice: Notice, states: States) -> Running:
        return WireListener(
            wire,
            NewsReceiver(wire.feed, wire.secrets, take),
            notice=notice,
            states=states,
            rhythm=Rhythm(self.expects[wire.name]),
            http=self._http,
        ).run()

    def _folders(self, take: Take, notice: Notice, states: States, read: Read) -> list[Running]:
        base = self._config.parent if self._config else Path()
        return [
            FolderInbox(
                spec.info(spec.source),
                WatchedFolder(
                    path=base / spec.path,
                    pattern=spec.pattern,
                    interval_s=spec.interval_s,
                    done=base / spec.done if spec.done else None,
                ),
                take,
                notice,
                states,
                read=read,
            ).run()
            for spec in self._settings.folders
        ]

    def _inbox(self, take: Take, notice: Notice, read: Read) -> list[Running]:
        spec = self._settings.inbox
        if spec is None:
            return []
        info = spec.info(spec.source)
        inbox = HttpInbox(
            info, take, notice, host=spec.host, port=spec.port, token=self._token, read=read
        )
        return [inbox.run()]

    # -- wires

    def _wire(self, spec: WireSpec) -> NewsWire:
        source = HOSTS[spec.kind]
        feed = FeedInfo(name=spec.label, source=source, tier=tier_of(source))
        given = {"stream_url": spec.url, "rest_url": spec.backfill_url}
        urls = {name: url for name, url in given.items() if url}
        key = self._secret("wires.key_env", spec.key_env)
        if spec.kind == "alpaca":
            secret = self._secret("wires.secret_env", spec.secret_env or "")
            alpaca = AlpacaNews(feed=feed, key=key, secret=secret, symbols=spec.symbols or (ALL,))
            return msgspec.structs.replace(alpaca, **urls)
        if spec.kind == "benzinga":
            tickers, channels = spec.symbols, spec.channels
            benzinga = BenzingaNews(feed=feed, token=key, tickers=tickers, channels=channels)
            return msgspec.structs.replace(benzinga, **urls)
        asked = (NEWS, RELEASES) if spec.releases else (NEWS,)
        finnhub = FinnhubNews(feed=feed, token=key, symbols=spec.symbols, subscriptions=asked)
        return msgspec.structs.replace(finnhub, **urls)

    def _secret(self, key: str, name: str) -> Secret:
        return Secret(secret_of(key, name, self._config), name)


def polled(spec: FeedSpec) -> PolledFeed:
    """Return a feed of newsquake.toml as the poller takes it."""
    return PolledFeed(info=spec.feed, interval_s=spec.interval_s, user_agent=spec.user_agent)
