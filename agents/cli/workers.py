"""The part of the command line that runs Faust workers."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.cli.options import (
    Commands,
    add_connection,
    add_logging,
    add_metrics_port,
    command,
    connected,
)


def add_worker(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake worker`."""
    worker = command(
        commands,
        "worker",
        "Run one Faust worker until SIGTERM; start more of a kind to share its partitions.",
        "  newsquake worker react --broker 127.0.0.1:9092 --config newsquake.toml\n"
        "  newsquake worker react --broker 127.0.0.1:9092 --instance react-1\n"
        "  newsquake worker score --broker 127.0.0.1:9092\n"
        "  newsquake worker deliver --broker 127.0.0.1:9092 --out alerts.jsonl\n\n"
        "A worker that is started again under its old --instance has its partitions back at once;\n"
        "without one the others wait ten seconds for it.\n",
    )
    worker.add_argument("kind", choices=("score", "react", "deliver"))
    add_connection(worker)
    worker.add_argument(
        "--instance", default=None, metavar="NAME", help="this worker's name over its restarts"
    )
    worker.add_argument(
        "--out",
        type=Path,
        default=None,
        metavar="FILE",
        help="deliver: append alerts as JSON Lines",
    )
    add_metrics_port(worker)
    worker.add_argument("--engine", type=Path, default=None, help=argparse.SUPPRESS)
    worker.add_argument("--replay", default="", help=argparse.SUPPRESS)
    worker.add_argument("--leash", action="store_true", help=argparse.SUPPRESS)
    add_logging(worker)
    worker.set_defaults(run=_worker)


def _worker(args: argparse.Namespace) -> int:
    from agents.config.universe import live_universe  # noqa: PLC0415 - keeps --help quick
    from agents.delivery.sinks import sinks_of  # noqa: PLC0415 - keeps --help quick
    from agents.machine.supervisor import hold_leash  # noqa: PLC0415 - keeps --help quick
    from agents.metrics.endpoint import worker_exposure  # noqa: PLC0415 - keeps --help quick
    from agents.stages.engine import live_engine  # noqa: PLC0415 - keeps --help quick
    from agents.workers import command as workers  # noqa: PLC0415 - keeps --help quick

    if args.leash:
        hold_leash()
    broker = connected(args)
    exposed = worker_exposure(args.config, args.metrics_port, args.replay)
    if args.kind == "deliver":
        sinks = sinks_of(args.out)
        workers.run_deliver(broker, sinks, args.config, args.instance, exposed)
    elif args.kind == "score":
        universe = live_universe(args.config)
        workers.run_score(broker, universe, args.instance, exposed)
    else:
        config = live_engine(args.config, args.engine)
        workers.run_react(broker, config, args.instance, exposed)
    return 0
