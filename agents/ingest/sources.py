"""The sources of a live run: standard input, and the news that newsquake.toml names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from agents.config.newsquake import NewsquakeFile
from agents.ingest.feed_metrics import NewsCollector
from agents.ingest.news import NewsSource
from agents.ingest.news_plan import NewsPlan
from agents.ingest.source import Source
from agents.ingest.stdin import LineSource

SEEN_ITEMS: Final = "news.sqlite"
STDIN: Final = 0


def sources_of(
    settings: NewsquakeFile, config: Path | None, folder: Path, say: Callable[[str], None]
) -> list[Source]:
    """Return what is listened to; `folder` is where the run keeps its own.

    A run with news listens to standard input besides, unless that is a terminal: who starts it
    there means to watch. ConfigError: a secret that is named is not in the environment.
    """
    if not settings.news_names():
        return [LineSource(STDIN, "stdin")]
    news = NewsSource(NewsPlan(settings, config), seen_items_of(settings, config, folder), say)
    lines = [] if os.isatty(STDIN) else [LineSource(STDIN, "stdin")]
    return [*lines, news]


def news_collector(sources: Sequence[Source]) -> NewsCollector:
    """Return the metrics of the sources' news."""
    news = next((each for each in sources if isinstance(each, NewsSource)), None)
    return NewsCollector(lambda: news.health if news else None)


def seen_items_of(settings: NewsquakeFile, config: Path | None, folder: Path) -> Path:
    """Return the file of what was seen of news: the one that newsquake.toml names, else `folder`'s."""
    named = settings.news.state
    if named is None:
        return folder / SEEN_ITEMS
    return (config.parent if config else Path()) / named
