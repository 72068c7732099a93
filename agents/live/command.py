"""`newsquake run`: the sources and all workers of a run, started and restarted by one supervisor."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from pathlib import Path
from typing import Final

from agents.broker.connection import Connection, admin_client, broker_errors
from agents.broker.reading import lag_of
from agents.broker.topics import partitions
from agents.config.newsquake import load_config
from agents.config.universe import broadcasts_of, universe_of
from agents.delivery.service import dispatcher_of, outbox_of_run, outboxes_of
from agents.delivery.sinks import sinks_of
from agents.ingest.command import run_ingest
from agents.ingest.loop import Ingest
from agents.ingest.record_log import TopicLog
from agents.ingest.sources import news_collector, sources_of
from agents.live.embedded import Embedded
from agents.machine.clock import elapsed_s, now_ns
from agents.machine.folders import home_of, state_home
from agents.machine.supervisor import Job, Supervisor
from agents.machine.terminal import say
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
from agents.web.sink import StoreSink
from streams.events import SECOND_NS, Clock
from streams.prices.live import LiveFramer
from streams.prices.numbering import Numbering
from streams.publisher import Publisher
from streams.topics import APPS, DELIVER, HEADLINES, MARKET, REACT, REJECTS, SCORE, prefixed

DRAIN_LIMIT_S: Final = 30.0  # for the workers to finish what was published when the input ended
LOOK_S: Final = 0.5
_tell = partial(say, "run")


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
    width = partitions(broker, MARKET, HEADLINES, REJECTS)
    logs = state_home() / "run" / (broker.prefix or "newsquake")
    exposed = exposure(load_config(config).metrics, metrics_port)
    supervisor = Supervisor(_jobs(broker, min(workers, width), out, exposed), logs, _tell)
    _tell(f"1 score, {min(workers, width)} react and 1 deliver worker; their logs: {logs}")
    supervisor.start()
    try:
        code = run_ingest(broker, config, spool, metrics_port)
        _drain(broker, width, supervisor)
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
    # Closed from the last to the first: what the journal still tells is delivered for a while.
    with contextlib.ExitStack() as stack:
        opening = dispatcher_of(config, partial(outbox_of_run, home), _tell, sheet=meter.metrics)
        dispatcher = stack.enter_context(opening)
        store = stack.enter_context(contextlib.closing(StoreSink(home, universe)))
        sinks = [*sinks_of(out), *outboxes_of(dispatcher)]
        embedded = Embedded(home, universe, engine, sinks, store, meter.observer, dispatcher)
        log = stack.enter_context(contextlib.closing(embedded))
        numbering = Numbering(home / "numbers.json", 1)
        issuers = {listing.listing: listing.issuer for listing in universe.listings.values()}
        broadcasts = broadcasts_of(universe, settings.universe.benchmark)
        sources = sources_of(settings, config, home, _tell)
        heard = " and ".join(source.name for source in sources)
        _tell(f"{heard} -> the journal in {home}; {len(universe.listings):,} listings are followed")
        ingest = Ingest(sources, log, LiveFramer(log, issuers, numbering, broadcasts))
        collectors = news_collector(sources), PublisherCollector()
        with meter.serving(_tell, *collectors), web_of(settings.web, store.path, _tell):
            ingest.run()
        log.flush()
        _tell(f"{ingest.router.summary()}; {log.mentions:,} mentions, {log.alerts:,} alert states")
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


def _drain(broker: Connection, width: int, supervisor: Supervisor) -> None:
    """Wait until each kind of worker has done what the one before it left, for a while at most.

    A worker says what it has done on a Clock, and the sources send none any more.
    """
    deadline_s = elapsed_s() + DRAIN_LIMIT_S
    with (
        broker_errors(broker),
        contextlib.closing(admin_client(broker)) as admin,
        contextlib.closing(Publisher(broker.client_options())) as publisher,
    ):
        log = TopicLog(publisher.send, broker.prefix, width)
        for app, partitions_ in {SCORE: 1, REACT: width, DELIVER: width}.items():
            names = prefixed(broker.prefix, app), prefixed(broker.prefix, APPS[app])
            wanted = None
            while elapsed_s() < deadline_s:
                supervisor.check()
                lag = lag_of(admin, *names, partitions_)
                wanted = lag.total if lag and wanted is None else wanted
                if lag and wanted is not None and lag.done >= wanted:
                    break
                log.send_clock(Clock(ts_ns=now_ns() // SECOND_NS * SECOND_NS))
                time.sleep(LOOK_S)
            else:
                _tell(
                    f"{app} is not done after {DRAIN_LIMIT_S:.0f} s; the next run goes on from there"
                )
