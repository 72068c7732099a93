"""The commands, as functions: they read, run, print and return an exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from agents.runtime.account import print_account
from agents.runtime.clock import elapsed_s
from agents.runtime.connection import Connection
from agents.runtime.deliver_replay import delivered
from agents.runtime.evaluate import evaluate_linking, evaluate_sentiment, evaluate_stories
from agents.runtime.inputs import Inputs, read_inputs
from agents.runtime.local import Replay, Watcher
from agents.runtime.outputs import refuse_overwriting
from agents.runtime.progress import watcher
from agents.runtime.settings import load_config
from agents.runtime.shape import Shape
from streams.errors import InputError, UsageError
from streams.reference.universe import builtin_universe, load_universe


class _Pipe(Console):
    """Standard output whose reader may leave early, as `| head` does: no failure of ours."""

    def on_broken_pipe(self) -> None:
        """Leave quietly."""
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(0) from None


def run_demo(out: Path, speed: float | None, *, as_json: bool) -> int:
    """Write the Alibaba day into OUT/replay, replay it, and tell what happened."""
    from agents.runtime.demo import write_alibaba_day  # noqa: PLC0415 - only the demo needs it

    folder = out / "replay"
    try:
        write_alibaba_day(folder)
    except OSError as fault:
        raise InputError(str(folder), f"cannot be written: {fault}") from fault
    return run_replay(folder, out, config=None, frame=None, speed=speed, as_json=as_json, tell=True)


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
) -> int:
    """Replay a folder into OUT, through a broker where one is given; `tell`: name alerts as they come.

    `deliver`: to the targets of `config`, too; else nobody is told.
    """
    began_s = elapsed_s()
    if deliver and kafka is not None:
        raise UsageError("--deliver: not with --broker; start `newsquake worker deliver` there")
    rules = load_config(config).engine_rules()
    console = Console(stderr=True)
    with watcher(console, alerts=tell or speed is not None, silent=as_json) as view:
        refuse_overwriting(out, ())  # before anything is read
        inputs = read_inputs(folder, rules, view.note)
        refuse_overwriting(out, inputs.paths)
        if kafka is not None:
            summary = _through_kafka(inputs, out, kafka, frame, speed, view, began_s)
        else:
            with delivered(view, config, out, deliver=deliver) as seen:
                replay = Replay(
                    inputs, out, frame=frame, speed=speed, watcher=seen, began_s=began_s
                )
                summary = replay.run()
    if as_json:
        _print_json(summary)
    else:
        print_account(_Pipe(), out, summary)
    return 0


def _through_kafka(
    inputs: Inputs,
    out: Path,
    kafka: tuple[Connection, Shape],
    frame: int | None,
    speed: float | None,
    view: Watcher,
    began_s: float,
) -> dict[str, Any]:
    from agents.runtime.kafka_replay import kafka_replay  # noqa: PLC0415 - only this needs Kafka

    broker, shape = kafka
    return kafka_replay(
        inputs, out, broker, shape, frame=frame, speed=speed, watcher=view, began_s=began_s
    )


def run_eval(what: str, file: Path, universe: Path | None) -> int:
    """Measure one scorer on a labelled file and print the result as JSON."""
    if what == "sentiment":
        result = evaluate_sentiment(file)
    elif what == "linking":
        result = evaluate_linking(file, load_universe(universe) if universe else builtin_universe())
    else:
        result = evaluate_stories(file)
    _print_json(result)
    return 0


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
