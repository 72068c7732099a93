"""A live run in a process of its own, fed second by second under a clock that stands still.

Each step waits until the journal holds what was said, so that the log of the run is one and the
same however busy the machine is.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from streams.codec import Record, decode
from streams.events import Clock, Headline, Reject, TickFrame
from streams.messages import from_message
from tests.compatibility.day import Step
from tests.compatibility.kept import Tail
from tests.compatibility.still import SECOND_NS, StillClock
from tests.running import COMMAND

PATIENCE_S = 150.0  # a machine may be busy with other things
POLL_S = 0.002


def until(true: Callable[[], object], said: Callable[[], str] = str) -> None:
    """Look again and again until it is true."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, f"waited in vain: {said()}"
        time.sleep(POLL_S)


def of_journal(payload: bytes) -> Record:
    return decode(payload)


def of_spool(payload: bytes) -> Record:
    """Return the record in a message that waits in a spool; a Clock of `market` is left out."""
    _, _, _, value, headers = msgspec.msgpack.decode(payload)
    return from_message(value, [(name, body) for name, body in headers], dict)


class LiveRun:
    """`newsquake run` or `ingest`; `say` tells it a day."""

    def __init__(
        self,
        words: Sequence[object],
        clock: StillClock,
        environment: dict[str, str],
        log: Path,
        *,
        folder: Path,
        pattern: str = "*/inputs/*.log",
        read: Callable[[bytes], Record] = of_journal,
        clocks: int = 1,
    ) -> None:
        """`folder` and `pattern`: its journal; `clocks`: Clock records in it for each second."""
        self._clock, self._log, self._read, self._clocks = clock, log, read, clocks
        self._tail = Tail(folder, pattern)
        self._tail.fresh()
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, *map(str, words)],
                cwd=log.parent,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def begin(self, second: int) -> None:
        """Wait until it has sent its first Clock, that of the second shown."""
        self._await({Clock: self._clocks}, second)

    def say(self, steps: Iterable[Step], before: Callable[[Step], None] = lambda _: None) -> None:
        """Tell it what happens in each step, then show the next second.

        `before` is called when the lines of a step are in the journal and its Clock is not.
        """
        for step in steps:
            self.tell(step)
            before(step)
            self.go_on(step)

    def tell(self, step: Step) -> None:
        """Tell it the lines of a step; time stands still."""
        if step.lines:
            self._write(step.lines)
            self._await(_expected(step), step.at)

    def go_on(self, step: Step) -> None:
        """Show the next second."""
        self._clock.set_second(step.then)
        self._await({Clock: self._clocks}, step.then)

    def end(self) -> None:
        """Let its input end, and assert that it ends well."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0, self.said()

    def kill(self) -> None:
        """SIGKILL it."""
        self.process.kill()
        assert self.process.wait(PATIENCE_S) == -signal.SIGKILL, self.said()
        assert self.process.stdin
        self.process.stdin.close()

    def close(self) -> None:
        """End it however it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()

    def _write(self, lines: list[dict[str, object]]) -> None:
        """Write lines in one piece, so that they are read in one: their ticks make one frame."""
        assert self.process.stdin
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        assert len(data) < 4096  # PIPE_BUF: what a pipe takes undivided
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _await(self, wanted: dict[type, int], second: int) -> None:
        """Wait for so many records of each type; of frames their rows count, of Clocks the second."""
        left = Counter(wanted)

        def come() -> bool:
            assert self.process.poll() is None, self.said()
            for payload in self._tail.fresh():
                record = self._read(payload)
                if isinstance(record, TickFrame) and left[TickFrame] > 0:
                    left[TickFrame] -= len(record.ts_ns)
                elif isinstance(record, Clock):
                    left[Clock] -= record.ts_ns == second * SECOND_NS
                elif isinstance(record, Headline | Reject):
                    left[type(record)] -= 1
            return all(count <= 0 for count in left.values())

        until(come, lambda: f"{dict(left)} of second {second}: {self.said()}")


def _expected(step: Step) -> dict[type, int]:
    kinds = [
        TickFrame if "price" in line else Headline if "title" in line else Reject
        for line in step.lines
    ]
    return dict(Counter(kinds))
