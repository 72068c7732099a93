"""A real Alertmanager that a test starts and kills, and what a receiver was told by it."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from agents.dev import alertmanager as alertmanager_local
from agents.dev import http_server
from agents.machine import processes
from tests.delivery.receiver import Receiver
from tests.running import ROOT

DEPLOY = ROOT / "deploy" / "alertmanager"


class Manager:
    """An Alertmanager with deploy's routes, whose receivers are ours; killed and started at will."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.folder, self.address = folder, http_server.free_address()
        self.url = f"http://{self.address}"
        config = (DEPLOY / "alertmanager.yml").read_text("utf-8")
        told = f'    webhook_configs: [{{url: "{receiver.url}", send_resolved: true}}]\n'
        for name in ("market", "nobody"):
            line = f"  - name: {name}\n"
            assert line in config
            config = config.replace(line, line + told if name == "market" else line)
        (folder / "alertmanager.yml").write_text(config)
        self._process: processes.Process | None = None

    def start(self) -> None:
        config = self.folder / "alertmanager.yml"
        made = alertmanager_local.prepared(self.folder, config, self.address)
        process = self._process = processes.spawn(made.command, self.folder / "console.log")
        alertmanager_local.await_ready(made.account, lambda: processes.alive(process))

    def stop(self) -> None:
        if self._process:
            processes.end(self._process)

    def alerts(self) -> list[Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/api/v2/alerts", timeout=10) as got:
            return json.load(got)


def notified(receiver: Receiver, status: str) -> list[Any]:
    """Return the alerts that were notified with that status, in order."""
    told = [each for got in receiver.got for each in got.json["alerts"]]
    return [each for each in told if each["status"] == status]


def listings(told: list[Any]) -> list[str]:
    return [each["labels"]["listing"] for each in told]
