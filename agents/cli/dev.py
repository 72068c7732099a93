"""Arguments of `newsquake dev`."""

from __future__ import annotations

import argparse

from agents.cli.options import Commands, command


def add_dev(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake dev`."""
    dev = command(
        commands,
        "dev",
        "Start or stop real servers on this machine for trying things out: Kafka, Alertmanager, Prometheus.",
        "  newsquake dev up\n"
        "  newsquake dev up --json | jq -r .kafka.bootstrap\n"
        "  newsquake dev down\n\n"
        "They listen on 127.0.0.1 only. Their data is removed by `down`.\n",
    )
    dev.add_argument("what", choices=("up", "down"))
    dev.add_argument("--json", action="store_true", help="print addresses and pids as JSON")
    dev.set_defaults(run=_dev)


def _dev(args: argparse.Namespace) -> int:
    from agents.dev.servers import run_dev_down, run_dev_up  # noqa: PLC0415 - keeps --help quick

    return (run_dev_up if args.what == "up" else run_dev_down)(as_json=args.json)
