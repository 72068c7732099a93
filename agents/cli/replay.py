"""Arguments of `newsquake replay`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from agents.cli.options import Commands, add_logging, add_metrics_port, command, count, speed
from streams.errors import UsageError

STEPS: Final = {"1s": 1, "10s": 10, "60s": 60}

DEFAULT_STEP: Final = "10s"


def _add_kafka(replay: argparse.ArgumentParser) -> None:
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


def _add_backfill(replay: argparse.ArgumentParser) -> None:
    """Add `--backfill` and its step."""
    replay.add_argument(
        "--backfill",
        choices=("prometheus",),
        help="also write the history as blocks of Prometheus, at its original time",
    )
    replay.add_argument(
        "--backfill-step",
        choices=STEPS,
        help=f"between two samples of what moves (default: {DEFAULT_STEP})",
    )


def _backfill_of(args: argparse.Namespace) -> int | None:
    """Return the step in seconds, None where no history is asked for; UsageError: a step alone."""
    if args.backfill is None:
        if args.backfill_step is not None:
            raise UsageError("--backfill-step goes with --backfill prometheus")
        return None
    return STEPS[args.backfill_step or DEFAULT_STEP]


def add_replay(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake replay`."""
    replay = command(
        commands,
        "replay",
        "Replay a folder of headlines and prices described by its replay.toml.",
        "  newsquake replay my-history --out results\n"
        "  newsquake replay my-history --out results --speed 60\n"
        "  newsquake replay my-history --out results --json | jq .alerts\n"
        "  newsquake replay my-history --out results --broker kafka://127.0.0.1:9092 --workers 2\n"
        "  newsquake replay my-history --out results --backfill prometheus\n\n"
        "A replay that was interrupted goes on from its last checkpoint in OUT.\n",
    )
    replay.add_argument(
        "folder", type=Path, metavar="DIR", help="the folder that holds replay.toml"
    )
    replay.add_argument("--out", type=Path, required=True, help="where results go")
    replay.add_argument(
        "--speed",
        type=speed,
        default=None,
        help="times real time (gaps over 10 minutes are skipped), or max (default)",
    )
    replay.add_argument(
        "--frame",
        type=_frame,
        default=None,
        metavar="N",
        help="send rows in frames of N (for tests)",
    )
    replay.add_argument(
        "--config", type=Path, default=None, metavar="FILE", help="newsquake.toml with the rules"
    )
    replay.add_argument(
        "--deliver",
        action="store_true",
        help="tell the targets of --config of the alerts, too (default: nobody is told)",
    )
    _add_kafka(replay)
    add_metrics_port(replay, "; with a broker react is at N + 3 and on; default: nowhere")
    _add_backfill(replay)
    replay.add_argument("--json", action="store_true", help="print only the summary, as JSON")
    add_logging(replay)
    replay.set_defaults(run=_replay)


def _frame(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000000")
    return int(text)


def _replay(args: argparse.Namespace) -> int:
    from agents.replay.command import ReplayRun, run_replay  # noqa: PLC0415 - keeps --help quick

    run = ReplayRun(
        folder=args.folder,
        out=args.out,
        config=args.config,
        frame=args.frame,
        speed=args.speed,
        as_json=args.json,
        deliver=args.deliver,
        broker=args.broker,
        partitions=args.partitions,
        workers=args.workers,
        keep_topics=args.keep_topics,
        metrics_port=args.metrics_port,
        backfill_step_s=_backfill_of(args),
    )
    return run_replay(run)
