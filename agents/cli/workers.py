"""The part of the command line that runs Faust workers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from agents.cli.options import (
    Commands,
    add_connection,
    add_metrics_port,
    command,
    connected,
    has_broker,
)

if TYPE_CHECKING:  # --help stays quick
    from agents.broker.connection import Connection
    from agents.replay.kafka.shape import Shape

MOST = 1000


def add_kafka(replay: argparse.ArgumentParser) -> None:
    """Add what sends a replay through a broker."""
    replay.add_argument(
        "--broker",
        metavar="kafka://HOST:PORT",
        help="the same through Kafka and real worker processes",
    )
    replay.add_argument(
        "--workers", type=count, default=1, metavar="N", help="worker processes (default: 1)"
    )
    replay.add_argument(
        "--partitions", type=count, default=4, metavar="P", help="of market (default: 4)"
    )
    replay.add_argument(
        "--keep-topics", action="store_true", help="leave the run's topics on the broker"
    )


def kafka_of(args: argparse.Namespace) -> tuple[Connection, Shape] | None:
    """Return the broker and the shape of a replay that `add_kafka`'s arguments ask for, if any."""
    if args.broker is None:
        return None
    from agents.broker.connection import connection  # noqa: PLC0415 - keeps --help quick
    from agents.config.newsquake import load_config  # noqa: PLC0415 - keeps --help quick
    from agents.replay.kafka.shape import Shape  # noqa: PLC0415 - keeps --help quick

    broker = connection(args.broker, None, load_config(args.config).kafka, args.config)
    shape = Shape(partitions=args.partitions, workers=args.workers, keep_topics=args.keep_topics)
    return broker, shape


def count(text: str) -> int:
    """Return a number of partitions or workers; ArgumentTypeError: it is not one."""
    if not text.isdigit() or not 0 < int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST}")
    return int(text)


def add_run(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake run`."""
    run = command(
        commands,
        "run",
        "Run everything live: feeds, wires and standard input -> alerts, here or over a Kafka broker.",
        "  newsquake run --config newsquake.toml\n"
        "  my-ticks | newsquake run --config newsquake.toml --out alerts.jsonl\n"
        "  my-feed | newsquake run --broker 127.0.0.1:9092 --config newsquake.toml --workers 2\n\n"
        "[[feeds]], [[wires]], [[folders]] and [inbox] of newsquake.toml name the news (see `newsquake\n"
        "feeds --help`); lines on standard input, those of `newsquake ingest --help`, come besides.\n"
        "Without a broker one process does everything over a journal on this machine; with one, worker\n"
        "processes score, react and deliver, and one that dies is started again. Either goes on where\n"
        "it was. Alerts appear on standard output. [[daily]] names the closes before the first day:\n"
        "without one no day level is tested.\n",
    )
    add_connection(run)
    run.add_argument(
        "--workers", type=count, default=1, metavar="N", help="react workers (default: 1)"
    )
    run.add_argument(
        "--out", type=Path, default=None, metavar="FILE", help="append alerts as JSON Lines"
    )
    run.add_argument(
        "--spool",
        type=Path,
        default=None,
        metavar="DIR",
        help="where the run keeps its own: journals, numbers, what was seen of news (default: a "
        "folder in $XDG_STATE_HOME/newsquake)",
    )
    add_metrics_port(
        run, "; with a broker score is at N + 1, deliver at N + 2, react at N + 3 and on"
    )
    run.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from agents.live.command import run_embedded, run_live  # noqa: PLC0415 - keeps --help quick

    if not has_broker(args):
        return run_embedded(args.config, args.out, args.spool, args.metrics_port)
    return run_live(
        connected(args), args.config, args.workers, args.out, args.spool, args.metrics_port
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
    worker.set_defaults(run=_worker)


def _worker(args: argparse.Namespace) -> int:
    from agents.machine.supervisor import hold_leash  # noqa: PLC0415 - keeps --help quick
    from agents.workers import command as workers  # noqa: PLC0415 - keeps --help quick

    if args.leash:
        hold_leash()
    broker = connected(args)
    exposed = workers.worker_exposure(args.config, args.metrics_port, args.replay)
    if args.kind == "deliver":
        sinks = workers.sinks_of(args.out)
        workers.run_deliver(broker, sinks, args.config, args.instance, exposed)
    elif args.kind == "score":
        universe = workers.live_universe(args.config)
        workers.run_score(broker, universe, args.instance, exposed)
    else:
        config = workers.live_engine(args.config, args.engine)
        workers.run_react(broker, config, args.instance, exposed)
    return 0
