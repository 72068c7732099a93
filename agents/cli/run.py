"""Arguments of `newsquake run`."""

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
    count,
    has_broker,
)


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
    add_logging(run)
    run.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from agents.live.command import run_embedded, run_live  # noqa: PLC0415 - keeps --help quick

    if not has_broker(args):
        return run_embedded(args.config, args.out, args.spool, args.metrics_port)
    return run_live(
        connected(args), args.config, args.workers, args.out, args.spool, args.metrics_port
    )
