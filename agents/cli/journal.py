"""The part of the command line that moves topics to a folder and back: `newsquake journal`."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.cli.options import Commands, add_connection, add_logging, command, connected
from streams.errors import UsageError

_FOLDER = (
    "\nDIR holds manifest.json and a journal a topic: keys, headers, values and the order within each\n"
    "partition as they were, byte for byte. Changelogs are not taken: workers make theirs anew.\n"
)


def add_journal(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake journal export` and `newsquake journal import`."""
    journal = command(
        commands,
        "journal",
        "Keep topics of a broker in a folder, and put them back, there or elsewhere.",
        "  newsquake journal export --broker 127.0.0.1:9092 kept\n"
        "  newsquake journal import --broker 127.0.0.1:9092 --prefix again. kept\n",
    )
    what = journal.add_subparsers(dest="what", required=True, metavar="export|import")
    _add_export(what)
    _add_import(what)


def _add_export(commands: Commands[argparse.ArgumentParser]) -> None:
    export = command(
        commands,
        "export",
        "Write the records of the run's topics, or of some, into a new or empty folder.",
        "  newsquake journal export --broker 127.0.0.1:9092 kept\n"
        "  newsquake journal export --broker 127.0.0.1:9092 --topic newsquake.market \\\n"
        "      --from 2025-09-24T02:00:00Z --to 2025-09-24T03:00:00Z the-hour\n"
        "  newsquake journal export --broker 127.0.0.1:9092 --topic newsquake.market \\\n"
        "      --partition 3 --from 1200 --to 1300 a-hundred\n\n"
        "Times are those at which the broker took the records. An export that was killed is begun\n"
        "anew by the same command.\n" + _FOLDER,
    )
    add_connection(export)
    export.add_argument(
        "--topic",
        action="append",
        metavar="NAME",
        help="without the prefix; may be repeated (default: the six of a run)",
    )
    export.add_argument(
        "--partition", type=_number, default=None, metavar="N", help="only this one"
    )
    export.add_argument(
        "--from",
        dest="first",
        metavar="OFFSET|TIME",
        help="the first to take (default: the oldest)",
    )
    export.add_argument(
        "--to",
        dest="end",
        metavar="OFFSET|TIME",
        help="the first to leave (default: what is there now)",
    )
    export.add_argument("folder", type=Path, metavar="DIR")
    export.add_argument("--json", action="store_true", help="print the result as JSON")
    add_logging(export)
    export.set_defaults(run=_export)


def _add_import(commands: Commands[argparse.ArgumentParser]) -> None:
    import_ = command(
        commands,
        "import",
        "Write the records of a folder into topics that are there, each into the partition it had.",
        "  newsquake topics create --broker 127.0.0.1:9092 --prefix again. --partitions 8\n"
        "  newsquake journal import --broker 127.0.0.1:9092 --prefix again. kept\n"
        "  newsquake journal import --broker 127.0.0.1:9092 --topic a.copy the-hour\n\n"
        "Nothing is written unless the whole folder is intact and every topic is there, as wide as\n"
        "it was, and empty (or --append is given).\n" + _FOLDER,
    )
    add_connection(import_)
    import_.add_argument(
        "--topic", metavar="NAME", help="into this one, whatever the prefix; for a folder of one"
    )
    import_.add_argument(
        "--append", action="store_true", help="also into topics that hold records, behind them"
    )
    import_.add_argument("folder", type=Path, metavar="DIR")
    import_.add_argument("--json", action="store_true", help="print the result as JSON")
    add_logging(import_)
    import_.set_defaults(run=_import)


def _number(text: str) -> int:
    if not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a partition")
    return int(text)


def _export(args: argparse.Namespace) -> int:
    from agents.archive.export import (  # noqa: PLC0415 - keeps --help quick
        RUN_TOPICS,
        Selection,
        bound,
        run_export,
    )

    taken = Selection(
        topics=tuple(args.topic or RUN_TOPICS),
        partition=args.partition,
        first=bound("--from", args.first),
        end=bound("--to", args.end),
    )
    return run_export(connected(args), taken, args.folder, as_json=args.json)


def _import(args: argparse.Namespace) -> int:
    from agents.archive.restore import run_import  # noqa: PLC0415 - keeps --help quick

    if args.topic is not None and args.prefix is not None:
        raise UsageError("give --prefix or --topic, one of the two")
    broker = connected(args)
    return run_import(broker, args.folder, args.topic, append=args.append, as_json=args.json)
