"""The part of the command line that has to do with a broker: how to name one, `doctor`, `journal`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # --help stays quick
    from agents.broker.connection import Connection

Commands = argparse._SubParsersAction  # noqa: SLF001 - the type has no public name


def command(
    commands: Commands[argparse.ArgumentParser], name: str, text: str, examples: str
) -> argparse.ArgumentParser:
    """Add a command whose help ends with examples."""
    return commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_connection(command: argparse.ArgumentParser) -> None:
    """Add how a broker is found; what the command line leaves out, [kafka] of --config says."""
    command.add_argument("--broker", metavar="HOST:PORT", help="or several, by comma")
    command.add_argument(
        "--prefix", default=None, metavar="X", help="before every name: a run's own"
    )
    command.add_argument(
        "--config", type=Path, default=None, metavar="FILE", help="newsquake.toml, with [kafka]"
    )


def add_metrics_port(command: argparse.ArgumentParser, more: str = "") -> None:
    """Add where the metrics are served; `more` goes on with the help."""
    command.add_argument(
        "--metrics-port",
        type=_port,
        default=None,
        metavar="N",
        help="serve http://127.0.0.1:N/metrics for Prometheus (0: on any free port, which is printed"
        f"{more or '; default: port in [metrics] of --config, else nowhere'})",
    )


def _port(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def connected(args: argparse.Namespace) -> Connection:
    """Return the broker that `add_connection`'s arguments name."""
    from agents.broker.connection import connection  # noqa: PLC0415 - keeps --help quick
    from agents.config.newsquake import load_config  # noqa: PLC0415 - keeps --help quick

    return connection(args.broker, args.prefix, load_config(args.config).kafka, args.config)


def has_broker(args: argparse.Namespace) -> bool:
    """Tell whether `add_connection`'s arguments, or the configuration, name a broker."""
    from agents.config.newsquake import load_config  # noqa: PLC0415 - keeps --help quick

    return (args.broker or load_config(args.config).kafka.broker) is not None


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
    doctor.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    from agents.doctor.command import run_doctor  # noqa: PLC0415 - keeps --help quick

    return run_doctor(args.config, args.broker, args.prefix, as_json=args.json)
