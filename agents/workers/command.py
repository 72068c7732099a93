"""`newsquake worker`: one Faust worker process of a kind, until it is told to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal, NoReturn

import msgspec
import uvloop

from agents.broker.connection import Connection
from agents.broker.topics import partitions
from agents.config.universe import live_universe
from agents.delivery.outbox import Outbox
from agents.delivery.service import dispatcher_of
from agents.delivery.sinks import sinks_of
from agents.machine.supervisor import hold_leash
from agents.machine.terminal import say
from agents.metrics.endpoint import Exposure, worker_exposure
from agents.stages.engine import live_engine
from agents.workers.deliver import DeliverStage
from agents.workers.deliver_loop import DeliverLoop
from agents.workers.faust_app import Faust, make_app
from agents.workers.loop import Wiring, WorkerLoop
from agents.workers.meter import WorkerMeter
from agents.workers.react import ReactStage
from agents.workers.score import ScoreStage
from agents.workers.stage import Stage
from agents.workers.watchdog import give_up
from streams.topics import ALERTS, APPS, DELIVER, MARKET, REACT, REJECTS, SCORE, prefixed

_tell = partial(say, "worker")
Kind = Literal["score", "react", "deliver"]


class WorkerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a worker."""

    kind: Kind
    broker: Connection
    config: Path | None = None  # newsquake.toml
    instance: str | None = None  # the worker's name over its restarts
    out: Path | None = None  # deliver: append alerts to this file
    engine: Path | None = None  # react: the engine's configuration, of a replay
    metrics_port: int | None = None
    replay: str = ""  # the name of the replay that it is part of
    leash: bool = False  # end when standard input ends


def run_worker(options: WorkerOptions) -> NoReturn:
    """Run one worker until SIGTERM; exit code 0 then, 1 where it had to give up.

    ConfigError, InputError: newsquake.toml or the engine's file is wrong. NewsquakeError: a topic is
    missing, the broker or the metrics port cannot be had.
    """
    if options.leash:
        hold_leash()
    exposed = worker_exposure(options.config, options.metrics_port, options.replay)
    _KINDS[options.kind](options, exposed)
    raise SystemExit(0)


def _react(options: WorkerOptions, exposed: Exposure) -> None:
    """Consume `market`, produce reactions, moves and alerts."""
    config, broker = live_engine(options.config, options.engine), options.broker
    width = partitions(broker, MARKET)
    meter = WorkerMeter(exposed)
    observer = meter.reacts(config, width)

    def make(partition: int) -> Stage:
        live = options.engine is None
        return ReactStage(config, partition, width, broker.prefix, observer, live=live)

    _run(options, REACT, width, make, meter)


def _score(options: WorkerOptions, exposed: Exposure) -> None:
    """Consume `headlines`, produce Mentions."""
    universe, broker = live_universe(options.config), options.broker
    width = partitions(broker, MARKET)
    meter = WorkerMeter(exposed)
    observer = meter.scores(universe)

    def make(_: int) -> Stage:
        return ScoreStage(universe, width, broker.prefix, observer)

    _run(options, SCORE, 1, make, meter)


def _deliver(options: WorkerOptions, exposed: Exposure) -> None:
    """Consume `alerts`, deliver them to the sinks and to the targets of newsquake.toml."""
    sinks, broker = sinks_of(options.out), options.broker
    width = partitions(broker, ALERTS)
    meter = WorkerMeter(exposed)
    observer = meter.delivers()
    with dispatcher_of(
        options.config, Outbox, _tell, sheet=meter.metrics, leased=True, linger_s=0.0
    ) as dispatcher:

        def make(partition: int) -> Stage:
            outbox = dispatcher.outbox_of(partition) if dispatcher else None
            return DeliverStage(sinks, outbox, observer)

        def make_loop(wiring: Wiring) -> WorkerLoop:
            return DeliverLoop(wiring, dispatcher) if dispatcher else WorkerLoop(wiring)

        _run(options, DELIVER, width, make, meter, make_loop)


_KINDS: Final[dict[Kind, Callable[[WorkerOptions, Exposure], None]]] = {
    "score": _score,
    "react": _react,
    "deliver": _deliver,
}


def _run(
    options: WorkerOptions,
    app_id: str,
    partitions: int,
    make_stage: Callable[[int], Stage],
    meter: WorkerMeter,
    make_loop: Callable[[Wiring], WorkerLoop] = WorkerLoop,
) -> None:
    """Run the worker of an app until SIGTERM."""
    broker = options.broker
    events = uvloop.new_event_loop()
    asyncio.set_event_loop(events)  # which the app takes
    app, table = make_app(broker, app_id, partitions, options.instance)
    name, rejects = prefixed(broker.prefix, APPS[app_id]), prefixed(broker.prefix, REJECTS)
    compacted = APPS[app_id] == ALERTS
    guarded = None if app_id == DELIVER else broker  # sinks are the world outside, no stage of ours
    wiring = Wiring(app, table, make_stage, name, rejects, compacted, meter.observer, guarded)
    loop = make_loop(wiring)

    async def process(stream: Faust) -> None:
        try:
            await loop.run(stream)
        except Exception as fault:  # noqa: BLE001 - the boundary of the process: Faust would go on without the record
            give_up(fault)

    source = app.topic(name, key_type=bytes, value_type=bytes, partitions=partitions)
    app.agent(source, name=app_id, concurrency=1)(process)
    for task in loop.tasks():
        app.task(task)
    worker = app.Worker(loop=events, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None  # standard output is for alerts
    with meter.serving(app, app_id, name, loop.partitions, _tell):
        worker.execute_from_commandline()
