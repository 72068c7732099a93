"""A desk of workers on a broker over the small day: ingest, score, react and deliver."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compatibility import day
from tests.compatibility.brokers import PARTITIONS, Topics, Worker
from tests.compatibility.embedded import SECRET, Desk
from tests.compatibility.live import LiveRun, of_spool
from tests.delivery.receiver import receiving

SCORED_S = 0.4  # that a headline is given, in the making, so that its Mention stands where it would
WORKERS_SAVE_S = 1.5  # a worker saves on a Clock, a second or more after it did


class BrokerDesk(Desk):
    """The same day, clock and receivers as without a broker."""

    topics: Topics

    def worker(self, kind: str) -> Worker:
        """Start a worker; only the one that delivers goes by the still clock."""
        words = ("--out", self.alerts) if kind == "deliver" else ()
        environment = self.clock.environment(self.state, HOOK_SECRET=SECRET)
        if kind != "deliver":
            del environment["COMPATIBILITY_CLOCK"]
        log = self.base / f"{kind}.log"
        return Worker(self.topics, kind, log, environment, "--config", self.config, *words)

    @contextmanager
    def ingesting(self, second: int) -> Iterator[LiveRun]:
        """Publish from a second on."""
        self.clock.set_second(second)
        spool = self.base / "spool"
        words = ("ingest", *self.topics.words, "--config", self.config, "--spool", spool)
        run = LiveRun(
            words, self.clock, self.clock.environment(self.state), self.base / "ingest.log",
            folder=spool, pattern="0*/*.log", read=of_spool, clocks=PARTITIONS + 1,
        )  # fmt: skip
        try:
            run.begin(second)
            yield run
        finally:
            run.close()


@contextmanager
def broker_desk(base: Path, topics: Topics) -> Iterator[BrokerDesk]:
    base.mkdir(parents=True, exist_ok=True)
    with receiving() as hook, receiving() as manager:
        made = BrokerDesk(base, hook, manager)
        made.topics = topics
        yield made


def slowly(*saved: int) -> Callable[[day.Step], None]:
    """Return what lets a headline be scored before time goes on, and workers save at some seconds."""

    def before(step: day.Step) -> None:
        if step.then in saved:
            time.sleep(WORKERS_SAVE_S)
        elif any("title" in line for line in step.lines):
            time.sleep(SCORED_S)

    return before
