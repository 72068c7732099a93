"""`newsquake replay`: the one place where the parts of a replay are put together."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from agents.broker.connection import Connection, connection_of
from agents.config.newsquake import load_config
from agents.machine.clock import elapsed_s
from agents.machine.terminal import print_json
from agents.metrics.endpoint import replay_exposure
from agents.metrics.run import RunMeter
from agents.replay.backfill.command import (
    Backfilled,
    backfill,
    print_backfilled,
    refuse_foreign_history,
)
from agents.replay.play.account import print_account
from agents.replay.play.backend import Backend, LocalBackend
from agents.replay.play.delivering import delivering
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.own_results import refuse_overwriting
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from agents.replay.play.view import view_of
from agents.replay.play.watching import ObservingWatcher, Watcher, Watchers
from streams.errors import UsageError


class ReplayRun(msgspec.Struct, frozen=True, kw_only=True):
    """One `newsquake replay` as it is asked for."""

    folder: Path
    out: Path
    config: Path | None = None  # newsquake.toml with the rules; None: the built-in ones
    frame: int | None = None  # rows a frame; None: whole columns
    speed: float | None = None  # times real time; None: as fast as it goes
    as_json: bool = False
    tell: bool = False  # name alerts as they come
    deliver: bool = False  # to the targets of `config`, too; else nobody is told
    broker: str | None = None  # kafka://host:port; None: an engine in this process
    partitions: int = 4  # of `market`, where there is a broker
    workers: int = 1  # worker processes, where there is a broker
    keep_topics: bool = False
    # Where Prometheus finds it, a worker's metrics behind it. None: nowhere, for [metrics] of
    # `config` is a live run's.
    metrics_port: int | None = None
    backfill_step_s: int | None = (
        None  # between samples of a history for Prometheus; None: no history
    )


class _Pipe(Console):
    """Standard output whose reader may leave early, as `| head` does: no failure of ours."""

    def on_broken_pipe(self) -> None:
        """Leave quietly."""
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(0) from None


def run_replay(run: ReplayRun) -> int:
    """Replay a folder into OUT, through a broker where one is given, and say what came of it."""
    began_s = elapsed_s()
    if run.deliver and run.broker is not None:
        raise UsageError("--deliver: not with --broker; start `newsquake worker deliver` there")
    settings = load_config(run.config)
    broker = None
    if run.broker is not None:
        broker = connection_of(run.broker, None, settings.kafka, run.config)
    console = Console(stderr=True)
    alerts = run.tell or run.speed is not None
    with view_of(console, alerts=alerts, silent=run.as_json) as view:
        refuse_overwriting(run.out, ())  # before anything is read
        if run.backfill_step_s is not None:
            refuse_foreign_history(run.out)
        inputs = read_inputs(run.folder, settings.engine_rules(), view.note)
        refuse_overwriting(run.out, inputs.paths)
        exposed = replay_exposure(settings.metrics, run.metrics_port, inputs.name)
        meter = RunMeter(exposed, None if broker else inputs.engine, inputs.universe)
        with ExitStack() as stack:  # closed from the last to the first
            # Metrics until the end: a scrape may ask while deliveries are waited for.
            say = partial(console.print, markup=False, highlight=False)
            stack.enter_context(meter.serving(say))
            watchers: list[Watcher] = [view]
            if run.deliver:  # waits for its targets after the workers have ended
                to_targets = delivering(run.config, run.out, meter.metrics)
                watchers.append(stack.enter_context(to_targets))
            watchers.append(ObservingWatcher(meter.observer))
            watcher = Watchers(watchers)
            # The backend goes first: its workers react to nothing more once all is written.
            backend = stack.enter_context(_backend(run, broker, inputs, watcher, meter))
            for reject in inputs.rejects:
                meter.observer.made(reject)
            options = ReplayOptions(
                frame=run.frame, speed=run.speed, watcher=watcher, began_s=began_s
            )
            summary = Replay(inputs, run.out, backend, options).run()
        made = None
        if run.backfill_step_s is not None:
            made = backfill(inputs, run.out, run.backfill_step_s, view.note)
    _print_summary(run, summary, made)
    return 0


def _backend(
    run: ReplayRun,
    broker: Connection | None,
    inputs: Inputs,
    watcher: Watcher,
    meter: RunMeter,
) -> AbstractContextManager[Backend]:
    if broker is None:
        make = partial(meter.observer.engine, inputs.engine)
        return nullcontext(LocalBackend(make(), make))
    from agents.replay.kafka.replay import Topology, kafka_backend  # noqa: PLC0415 - only this needs Kafka

    topology = Topology(partitions=run.partitions, workers=run.workers, keep_topics=run.keep_topics)
    return kafka_backend(inputs, run.out, broker, topology, watcher, meter.exposed)


def _print_summary(run: ReplayRun, summary: dict[str, Any], made: Backfilled | None) -> None:
    if run.as_json:
        print_json(summary if made is None else {**summary, "backfill": made})
    else:
        print_account(_Pipe(), run.out, summary)
        if made is not None:
            print_backfilled(made)
