"""A replay through Kafka in a process of its own, its workers within reach of a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaAdminClient

from agents.broker.reading import Lag, lag_of
from agents.replay.kafka.backend import ENGINE_FILE, RUN_FILE, BrokerRun
from streams.topics import MARKET, REACT
from tests.integration.conftest import wait_until
from tests.running import COMMAND, ROOT, Plain, environment, recomputed_sha256, summary_of

PATIENCE_S = 240.0


class KafkaRun:
    """`newsquake replay --broker`, begun; `finish` waits for it and returns its summary."""

    def __init__(self, folder: Path, out: Path, bootstrap: str, *words: object) -> None:
        self.out, self._bootstrap = out, bootstrap
        self._told = out.with_name(f"{out.name}.stderr")
        with self._told.open("ab") as stderr:
            self.process = subprocess.Popen(
                [
                    *COMMAND, "replay", str(folder), "--out", str(out), "--json",
                    "--broker", f"kafka://{bootstrap}", *map(str, words),
                ],
                cwd=ROOT,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=stderr,
            )  # fmt: skip

    def finish(self) -> Plain:
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, self.said()
        summary: Plain = json.loads(out)
        assert summary == summary_of(self.out)
        assert summary["output_sha256"] == recomputed_sha256(self.out)
        return summary

    def said(self) -> str:
        logs = sorted((self.out / "workers").glob("*.log"))
        texts = [self._told, *logs]
        return "\n".join(f"{p.name}: {p.read_text('utf-8', 'replace')[-3000:]}" for p in texts)

    def end(self) -> None:
        """End it, however far it is; its workers end with it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def all_at_work(self, workers: int) -> bool:
        """Tell whether each of its workers has taken a partition over."""
        logs = (self.out / "workers").glob("*.log")
        at_work = ["from offset" in log.read_text("utf-8", "replace") for log in logs]
        return sum(at_work) == workers

    @property
    def run(self) -> BrokerRun:
        return msgspec.json.decode((self.out / RUN_FILE).read_bytes(), type=BrokerRun)

    @property
    def engine_file(self) -> Path:
        return self.out / ENGINE_FILE

    def workers(self) -> list[int]:
        """Return the process ids of its workers."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and parent_of(int(entry.name)) == self.process.pid:
                words = command_of(int(entry.name))
                found += [int(entry.name)] if "worker" in words else []
        return found

    def lag(self, admin: KafkaAdminClient) -> Lag:
        run = self.run
        group, market = f"{run.prefix}{REACT}", f"{run.prefix}{MARKET}"
        return lag_of(admin, group, market, run.partitions) or Lag(-1, 0)

    def wait_until_busy(self, admin: KafkaAdminClient, done: int) -> None:
        """Wait until its workers have acknowledged `done` records, and have more to do."""

        def busy() -> bool:
            assert self.process.poll() is None, f"it ended too early: {self.said()}"
            return (self.out / RUN_FILE).exists() and self.lag(admin).done >= done

        wait_until(busy, PATIENCE_S)
        lag = self.lag(admin)
        assert lag.done < lag.total


class Extra:
    """One more worker of a run, beside those that the replay keeps."""

    def __init__(self, run: KafkaRun, log: Path) -> None:
        words = ["worker", "react", "--broker", run.run.servers[0], "--prefix", run.run.prefix]
        words += ["--engine", str(run.engine_file)]
        self._log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*COMMAND, *words], cwd=ROOT, env=environment(), stdout=out, stderr=out
            )

    def joined(self) -> bool:
        assert self.process.poll() is None, self._log.read_text("utf-8", "replace")
        return "from offset" in self._log.read_text("utf-8", "replace")

    def leave(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) in {0, -signal.SIGTERM}, self._log.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)


def kill(pid: int) -> bool:
    """SIGKILL a worker; False: it had ended just before."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def parent_of(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return -1
    return int(stat.rpartition(")")[2].split()[1])


def command_of(pid: int) -> list[str]:
    try:
        data = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return data.decode("utf-8", "replace").split("\0")


def live_until(deadline_s: float, run: KafkaRun) -> bool:
    """Let a run go on until a moment; False: it ended before."""
    while time.monotonic() < deadline_s:
        if run.process.poll() is not None:
            return False
        time.sleep(0.02)
    return True


def newest_alerts(got: dict[int, list[Any]]) -> dict[str, Any]:
    """Return the compacted view of the topic of alerts: the newest record of each key."""
    view = {}
    for messages in got.values():
        for message in messages:
            view[message.key.decode()] = message.record
    return view
