"""From newsquake.toml to the running sources of news."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from agents.runtime.settings import NewsquakeFile
from streams.news.feed import Notice, States, Take
from streams.news.rhythm import Expect


class NewsPlan:
    """The sources of news as they are configured."""

    def __init__(self, settings: NewsquakeFile, config: Path | None) -> None:
        """ConfigError: a secret that is named is not in the environment."""
        self._settings, self._config = settings, config
        specs = (*settings.feeds, *settings.folders, *([settings.inbox] if settings.inbox else []))
        self.expects: dict[str, Expect] = {spec.name: spec.expect for spec in specs}
        self.expects |= {wire.label: wire.expect for wire in settings.wires}

    def runs(self, take: Take, notice: Notice, states: States) -> list[Coroutine[Any, Any, None]]:
        """Return what is to run, each until it is cancelled."""
        raise NotImplementedError
