"""Arguments of `newsquake topics`."""

from __future__ import annotations

import argparse

from agents.cli.options import Commands, add_connection, command, connected


def add_topics(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake topics`."""
    admin = command(
        commands,
        "topics",
        "Make the topics on a Kafka broker, or compare them with what they must be.",
        "  newsquake topics create --broker 127.0.0.1:9092 --partitions 8\n"
        "  newsquake topics check --broker 127.0.0.1:9092\n"
        "  newsquake topics create --broker 127.0.0.1:9092 --prefix run7.\n\n"
        "A topic that exists is never changed: where it is wrong, the command says how to mend it.\n",
    )
    admin.add_argument("what", choices=("create", "check"))
    add_connection(admin)
    admin.add_argument(
        "--partitions",
        type=_partitions,
        default=None,
        metavar="P",
        help="of market (default: as many as it has, else 8)",
    )
    admin.add_argument("--json", action="store_true", help="print the findings as JSON")
    admin.set_defaults(run=_topics)


def _partitions(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def _topics(args: argparse.Namespace) -> int:
    from agents.broker.topics import run_topics_check, run_topics_create  # noqa: PLC0415 - keeps --help quick

    run = run_topics_create if args.what == "create" else run_topics_check
    return run(connected(args), args.partitions, as_json=args.json)
