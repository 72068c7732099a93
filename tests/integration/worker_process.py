"""One `newsquake worker` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.integration.conftest import wait_until
from tests.running import COMMAND, ROOT, environment


class Worker:
    """A worker that can be looked at, killed and started again under the same words."""

    def __init__(self, log: Path, kind: str, bootstrap: str, prefix: str, *words: object) -> None:
        self.log = log
        self._words = [kind, "--broker", bootstrap, "--prefix", prefix, *map(str, words)]
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [*COMMAND, "worker", *self._words],
                cwd=ROOT,
                env=environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def wait_until_it_says(self, text: str, limit_s: float = 60.0) -> None:
        def says() -> bool:
            assert self.process.poll() is None, self.said()
            return text in self.said()

        wait_until(says, limit_s)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """End it as a supervisor does, and assert that it ends well."""
        self.process.terminate()
        assert self.process.wait(30) in {0, -signal.SIGTERM}, self.said()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
