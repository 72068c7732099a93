"""`newsquake run`: the sources and all workers of a desk, kept running by one command."""

from __future__ import annotations

import contextlib
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

from kafka.errors import KafkaError

from agents.broker.connection import Connection, admin_client
from agents.broker.reading import lag_of
from agents.broker.topics import market_partitions
from agents.config.newsquake import load_config
from agents.config.universe import broadcasts_of, universe_of
from agents.delivery.service import boxes_of, courier_of, queue_of_run, with_dead_letters
from agents.delivery.sinks import sinks_of
from agents.ingest.command import run_ingest
from agents.ingest.loop import Ingest
from agents.ingest.sources import news_collector, sources_of
from agents.live.embedded import Embedded
from agents.machine.clock import elapsed_s, now_ns
from agents.machine.folders import home_of, state_home
from agents.machine.supervisor import Job, Supervisor
from agents.metrics.endpoint import (
    DELIVER_PORT,
    REACT_PORT,
    SCORE_PORT,
    Exposure,
    exposure,
)
from agents.metrics.run import PublisherCollector, RunMeter
from agents.stages.engine import live_engine
from agents.web.command import web_of
from agents.web.keeper import Keeper
from streams.errors import NewsquakeError
from streams.events import SECOND_NS, Clock
from streams.prices.live import LiveFramer
from streams.prices.numbering import Numbering
from streams.publisher import Publisher
from streams.topics import APPS, DELIVER, HEADLINES, MARKET, REACT, SCORE, prefixed

DRAIN_LIMIT_S: Final = 30.0  # for the workers to finish what was published when the input ended
LOOK_S: Final = 0.5


def run_live(
    broker: Connection,
    config: Path | None,
    workers: int,
    out: Path | None,
    spool: Path | None,
    metrics_port: int | None = None,
) -> int:
    """Publish standard input and keep the workers running until it ends, or SIGTERM.

    NewsquakeError: a topic is missing, or a worker does not come up.
    """
    partitions = market_partitions(broker)
    logs = state_home() / "run" / (broker.prefix or "newsquake")
    exposed = exposure(load_config(config).metrics, metrics_port)
    supervisor = Supervisor(_jobs(broker, min(workers, partitions), out, exposed), logs, _say)
    _say(f"1 score, {min(workers, partitions)} react and 1 deliver worker; their logs: {logs}")
    supervisor.start()
    try:
        code = run_ingest(broker, config, spool, metrics_port)
        _drain(broker, partitions, supervisor)
    finally:
        supervisor.end()
    return code


def run_embedded(
    config: Path | None, out: Path | None, folder: Path | None, metrics_port: int | None = None
) -> int:
    """Do everything in this one process, over journals on this machine, until the sources end.

    JournalError: another run has the folder, or the disk does not take what is written.
    """
    settings, home = load_config(config), folder or home_of(None)
    universe = universe_of(settings, config)
    engine = live_engine(config, None)
    meter = RunMeter(exposure(settings.metrics, metrics_port), engine, universe)
    with (
        courier_of(config, partial(queue_of_run, home), _say, sheet=meter.metrics) as courier,
        contextlib.closing(Keeper(home, universe)) as keeper,
        contextlib.closing(
            Embedded(
                home,
                universe,
                engine,
                [*sinks_of(out), *boxes_of(courier)],
                keeper,
                meter.observer,
            )
        ) as log,
    ):
        framer = LiveFramer(
            with_dead_letters(log.send, courier),
            {listing.listing: listing.issuer for listing in universe.listings.values()},
            Numbering(home / "numbers.json", 1),
            broadcasts_of(universe, settings.universe.benchmark),
        )
        sources = sources_of(settings, config, home, _say)
        heard = " and ".join(source.name for source in sources)
        _say(f"{heard} -> the journal in {home}; {len(universe.listings):,} listings are followed")
        ingest = Ingest(sources, log, framer)
        collectors = news_collector(sources), PublisherCollector(log)
        with meter.serving(_say, *collectors), web_of(settings.web, keeper.path, _say):
            ingest.run()
        log.flush()
        _say(f"{ingest.router.summary()}; {log.mentions:,} mentions, {log.alerts:,} alert states")
    return 0


def _jobs(broker: Connection, workers: int, out: Path | None, exposed: Exposure) -> list[Job]:
    """Return the workers; their metrics are on the ports behind ours, so that more react ones move none."""
    deliver = ("--out", str(out)) if out else ()
    return [
        _job(broker, "score", 0, exposed.of_worker(SCORE_PORT)),
        *(
            _job(broker, "react", number, exposed.of_worker(REACT_PORT + number))
            for number in range(workers)
        ),
        _job(broker, "deliver", 0, (*deliver, *exposed.of_worker(DELIVER_PORT)), shown=True),
    ]


def _job(
    broker: Connection, kind: str, number: int, more: tuple[str, ...] = (), *, shown: bool = False
) -> Job:
    name = f"{kind}-{number}"
    words = ("worker", kind, "--broker", broker.address, "--prefix", broker.prefix)
    return Job(
        name, (*words, "--instance", f"{broker.prefix}{name}", *broker.words(), *more), shown=shown
    )


def _drain(broker: Connection, partitions: int, supervisor: Supervisor) -> None:
    """Wait until each kind of worker has done what the one before it left, for a while at most.

    A worker says what it has done on a Clock, and the sources send none any more.
    """
    deadline_s = elapsed_s() + DRAIN_LIMIT_S
    widths = {SCORE: 1, REACT: partitions, DELIVER: partitions}
    publisher, admin = Publisher(broker.client_options()), admin_client(broker)
    try:
        for app, width in widths.items():
            names = prefixed(broker.prefix, app), prefixed(broker.prefix, APPS[app])
            wanted = None
            while elapsed_s() < deadline_s:
                supervisor.check()
                lag = lag_of(admin, *names, width)
                wanted = lag.total if lag and wanted is None else wanted
                if lag and wanted is not None and lag.done >= wanted:
                    break
                _send_clocks(publisher, broker.prefix, partitions)
                time.sleep(LOOK_S)
            else:
                _say(
                    f"{app} is not done after {DRAIN_LIMIT_S:.0f} s; the next run goes on from there"
                )
    except KafkaError as fault:
        raise NewsquakeError(f"{broker.address}: {fault}") from fault
    finally:
        admin.close()
        publisher.close()


def _send_clocks(publisher: Publisher, prefix: str, partitions: int) -> None:
    clock = Clock(ts_ns=now_ns() // SECOND_NS * SECOND_NS)
    publisher.send(prefixed(prefix, HEADLINES), 0, clock)
    for partition in range(partitions):
        publisher.send(prefixed(prefix, MARKET), partition, clock)


def _say(text: str) -> None:
    sys.stderr.write(f"newsquake run: {text}\n")
    sys.stderr.flush()
