"""The part of the command line that asks a replay for history in Prometheus's form."""

from __future__ import annotations

import argparse
from typing import Final

from streams.errors import UsageError

STEPS: Final = {"1s": 1, "10s": 10, "60s": 60}
DEFAULT_STEP: Final = "10s"


def add_backfill(replay: argparse.ArgumentParser) -> None:
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


def backfill_of(args: argparse.Namespace) -> int | None:
    """Return the step in seconds, None where no history is asked for; UsageError: a step alone."""
    if args.backfill is None:
        if args.backfill_step is not None:
            raise UsageError("--backfill-step goes with --backfill prometheus")
        return None
    return STEPS[args.backfill_step or DEFAULT_STEP]
