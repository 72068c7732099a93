"""`newsquake worker`: one Faust worker process of a kind, until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

import uvloop

from agents.broker.connection import Connection
from agents.broker.topics import partitions
from agents.delivery.outbox import Outbox
from agents.delivery.service import dispatcher_of
from agents.delivery.sinks import Sink
from agents.metrics.endpoint import Exposure
from agents.reacting.config import EngineConfig
from agents.workers.deliver import DeliverStage
from agents.workers.deliver_loop import DeliverShell
from agents.workers.faust_app import Faust, make_app
from agents.workers.loop import Shell, give_up
from agents.workers.meter import WorkerMeter
from agents.workers.react import ReactStage
from agents.workers.score import ScoreStage
from agents.workers.stage import Stage
from streams.reference.universe import Universe
from streams.topics import ALERTS, APPS, DELIVER, MARKET, REACT, REJECTS, SCORE, prefixed

log = logging.getLogger(__name__)


def run_react(
    broker: Connection, config: EngineConfig, instance: str | None, exposed: Exposure
) -> NoReturn:
    """Consume `market`, produce reactions, moves and alerts."""
    width = partitions(broker, MARKET)
    meter = WorkerMeter(exposed)
    observer = meter.reacts(config, width)

    def make(partition: int) -> Stage:
        return ReactStage(config, partition, width, broker.prefix, observer)

    run_worker(broker, REACT, width, make, instance, meter)


def run_score(
    broker: Connection, universe: Universe, instance: str | None, exposed: Exposure
) -> NoReturn:
    """Consume `headlines`, produce Mentions."""
    width = partitions(broker, MARKET)
    meter = WorkerMeter(exposed)
    observer = meter.scores(universe)

    def make(_: int) -> Stage:
        return ScoreStage(universe, width, broker.prefix, observer)

    run_worker(broker, SCORE, 1, make, instance, meter)


def run_deliver(
    broker: Connection,
    sinks: Sequence[Sink],
    config: Path | None,
    instance: str | None,
    exposed: Exposure,
) -> None:
    """Consume `alerts`, tell the sinks and the targets of newsquake.toml."""
    width = partitions(broker, ALERTS)
    meter = WorkerMeter(exposed)
    observer, sheet = meter.delivers(), meter.sheet
    with dispatcher_of(
        config, Outbox, log.warning, sheet=sheet, leased=True, linger_s=0.0
    ) as dispatcher:

        def make(partition: int) -> Stage:
            outbox = dispatcher.outbox_of(partition) if dispatcher else None
            return DeliverStage(sinks, outbox, observer)

        shell = partial(DeliverShell, dispatcher) if dispatcher else Shell
        run_worker(broker, DELIVER, width, make, instance, meter, shell)


def run_worker(
    broker: Connection,
    app_id: str,
    partitions: int,
    make_stage: Callable[[int], Stage],
    instance: str | None,
    meter: WorkerMeter,
    make_shell: Callable[..., Shell] = Shell,
) -> NoReturn:
    """Run one worker of an app until SIGTERM; exit code 0 then, 1 where it had to give up."""
    topic = APPS[app_id]
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)  # which the app takes
    app, table = make_app(broker, app_id, partitions, instance)
    name, rejects = prefixed(broker.prefix, topic), prefixed(broker.prefix, REJECTS)
    shell = make_shell(
        app,
        table,
        make_stage,
        name,
        rejects,
        compacted=topic == ALERTS,
        observer=meter.observer,
    )
    source = app.topic(name, key_type=bytes, value_type=bytes, partitions=partitions)

    async def process(stream: Faust) -> None:
        try:
            await shell.run(stream)
        except Exception as fault:  # noqa: BLE001 - the boundary of the process: Faust would go on without the record
            give_up(fault)

    app.agent(source, name=app_id, concurrency=1)(process)
    app.task(shell.beat)
    if isinstance(shell, DeliverShell):
        app.task(shell.attend)
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    worker = app.Worker(loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None  # standard output is for alerts
    with meter.serving(app, app_id, name, shell.shards):
        worker.execute_from_commandline()
