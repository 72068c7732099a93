"""A real Alertmanager on this machine: a free port of loopback, no cluster, deploy's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from agents.dev import http_server
from agents.dev.http_server import log_end, port_was_taken
from agents.dev.recipe import Accounts, Note, Prepared
from agents.machine.installed import ROOT, command_of, missing, shipped

__all__ = ["await_ready", "lacking", "log_end", "port_was_taken", "prepare"]

COMMANDS: Final = ("prometheus-alertmanager", "alertmanager")  # Debian's name, upstream's name
CONFIG: Final = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"


def lacking() -> str | None:
    """Return what must be installed before Alertmanager can run here, or None."""
    if command_of(*COMMANDS):
        return None
    return missing("Alertmanager", "prometheus-alertmanager")


def prepare(folder: Path, note: Note, _up: Accounts) -> Prepared:
    """Return how it is started, with its data in an empty folder."""
    note(f"alertmanager: {CONFIG}")
    return prepared(folder, shipped(CONFIG), http_server.free_address())


def prepared(folder: Path, config: Path, address: str) -> Prepared:
    """Return the same for settings and a HOST:PORT of one's own."""
    command = (
        command_of(*COMMANDS),
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",  # else it opens a port on every address of the machine
    )
    return Prepared(command, {"url": f"http://{address}"})


def await_ready(account: dict[str, Any], alive: Callable[[], bool]) -> None:
    """Wait until it serves. NewsquakeError: it ended, or is not ready after 30 s."""
    http_server.await_ready("alertmanager", account["url"], alive)
