"""Options that several commands share: broker, metrics, logs, counts and speeds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

MOST = 1000
# As streams.logs has them, which is not imported here: --help stays quick.
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMS = ("text", "json")

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


def add_logging(command: argparse.ArgumentParser) -> None:
    """Add what is logged to standard error, and how; `main` sets it up before the command runs."""
    command.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default="warning",
        help="say on standard error what was decided: debug has every item (default: %(default)s)",
    )
    command.add_argument(
        "--log",
        choices=LOG_FORMS,
        default="text",
        help="as key=value, or one JSON object a line (default: %(default)s)",
    )


def _port(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def connected(args: argparse.Namespace) -> Connection:
    """Return the broker that `add_connection`'s arguments name."""
    from agents.broker.connection import connection_of  # noqa: PLC0415 - keeps --help quick
    from agents.config.newsquake import load_config  # noqa: PLC0415 - keeps --help quick

    return connection_of(args.broker, args.prefix, load_config(args.config).kafka, args.config)


def has_broker(args: argparse.Namespace) -> bool:
    """Tell whether `add_connection`'s arguments, or the configuration, name a broker."""
    from agents.config.newsquake import load_config  # noqa: PLC0415 - keeps --help quick

    return (args.broker or load_config(args.config).kafka.broker) is not None


def count(text: str) -> int:
    """Return a number of partitions or workers; ArgumentTypeError: it is not one."""
    if not text.isdigit() or not 0 < int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST}")
    return int(text)


def speed(text: str) -> float | None:
    """Return a speed, None for `max`; ArgumentTypeError: it is neither."""
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither max nor a number above 0")
    return value
