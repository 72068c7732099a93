"""Worker processes behind a broker, as a replay sees them: records go out, outputs are collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.broker.connection import Admin, Connection
from agents.broker.reading import lag_of
from agents.machine.clock import elapsed_s
from agents.machine.supervisor import Supervisor
from agents.replay.kafka.collect import Collected, collect
from agents.replay.kafka.market_publisher import MarketPublisher
from agents.replay.play.watching import Watcher
from streams.errors import NewsquakeError
from streams.events import Output
from streams.publisher import Publisher
from streams.topics import MARKET, REACT, TABLE, prefixed

RUN_FILE: Final = "kafka-run.json"
ENGINE_FILE: Final = "engine.json"
LOOK_S: Final = 0.25  # between looks at how far the workers are
STUCK_S: Final = 300.0  # without any progress of the workers: give up


class BrokerRun(msgspec.Struct, frozen=True, kw_only=True):
    """What OUT remembers of a run on a broker."""

    prefix: str
    partitions: int
    identity: str
    servers: tuple[str, ...]


class KafkaBackend:
    """A group of workers that reacts to what `engine` publishes."""

    def __init__(
        self,
        engine: MarketPublisher,
        publisher: Publisher,
        admin: Admin,
        broker: Connection,
        run: BrokerRun,
        workers: Supervisor,
        out: Path,
        watcher: Watcher,
    ) -> None:
        self.engine, self.identity = engine, run.prefix
        self._publisher, self._admin, self._broker = publisher, admin, broker
        self._run, self._workers = run, workers
        self._out, self._watcher = out, watcher
        self._collected: Collected | None = None

    def renew(self) -> bool:
        """Return False: what was published is published, and a restart goes on from there."""
        return False

    def await_end(self, save: Callable[[], None]) -> None:
        """Wait until the workers have acknowledged every record.

        NewsquakeError: they do not get on.
        """
        save()  # from here on only the workers have work
        self._publisher.flush()
        group, market = prefixed(self._run.prefix, REACT), prefixed(self._run.prefix, MARKET)
        done, moved_s = -1, elapsed_s()
        while True:
            self._workers.check()
            lag = lag_of(self._admin, group, market, self._run.partitions)
            if lag and lag.done >= lag.total:
                return
            if lag and lag.done > done:
                done, moved_s = lag.done, elapsed_s()
                self._watcher.share(done / lag.total, f"workers: {done:,} of {lag.total:,} records")
            if elapsed_s() - moved_s > STUCK_S:
                raise NewsquakeError(
                    f"the workers have stood still for {STUCK_S:.0f} s at record {max(done, 0):,}; "
                    f"their logs are in {self._out / 'workers'}"
                )
            time.sleep(LOOK_S)

    def outputs(self) -> Iterable[Output]:
        """Return what the workers have made, each output once."""
        return self._results().outputs

    def counts(self) -> Mapping[str, int]:
        """Return the sums over the engines of all partitions."""
        return self._results().counts

    def figures(self) -> dict[str, Any]:
        """Return how often a worker had to be started again."""
        return {"worker_restarts": self._workers.restarts}

    def clean_up(self) -> None:
        """Forget the run: the next one has topics of its own."""
        (self._out / ENGINE_FILE).unlink()
        (self._out / RUN_FILE).unlink()

    def _results(self) -> Collected:
        if self._collected is None:
            self._watcher.note("collecting results")
            changelog = f"{prefixed(self._run.prefix, REACT)}-{TABLE}-changelog"
            self._collected = collect(self._broker, changelog, self._run.partitions)
        return self._collected
