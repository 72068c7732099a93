"""What a source reports of itself, to whom, and where it keeps what it must remember over restarts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

Kind = Literal["read", "unchanged", "failed", "connected", "silent"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a source: a document or frame was read, nothing was new, something failed."""

    feed: str
    at_ns: int
    kind: Kind
    reason: str = ""  # of a failure: a short word from a closed list
    detail: str = ""
    items: int = 0  # that were in it, new or not
    took_s: float = 0.0
    next_s: float | None = None  # until it is tried again


Notice = Callable[[Outcome], None]


class States(Protocol):
    """Where a source keeps, over restarts, what it must remember."""

    def load(self, feed: str) -> bytes | None:
        """Return what was saved last, None where nothing was."""

    def save(self, feed: str, state: bytes) -> None:
        """Keep it; durable on return."""
