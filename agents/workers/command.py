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
from kafka.errors import KafkaError

from agents.broker.connection import Connection, admin_client
from agents.broker.topics import partitions_of
from agents.delivery.service import courier_of, queue_of_worker
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
from streams.errors import NewsquakeError
from streams.reference.universe import Universe
from streams.topics import ALERTS, APPS, DELIVER, MARKET, REACT, REJECTS, SCORE, prefixed

log = logging.getLogger(__name__)


def run_react(
    broker: Connection, config: EngineConfig, instance: str | None, exposed: Exposure
) -> NoReturn:
    """Consume `market`, produce reactions, moves and alerts."""
    partitions = _partitions(broker, MARKET)
    meter = WorkerMeter(exposed)
    observer = meter.reacts(config, partitions)

    def make(partition: int) -> Stage:
        return ReactStage(config, partition, partitions, broker.prefix, observer)

    run_worker(broker, REACT, partitions, make, instance, meter)


def run_score(
    broker: Connection, universe: Universe, instance: str | None, exposed: Exposure
) -> NoReturn:
    """Consume `headlines`, produce Mentions."""
    partitions = _partitions(broker, MARKET)
    meter = WorkerMeter(exposed)
    observer = meter.scores(universe)

    def make(_: int) -> Stage:
        return ScoreStage(universe, partitions, broker.prefix, observer)

    run_worker(broker, SCORE, 1, make, instance, meter)


def run_deliver(
    broker: Connection,
    sinks: Sequence[Sink],
    config: Path | None,
    instance: str | None,
    exposed: Exposure,
) -> None:
    """Consume `alerts`, tell the sinks and the targets of newsquake.toml."""
    partitions = _partitions(broker, ALERTS)
    queue = partial(queue_of_worker, broker, instance)
    meter = WorkerMeter(exposed)
    observer, sheet = meter.delivers(), meter.sheet
    with courier_of(config, queue, log.warning, sheet=sheet, leased=True, linger_s=0.0) as courier:

        def make(partition: int) -> Stage:
            return DeliverStage(sinks, courier.box(partition) if courier else None, observer)

        shell = partial(DeliverShell, courier) if courier else Shell
        run_worker(broker, DELIVER, partitions, make, instance, meter, shell)


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


def _partitions(broker: Connection, topic: str) -> int:
    """Return how many partitions a topic has; NewsquakeError: it is not there."""
    admin = admin_client(broker)
    try:
        return partitions_of(admin, prefixed(broker.prefix, topic), broker.address)
    except KafkaError as fault:
        raise NewsquakeError(f"{broker.address}: {fault}") from fault
    finally:
        admin.close()
