"""A real Prometheus on this machine: a free port of loopback, deploy's settings and our rules."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from agents.dev import http_server
from agents.dev.http_server import log_end, port_was_taken
from agents.dev.recipe import Accounts, Note, Prepared
from agents.machine.installed import ROOT, command_of, missing, shipped

__all__ = ["await_ready", "lacking", "log_end", "port_was_taken", "prepare"]

RULES: Final = ROOT / "dashboards"
CONFIG: Final = ROOT / "deploy" / "prometheus" / "prometheus.yml"
OWN, ALERTMANAGER = "127.0.0.1:9090", "127.0.0.1:9093"  # as deploy's settings have them
KEPT: Final = "10y"  # counted from the newest sample: a day of 2007 loaded beside today's stays


def lacking() -> str | None:
    """Return what must be installed before Prometheus can run here, or None."""
    if command_of("prometheus"):
        return None
    return missing("Prometheus", "prometheus")


def prepare(folder: Path, note: Note, up: Accounts) -> Prepared:
    """Write deploy's settings for the ports of this server and of the Alertmanager that is up."""
    note(f"prometheus: {CONFIG}, rules of {RULES}")
    address = http_server.free_address()
    alertmanager = up.get("alertmanager", {}).get("url", "").removeprefix("http://")
    text = shipped(CONFIG).read_text("utf-8")
    text = text.replace(OWN, address).replace("../../dashboards", str(RULES))
    if alertmanager:
        text = text.replace(ALERTMANAGER, alertmanager)
    config, targets = folder / CONFIG.name, folder / "targets"
    config.write_text(text, "utf-8")
    shutil.copytree(CONFIG.parent / "targets", targets)
    command = (
        command_of("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--storage.tsdb.retention.time={KEPT}",
        f"--web.listen-address={address}",
        "--web.enable-lifecycle",  # POST /-/reload reads changed rules
        "--enable-feature=exemplar-storage",
    )
    return Prepared(command, {"url": f"http://{address}", "targets": str(targets)})


def await_ready(account: dict[str, Any], alive: Callable[[], bool]) -> None:
    """Wait until it serves. NewsquakeError: it ended, or is not ready after 30 s."""
    http_server.await_ready("prometheus", account["url"], alive)
