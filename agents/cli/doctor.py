"""Arguments of `newsquake doctor`."""

from __future__ import annotations

import argparse

from agents.cli.options import Commands, add_connection, add_logging, command


def add_doctor(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake doctor`."""
    doctor = command(
        commands,
        "doctor",
        "Look for what is wrong, from the configuration to the broker's clock, and say how to mend it.",
        "  newsquake doctor\n"
        "  newsquake doctor --config newsquake.toml\n"
        "  newsquake doctor --broker 127.0.0.1:9092 --prefix run7.\n"
        "  newsquake doctor --json | jq '.checks[] | select(.state == \"wrong\")'\n\n"
        "One line a check: ok, warning, wrong, or skipped and why. Exit code 1 if anything is wrong.\n"
        "Nothing is changed; a topic of its own, for comparing clocks, is removed again.\n",
    )
    add_connection(doctor)
    doctor.add_argument("--json", action="store_true", help="print all checks as one JSON object")
    add_logging(doctor)
    doctor.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    from agents.doctor.command import run_doctor  # noqa: PLC0415 - keeps --help quick

    return run_doctor(args.config, args.broker, args.prefix, as_json=args.json)
