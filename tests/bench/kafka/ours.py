"""Our react worker, timed from outside by when the broker took its alerts."""

from __future__ import annotations

import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents.stages.engine import save_engine
from streams.errors import NewsquakeError
from streams.topics import MARKET, prefixed
from tests.bench.kafka import peers
from tests.bench.kafka.broker import (
    Outputs,
    ended,
    fill,
    python,
    reader,
    run_of_topics,
)
from tests.bench.kafka.ticks import Log, Ticks, engine_config, make_ticks, our_log

LISTINGS = 500
# Ticks in a frame -> ticks to put into the log a second that is measured: more than are read.
PLENTY = {1: 12_000, 10: 100_000, 100: 1_000_000, 1000: 2_000_000}
LEAST = 40_000
CROSSINGS = 80  # over the whole log: what a rate is read off
BEGIN_S = 60.0  # for a worker to begin
STALL_S = 30.0  # between one alert and the next


class Worker:
    """A running react worker and what it has put out so far."""

    def __init__(self, child: subprocess.Popen[bytes], console: Path, outputs: Outputs) -> None:
        self._child, self._console, self.outputs = child, console, outputs
        self.pid = child.pid

    def poll(self, timeout_ms: int = 100) -> None:
        """Read its alerts; NewsquakeError: it has ended."""
        self.outputs.poll(timeout_ms)
        if self._child.poll() is not None:
            raise ended(self._child, "newsquake worker react", self._console)


@contextmanager
def worker(bootstrap: str, prefix: str, ticks: Ticks) -> Iterator[Worker]:
    """Run `newsquake worker react` on the topics of a prefix, told of these listings."""
    with tempfile.TemporaryDirectory(prefix="newsquake-bench-") as folder:
        engine, console = Path(folder) / "engine", Path(folder) / "console.log"
        save_engine(engine_config(ticks.names), engine)
        command = python("agents.cli", "worker", "react", "--broker", bootstrap)
        command += ["--prefix", prefix, "--engine", str(engine), "--instance", "bench"]
        outputs = Outputs(bootstrap, prefix)
        try:
            with console.open("wb") as log, reader(command, log, log) as child:
                yield Worker(child, console, outputs)
            outputs.check()
        finally:
            outputs.close()


def measure(size: int, bootstrap: str, seconds: float, wanted: Sequence[str]) -> dict[str, float]:
    """Return ticks/s of our worker and of the peers that read the same frames of `size`."""
    count = max(LEAST, int(PLENTY[size] * seconds))
    ticks = make_ticks(count, LISTINGS, count // CROSSINGS)
    log = our_log(ticks, size)
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    market = prefixed(prefix, MARKET)
    made = {}
    with run_of_topics(bootstrap, prefix):
        fill(bootstrap, market, log)
        for name in wanted:
            if name.startswith("newsquake"):
                with worker(bootstrap, prefix, ticks) as ours:
                    made[name] = rate(ours, log, seconds)
            else:
                made[name] = peers.measure(name, bootstrap, market, log, seconds)
    return made


def rate(ours: Worker, log: Log, seconds: float) -> float:
    """Return ticks/s between the first alert and one at least so long after it, or the last."""
    seen: dict[str, int] = {}
    last = next(reversed(log.crossings))
    limit_s, known = time.monotonic() + BEGIN_S, 0
    while last not in seen and spread_ms(seen) < seconds * 1000:
        ours.poll()
        seen = {name: ms for name, ms in ours.outputs.opened_ms.items() if name in log.crossings}
        if len(seen) > known:
            limit_s, known = time.monotonic() + STALL_S, len(seen)
        if time.monotonic() > limit_s:
            raise NewsquakeError(f"no alert after {known} of {len(log.crossings)}")
    first, newest = min(seen, key=seen.__getitem__), max(seen, key=seen.__getitem__)
    if seen[first] == seen[newest]:
        raise NewsquakeError("all alerts came within a millisecond: give more --seconds")
    ticks = log.ticks[log.crossings[newest]] - log.ticks[log.crossings[first]]
    return ticks / (seen[newest] - seen[first]) * 1000


def spread_ms(seen: dict[str, int]) -> int:
    return max(seen.values()) - min(seen.values()) if seen else 0
