"""The part of the command line that feeds a broker: `ingest`."""

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
)


def add_ingest(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake ingest`."""
    ingest = command(
        commands,
        "ingest",
        "Publish headlines and ticks from standard input, one JSON object a line, to a broker.",
        "  my-feed | newsquake ingest --broker 127.0.0.1:9092\n"
        "  newsquake ingest --config newsquake.toml --spool /var/lib/newsquake < lines.jsonl\n"
        '  echo \'{"title": "Alibaba lifts its AI budget", "source": "reuters.com", "id": "42"}\' \\\n'
        "    | newsquake ingest --broker 127.0.0.1:9092\n"
        '  echo \'{"listing": "BABA.XNYS", "price": 178.25, "ts_ns": 1758720600000000000}\' \\\n'
        "    | newsquake ingest --broker 127.0.0.1:9092\n\n"
        "A line with a title is a headline, received now (further keys: id, published, updated,\n"
        "summary, url, source, symbols, language, revision, action); one with a price is a tick\n"
        "(listing, price, ts_ns; size, exchange, flags). Anything else goes to newsquake.rejects\n"
        "with its line number. Every record is in the spool before it is sent: should this process\n"
        "be killed or the broker be away, the next start sends what is left. It ends when the input\n"
        "does or at SIGTERM, with 0 once all is acknowledged; a second signal ends it at once.\n",
    )
    add_connection(ingest)
    ingest.add_argument(
        "--spool",
        type=Path,
        default=None,
        metavar="DIR",
        help="where records wait (default: a folder for this broker and prefix in "
        "$XDG_STATE_HOME/newsquake/spool)",
    )
    add_metrics_port(ingest)
    add_logging(ingest)
    ingest.set_defaults(run=_ingest)


def _ingest(args: argparse.Namespace) -> int:
    from agents.ingest.command import run_ingest  # noqa: PLC0415 - keeps --help quick

    return run_ingest(connected(args), args.config, args.spool, args.metrics_port)
