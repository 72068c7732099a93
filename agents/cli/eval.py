"""Arguments of `newsquake eval`."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.cli.options import Commands, command


def add_eval(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake eval`."""
    evaluate = command(
        commands,
        "eval",
        "Measure a scorer on your own labelled JSON Lines file; prints one JSON object.",
        "  newsquake eval sentiment labelled.jsonl\n"
        "  newsquake eval linking links.jsonl --universe universe.csv\n"
        "  newsquake eval stories threads.jsonl\n",
    )
    evaluate.add_argument("what", choices=("sentiment", "linking", "stories"))
    evaluate.add_argument("file", type=Path, metavar="FILE")
    evaluate.add_argument(
        "--universe", type=Path, default=None, metavar="FILE", help="universe.csv (linking)"
    )
    evaluate.set_defaults(run=_eval)


def _eval(args: argparse.Namespace) -> int:
    from agents.evaluation.command import run_eval  # noqa: PLC0415 - keeps --help quick

    return run_eval(args.what, args.file, args.universe)
