"""`newsquake worker`: one Faust worker process of a kind, until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import uvloop
from kafka.errors import KafkaError

from agents.runtime.app import Faust, make_app
from agents.runtime.connection import Connection, admin_client
from agents.runtime.engine_file import load_engine
from agents.runtime.react import ReactStage
from agents.runtime.shell import Shell, Stage, give_up
from agents.runtime.topics_admin import partitions_of
from streams.errors import NewsquakeError
from streams.topics import MARKET, REACT, REJECTS, prefixed


def run_react(broker: Connection, engine: Path, instance: str | None) -> NoReturn:
    """Consume `market`, produce reactions, moves and alerts; returns only by ending the process."""
    config = load_engine(engine)
    partitions = _partitions(broker, MARKET)

    def make(partition: int) -> Stage:
        return ReactStage(config, partition, partitions, broker.prefix)

    run_worker(broker, REACT, MARKET, partitions, make, instance)


def run_worker(
    broker: Connection,
    app_id: str,
    topic: str,
    partitions: int,
    make_stage: Callable[[int], Stage],
    instance: str | None,
) -> NoReturn:
    """Run one worker on `topic` until SIGTERM; exit code 0 then, 1 where it had to give up."""
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)  # which the app takes
    app, table = make_app(broker, app_id, partitions, instance)
    name, rejects = prefixed(broker.prefix, topic), prefixed(broker.prefix, REJECTS)
    shell = Shell(app, table, make_stage, name, rejects)
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
