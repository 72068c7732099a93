"""The outputs of an embedded run, written to the store that its pages and read API show."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agents.machine.clock import now_ns
from agents.web.store import Store
from streams.codec import Record
from streams.errors import StateError
from streams.logs import logger
from streams.reference.universe import Universe

STORE: Final = "web.sqlite"

log = logger(__name__)


class StoreSink:
    """The store beside an embedded run. Should it fail, the run goes on without it and says so once."""

    def __init__(self, folder: Path, universe: Universe) -> None:
        """JournalError: another run has the folder."""
        self.path = folder / STORE
        self._store: Store | None = None
        try:
            self._store = Store(self.path)
        except StateError as fault:
            log.warning("no pages and no read API", fault=str(fault))
        self._guarded(lambda store: store.follow(universe))

    def add(self, record: Record) -> None:
        """Take an output in."""
        at_ns = now_ns()
        self._guarded(lambda store: store.add(record, at_ns, at_ns))

    def commit(self) -> None:
        """Show what was added."""
        self._guarded(Store.commit)

    def close(self) -> None:
        """Let others write it."""
        self._guarded(Store.close)

    def _guarded(self, act: Callable[[Store], None]) -> None:
        if self._store is None:
            return
        try:
            act(self._store)
        except sqlite3.Error as fault:
            log.warning(
                "pages and the read API stand still until a restart",
                store=str(self.path),
                fault=str(fault),
            )
            self._store = None
