"""Arguments of `newsquake demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.cli.options import Commands, add_logging, command, speed

DEMO_SPEED = 3600.0  # the Alibaba day in about twenty-five seconds


def add_demo(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake demo`."""
    demo = command(
        commands,
        "demo",
        "Replay the Alibaba day, 24 September 2025, sped up (synthetic prices, no network).",
        "  newsquake demo\n  newsquake demo --out /tmp/alibaba --speed max\n",
    )
    demo.add_argument(
        "--out", type=Path, default=Path("out/demo"), help="where results go (default: %(default)s)"
    )
    demo.add_argument(
        "--speed", type=speed, default=DEMO_SPEED, help="times real time, or max (default: 3600)"
    )
    demo.add_argument("--json", action="store_true", help="print only the summary, as JSON")
    add_logging(demo)
    demo.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> int:
    from agents.demo.command import run_demo  # noqa: PLC0415 - keeps --help quick

    return run_demo(args.out, args.speed, as_json=args.json)
