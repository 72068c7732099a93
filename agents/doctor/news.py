"""What the doctor looks at of the news: each source, asked once as `newsquake feeds test` asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from agents.config.newsquake import NewsquakeFile
from agents.doctor.check import Check
from agents.feeds.probe import tried

AREA = "news"


def checks(settings: NewsquakeFile | None, config: Path | None) -> Iterator[Check]:
    """Yield how each source of news is."""
    names = settings.news_names() if settings else []
    if settings is None or not names:
        why = "newsquake.toml names none" if settings else "the configuration is wrong"
        yield Check(AREA, AREA, "skipped", why)
        return
    for result in sorted(asyncio.run(tried(settings, config, set(names)))):
        if result.ok:
            yield Check(AREA, result.name, "ok", result.detail)
        else:
            mend = f"newsquake feeds test {result.name} tells the same once it is mended"
            yield Check(AREA, result.name, "wrong", result.detail, mend)
