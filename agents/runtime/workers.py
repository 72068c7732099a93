"""`newsquake worker`: one Faust worker process of a kind, until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import uvloop
from kafka.errors import KafkaError

from agents.reacting.config import EngineConfig
from agents.runtime.app import Faust, make_app
from agents.runtime.connection import Connection, admin_client
from agents.runtime.deliver import DeliverStage, FileSink, LineSink, Sink
from agents.runtime.engine_file import engine_config, load_engine
from agents.runtime.react import ReactStage
from agents.runtime.score import ScoreStage
from agents.runtime.settings import load_config
from agents.runtime.shell import Shell, give_up
from agents.runtime.stage import Stage
from agents.runtime.topics_admin import partitions_of
from agents.runtime.watched import live_daily, universe_of
from streams.errors import NewsquakeError
from streams.reference.universe import Universe
from streams.topics import ALERTS, APPS, DELIVER, MARKET, REACT, REJECTS, SCORE, prefixed


def run_react(broker: Connection, config: EngineConfig, instance: str | None) -> NoReturn:
    """Consume `market`, produce reactions, moves and alerts."""
    partitions = _partitions(broker, MARKET)

    def make(partition: int) -> Stage:
        return ReactStage(config, partition, partitions, broker.prefix)

    run_worker(broker, REACT, partitions, make, instance)


def run_score(broker: Connection, universe: Universe, instance: str | None) -> NoReturn:
    """Consume `headlines`, produce Mentions."""
    partitions = _partitions(broker, MARKET)
    run_worker(
        broker, SCORE, 1, lambda _: ScoreStage(universe, partitions, broker.prefix), instance
    )


def run_deliver(broker: Connection, sinks: Sequence[Sink], instance: str | None) -> NoReturn:
    """Consume `alerts`, tell the sinks."""
    partitions = _partitions(broker, ALERTS)
    run_worker(broker, DELIVER, partitions, lambda _: DeliverStage(sinks), instance)


def run_worker(
    broker: Connection,
    app_id: str,
    partitions: int,
    make_stage: Callable[[int], Stage],
    instance: str | None,
) -> NoReturn:
    """Run one worker of an app until SIGTERM; exit code 0 then, 1 where it had to give up."""
    topic = APPS[app_id]
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)  # which the app takes
    app, table = make_app(broker, app_id, partitions, instance)
    name, rejects = prefixed(broker.prefix, topic), prefixed(broker.prefix, REJECTS)
    shell = Shell(app, table, make_stage, name, rejects, compacted=topic == ALERTS)
    source = app.topic(name, key_type=bytes, value_type=bytes, partitions=partitions)

    async def process(stream: Faust) -> None:
        try:
            await shell.run(stream)
        except Exception as fault:  # noqa: BLE001 - the boundary of the process: Faust would go on without the record
            give_up(fault)

    app.agent(source, name=app_id, concurrency=1)(process)
    app.task(shell.beat)
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    worker = app.Worker(loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None  # standard output is for alerts
    worker.execute_from_commandline()


def live_universe(config: Path | None) -> Universe:
    """Return whom newsquake.toml follows."""
    return universe_of(load_config(config), config)


def live_engine(config: Path | None, engine: Path | None) -> EngineConfig:
    """Return the engine of newsquake.toml, or of a replay's own file."""
    if engine is not None:
        return load_engine(engine)
    settings = load_config(config)
    universe = universe_of(settings, config)
    return engine_config(
        tuple(universe.listings.values()),
        settings.engine_rules(),
        benchmark=settings.universe.benchmark or "",
        daily=live_daily(settings, universe, config),
    )


def sinks_of(out: Path | None) -> list[Sink]:
    """Return whom alerts are delivered to: standard output, and the file `out`."""
    return [LineSink(), *([FileSink(out)] if out else [])]


def _partitions(broker: Connection, topic: str) -> int:
    """Return how many partitions a topic has; NewsquakeError: it is not there."""
    admin = admin_client(broker)
    try:
        return partitions_of(admin, prefixed(broker.prefix, topic), broker.address)
    except KafkaError as fault:
        raise NewsquakeError(f"{broker.address}: {fault}") from fault
    finally:
        admin.close()
