"""What the recipes of local servers with an HTTP port share: settings, readiness, the log's end."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agents.machine.clock import elapsed_s
from agents.machine.processes import free_ports
from streams.errors import NewsquakeError

READY_LIMIT_S: Final = 30.0
CONSOLE: Final = "console.log"
_POLL_S: Final = 0.05
_ANSWER_S: Final = 2.0
# Local servers are asked past any proxy that the environment names.
_asker = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_address() -> str:
    """Return HOST:PORT on loopback, free just now."""
    return f"127.0.0.1:{free_ports(1)[0]}"


def await_ready(name: str, url: str, alive: Callable[[], bool]) -> None:
    """Wait until /-/ready answers 200. NewsquakeError: it ended, or is not ready after 30 s."""
    deadline_s = elapsed_s() + READY_LIMIT_S
    while elapsed_s() < deadline_s:
        if not alive():
            raise NewsquakeError(f"{name} ended before it was ready")
        try:
            with _asker.open(f"{url}/-/ready", timeout=_ANSWER_S):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(_POLL_S)
    raise NewsquakeError(f"{name} is not ready after {READY_LIMIT_S:.0f} s")


def log_end(folder: Path, lines: int = 15) -> str:
    """Return the last lines of what a server wrote."""
    return "\n".join(_written(folder).splitlines()[-lines:])


def port_was_taken(folder: Path) -> bool:
    """Say whether a start failed because another process took the port meanwhile."""
    return "address already in use" in _written(folder)


def _written(folder: Path) -> str:
    path = folder / CONSOLE
    return path.read_text("utf-8", "replace") if path.is_file() else ""
