"""The commands, as functions: they read, run, print and return an exit code."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.broker.connection import Connection
from agents.config.newsquake import load_config
from agents.machine.clock import elapsed_s
from agents.machine.terminal import print_json
from agents.metrics.endpoint import replay_exposure
from agents.metrics.run import RunMeter
from agents.replay.backfill.command import Backfilled, backfill, print_backfilled
from agents.replay.kafka.replay import Shape
from agents.replay.play.account import print_account
from agents.replay.play.delivering import delivered
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.outputs import refuse_overwriting
from agents.replay.play.replay import Replay
from agents.replay.play.view import watcher
from agents.replay.play.watching import Counting, Watcher
from streams.errors import UsageError


class _Pipe(Console):
    """Standard output whose reader may leave early, as `| head` does: no failure of ours."""

    def on_broken_pipe(self) -> None:
        """Leave quietly."""
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(0) from None


def run_replay(
    folder: Path,
    out: Path,
    *,
    config: Path | None,
    frame: int | None,
    speed: float | None,
    as_json: bool,
    tell: bool = False,
    deliver: bool = False,
    kafka: tuple[Connection, Shape] | None = None,
    metrics_port: int | None = None,
    backfill_step_s: int | None = None,
) -> int:
    """Replay a folder into OUT, through a broker where one is given; `tell`: name alerts as they come.

    `deliver`: to the targets of `config`, too; else nobody is told. `metrics_port`: where Prometheus
    finds it, a worker's metrics behind it; None: nowhere, for [metrics] of `config` is a live run's.
    `backfill_step_s`: write the history for Prometheus, too, a sample so often; None: do not.
    """
    began_s = elapsed_s()
    if deliver and kafka is not None:
        raise UsageError("--deliver: not with --broker; start `newsquake worker deliver` there")
    settings = load_config(config)
    console = Console(stderr=True)
    with watcher(console, alerts=tell or speed is not None, silent=as_json) as view:
        refuse_overwriting(out, ())  # before anything is read
        inputs = read_inputs(folder, settings.engine_rules(), view.note)
        refuse_overwriting(out, inputs.paths)
        exposed = replay_exposure(settings.metrics, metrics_port, inputs.name)
        meter = RunMeter(exposed, None if kafka else inputs.engine, inputs.universe)
        with (
            meter.serving(partial(console.print, markup=False, highlight=False)),
            delivered(view, config, out, meter.metrics, deliver=deliver) as onlooker,
        ):
            seen = Counting(onlooker, meter.observer)
            summary = _played(inputs, out, kafka, frame, speed, seen, began_s, meter)
        made = (
            None if backfill_step_s is None else backfill(inputs, out, backfill_step_s, view.note)
        )
    _print_summary(out, summary, made, as_json=as_json)
    return 0


def _print_summary(
    out: Path, summary: dict[str, Any], made: Backfilled | None, *, as_json: bool
) -> None:
    if as_json:
        print_json(summary if made is None else {**summary, "backfill": made})
    else:
        print_account(_Pipe(), out, summary)
        if made is not None:
            print_backfilled(made)


def _played(
    inputs: Inputs,
    out: Path,
    kafka: tuple[Connection, Shape] | None,
    frame: int | None,
    speed: float | None,
    seen: Watcher,
    began_s: float,
    meter: RunMeter,
) -> dict[str, Any]:
    for reject in inputs.rejects:
        meter.observer.made(reject)
    if kafka is None:
        return Replay(
            inputs, out, frame=frame, speed=speed, watcher=seen, began_s=began_s,
            engine=meter.observer.engine(inputs.engine),
        ).run()  # fmt: skip
    from agents.replay.kafka.replay import kafka_replay  # noqa: PLC0415 - only this needs Kafka

    broker, shape = kafka
    return kafka_replay(
        inputs, out, broker, shape,
        frame=frame, speed=speed, watcher=seen, began_s=began_s, exposed=meter.exposed,
    )  # fmt: skip
