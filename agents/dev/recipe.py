"""What a recipe for a local server is given and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Note = Callable[[str], None]

Accounts = Mapping[str, dict[str, Any]]  # of the servers that are up already, by name


class Prepared(msgspec.Struct, frozen=True):
    """A server that is ready to be started: its command, and how to reach it then, as JSON."""

    command: tuple[str, ...]
    account: dict[str, Any]
