"""When a source may be told that what it brought is safe: once the disk has it.

The publishing thread goes on meanwhile; one sync serves all batches that wait for it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import NamedTuple

from streams.errors import NewsquakeError


class _Waiting(NamedTuple):
    """A batch that was published: what makes it outlive a loss of power, and who waits for that."""

    sync: Callable[[], None]
    accepted: Callable[[], None]


class GroupCommit:
    """A thread that syncs, and then tells. Where the disk does not take it, nobody is told."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        """`failed` is called with what the disk said, on the thread, which then ends."""
        self._failed = failed
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def add(self, sync: Callable[[], None], accepted: Callable[[], None]) -> None:
        """Have `accepted` called after `sync`."""
        self._waiting.put(_Waiting(sync, accepted))

    def close(self) -> None:
        """Tell all who wait, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while group := self._group():
            try:
                for each in reversed(group):  # the last sync has what all wait for
                    each.sync()
            except (OSError, NewsquakeError) as fault:
                self._failed(f"what was accepted cannot be made safe: {fault}")
                return
            for each in group:
                each.accepted()

    def _group(self) -> list[_Waiting]:
        """Return what waits now, at least one batch; none: there will be no more."""
        group: list[_Waiting] = []
        each = self._waiting.get()
        while each is not None:
            group.append(each)
            if self._waiting.empty():
                return group
            each = self._waiting.get()
        if group:
            self._waiting.put(None)
        return group
