"""One process's metrics: where they are seen, what every process says of itself, and the endpoint."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import ProcessCollector

from agents.config.newsquake import MetricsFile, load_config
from agents.metrics.declared import ProcessMetrics
from agents.metrics.exposition import written
from agents.metrics.market import MarketMeter
from agents.metrics.server import MetricsServer
from streams.errors import UsageError

LOOPBACK: Final = "127.0.0.1"
PORTS: Final = 2**16
# A run's workers are found behind its own port: fixed, and more react workers move no other.
SCORE_PORT, DELIVER_PORT, REACT_PORT = 1, 2, 3


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Where a process shows its metrics, and as what; `port` None: nowhere."""

    port: int | None = None
    host: str = LOOPBACK
    event_time: bool = False  # timestamped points of prices, in OpenMetrics
    replay: str = ""  # the name of the replay it is part of

    def of_worker(self, number: int) -> tuple[str, ...]:
        """Return the words that give a worker its port: `number` behind ours; any free one where ours is 0.

        UsageError: there is no such port.
        """
        if self.port is None:
            return ()
        port = self.port and self.port + number
        if port >= PORTS:
            raise UsageError(
                f"[metrics] port {self.port} leaves none for worker {number}: give a lower one"
            )
        return ("--metrics-port", str(port))


HIDDEN: Final = Exposure()


def exposure(file: MetricsFile, port: int | None) -> Exposure:
    """Return what newsquake.toml says; `port`, of the command line, wins over it."""
    given = file.port if port is None else port
    return Exposure(port=given, host=file.host, event_time=file.event_time)


def replay_exposure(file: MetricsFile, port: int | None, name: str) -> Exposure:
    """Return where a replay, or a worker of one, shows its metrics: only where the command line says.

    newsquake.toml is that of a live run on this machine, which has the port it names. Points at event
    time are left out: Prometheus refuses samples that are long ago ("out of bounds").
    """
    return Exposure(port=port, host=file.host, replay=name)


def process_metrics(exposed: Exposure) -> ProcessMetrics:
    """Return metrics that hold so far what every process says of itself."""
    metrics = ProcessMetrics()
    metrics.set("build_info", importlib.metadata.version("newsquake"), value=1)
    if exposed.replay:
        metrics.set("replay_info", exposed.replay, value=1)
    ProcessCollector(registry=metrics.registry)
    return metrics


@contextmanager
def serving(
    exposed: Exposure,
    metrics: ProcessMetrics,
    say: Callable[[str], None],
    market: MarketMeter | None = None,
) -> Iterator[str]:
    """Serve the metrics meanwhile; yield the address, or "" where they are not to be seen.

    NewsquakeError: the port is taken.
    """
    if exposed.port is None:
        yield ""
        return

    def document(openmetrics: bool) -> bytes:  # noqa: FBT001 - the server's one question
        families = market.families(openmetrics=openmetrics) if market else ()
        return written(metrics.registry, families, openmetrics=openmetrics)

    server = MetricsServer(exposed.host, exposed.port, document)
    say(f"metrics at {server.address}")
    try:
        yield server.address
    finally:
        server.close()


def worker_exposure(config: Path | None, port: int | None, replay: str) -> Exposure:
    """Return where a worker shows its metrics; `replay`: the name of the replay that it is part of."""
    file = load_config(config).metrics
    return replay_exposure(file, port, replay) if replay else exposure(file, port)
