"""The embedded run of the small day, to its end or cut off; what it tells, and what its pages say."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.compatibility import day
from tests.compatibility.live import PATIENCE_S, LiveRun, until
from tests.compatibility.still import StillClock
from tests.delivery.receiver import Got, Receiver, receiving
from tests.running import COMMAND

SECRET = "a secret of these tests"
CHECKPOINT_S = 2.1  # a run saves where so much has passed since it did
SPAN = "from=2025-09-22&to=2025-09-27&limit=1000"
Plain = dict[str, Any]


class Desk:
    """The folder of a run, its clock, and the two who are told."""

    def __init__(self, base: Path, hook: Receiver, manager: Receiver) -> None:
        self.base, self.hook, self.manager = base, hook, manager
        self.state, self.alerts = base / "state", base / "alerts.jsonl"
        self.home = self.state / "newsquake" / "live"
        self.clock = StillClock(base / "clock")
        self.config = day.write_live(
            base / "config",
            f'[[webhooks]]\nname = "hook"\nurl = "{hook.url}"\nsecret_env = "HOOK_SECRET"\n'
            f'[[alertmanagers]]\nname = "am"\nurl = "{manager.url}"\n',
        )

    @contextmanager
    def running(self, second: int) -> Iterator[LiveRun]:
        """Start the run at a second and wait until it has begun."""
        self.clock.set_second(second)
        words = ("run", "--config", self.config, "--out", self.alerts)
        environment = self.clock.environment(self.state, HOOK_SECRET=SECRET)
        log = self.base / "log"
        run = LiveRun(words, self.clock, environment, log, folder=self.home)
        try:
            run.begin(second)
            yield run
        finally:
            run.close()

    def told(self) -> list[tuple[str, str, str]]:
        """Return (id of the delivery, alert, transition) of all that the hook has taken, in order."""
        return [_told(got) for got in self.hook.taken()]

    def tried(self) -> set[tuple[str, str, str]]:
        """Return the same of all that it was sent, taken or not."""
        return {_told(got) for got in self.hook.got}

    def shown(self) -> set[str]:
        """Return the listings of the alerts that Alertmanager has taken."""
        return {each["labels"]["listing"] for got in self.manager.taken() for each in got.json}


def _told(got: Got) -> tuple[str, str, str]:
    alert = got.json["alert"]
    return got.headers["webhook-id"], alert["alert_id"], alert["transition"]


@contextmanager
def desk(base: Path) -> Iterator[Desk]:
    base.mkdir(parents=True, exist_ok=True)
    with receiving() as hook, receiving() as manager:
        yield Desk(base, hook, manager)


def first_alert_only(got: Got) -> int:
    """Take the first state of the first alert; what follows has to wait."""
    alert = got.json["alert"]
    return 200 if (alert["listing"], alert["transition"]) == ("BOR.XNYS", "opened") else 503


def saving_at(*seconds: int) -> Callable[[day.Step], None]:
    """Return what waits, before the Clocks of these seconds, until a checkpoint is due again."""

    def before(step: day.Step) -> None:
        if step.then in seconds:
            time.sleep(CHECKPOINT_S)

    return before


# -- pages


@contextmanager
def web(state: Path, clock: StillClock, log: Path, *words: object) -> Iterator[str]:
    """Run `newsquake web` and give its address."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*COMMAND, "web", "--port", "0", *map(str, words)],
            cwd=log.parent,
            env=clock.environment(state),
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        until(lambda: process.poll() is not None or b"http://" in log.read_bytes())
        found = re.search(r"http://[\d.]+:\d+", log.read_text("utf-8"))
        assert found, log.read_text("utf-8")
        yield found[0]
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def answers(address: str) -> Plain:
    """Return what the read API says of the whole day, by path, and that the pages are there."""
    said = {
        path: _json(address, path) for path in (f"/api/headlines?{SPAN}", f"/api/alerts?{SPAN}")
    }
    lists = list(said.values())
    paths = [f"/api/headlines?listing=BORB.XNAS&{SPAN}", "/api/alerts?state=open"]
    paths += [f"/h/{row['headline_id']}.json" for row in lists[0]]
    paths += [f"/api/alerts/{row['alert_id']}" for row in lists[1]]
    said |= {path: _json(address, path) for path in paths}
    for path in ("/", *(path.removesuffix(".json") for path in paths if path.startswith("/h/"))):
        assert b"<html" in _asked(address, path)
    return said


def _json(address: str, path: str) -> Any:
    return json.loads(_asked(address, path))


def _asked(address: str, path: str) -> bytes:
    parts = urlsplit(address)
    asker = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        asker.request("GET", path)
        got = asker.getresponse()
        body = got.read()
        assert got.status == 200, (path, got.status, body)
        return body
    finally:
        asker.close()
