"""The part of the command line that has to do with the sources of news: `feeds`."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.cli.options import Commands, add_connection, add_logging, command, connected, has_broker


def add_feeds(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake feeds`."""
    feeds = command(
        commands,
        "feeds",
        "Look at feeds, add them to newsquake.toml, try them, and see how they have been doing.",
        "  newsquake feeds check https://www.prnewswire.com/rss/news-releases-list.rss\n"
        "  newsquake feeds check saved/*.xml --json\n"
        "  newsquake feeds add https://www.sec.gov/news/pressreleases.rss --name sec-press\n"
        "  newsquake feeds list\n"
        "  newsquake feeds test\n"
        "  newsquake feeds status --config newsquake.toml\n",
    )
    ways = feeds.add_subparsers(dest="way", required=True, metavar="WAY")
    _add_check(ways)
    _add_add(ways)
    _add_list(ways)
    _add_test(ways)
    _add_status(ways)


def _add_check(ways: Commands[argparse.ArgumentParser]) -> None:
    check = command(
        ways,
        "check",
        "Show what would be read from feeds: dialect, headlines, dates, symbols, problems.",
        "  newsquake feeds check https://example.com/rss\n"
        "  newsquake feeds check page.xml folder-of-feeds --json | jq .dialect\n"
        "  newsquake feeds check halts.csv --dialect nyse_halts\n\n"
        "Exit code 0 when every file was read, 1 when one had to be rejected: it gave no item, and\n"
        "its problems say why. An undated item counts as received now.\n",
    )
    check.add_argument("places", nargs="+", metavar="URL|FILE", help="or a folder of files")
    check.add_argument("--dialect", type=_dialect, default="auto", help="instead of its own looks")
    check.add_argument(
        "--most", type=int, default=10, metavar="N", help="items shown (default: 10)"
    )
    check.add_argument("--contact", default="", help="told to servers: an address or URL of yours")
    check.add_argument("--json", action="store_true", help="one JSON object a file")
    check.set_defaults(run=_check)


def _add_add(ways: Commands[argparse.ArgumentParser]) -> None:
    add = command(
        ways,
        "add",
        "Ask for a feed, show what it holds, and add it to newsquake.toml.",
        "  newsquake feeds add https://www.prnewswire.com/rss/news-releases-list.rss\n"
        "  newsquake feeds add https://example.com/rss --name example --interval 300 --precision minute\n"
        "  newsquake feeds add 'https://feeds.finance.yahoo.com/rss/2.0/headline?s=BABA' --symbol BABA\n",
    )
    add.add_argument("url", metavar="URL")
    _add_config(add)
    add.add_argument("--name", help="default: made of the address")
    add.add_argument(
        "--interval", type=float, metavar="S", help="seconds between polls (default: 60)"
    )
    add.add_argument("--dialect", type=_dialect, help="default: told by each document")
    add.add_argument("--source", help="the publisher (default: the address's host)")
    add.add_argument("--tier", help="regulator, issuer, wire, outlet, aggregator or unknown")
    add.add_argument("--precision", choices=("second", "minute", "day"), help="of its dates")
    add.add_argument("--symbol", action="append", metavar="X", help="of every item; repeatable")
    add.add_argument("--untried", action="store_true", help="do not ask for it first")
    add.set_defaults(run=_add)


def _add_list(ways: Commands[argparse.ArgumentParser]) -> None:
    list_ = command(
        ways, "list", "List the sources of news that newsquake.toml names.",
        "  newsquake feeds list --config newsquake.toml\n",
    )  # fmt: skip
    _add_config(list_)
    list_.add_argument("--json", action="store_true", help="as a JSON array")
    list_.set_defaults(run=_list)


def _add_test(ways: Commands[argparse.ArgumentParser]) -> None:
    test = command(
        ways,
        "test",
        "Ask each source once: feeds are fetched, wires connected and subscribed, folders looked at.",
        "  newsquake feeds test\n  newsquake feeds test prnewswire alpaca --json\n\n"
        "Nothing is kept or published. Exit code 1 if one of them does not work.\n",
    )
    test.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    _add_config(test)
    test.add_argument("--json", action="store_true", help="one JSON object a source")
    add_logging(test)
    test.set_defaults(run=_test)


def _add_status(ways: Commands[argparse.ArgumentParser]) -> None:
    status = command(
        ways,
        "status",
        "Tell how the sources of a run do: last items, failures, lateness, who was first.",
        "  newsquake feeds status\n"
        "  newsquake feeds status --broker 127.0.0.1:9092\n"
        "  newsquake feeds status --json | jq '.[] | select(.state != \"ok\")'\n\n"
        "The run may go on meanwhile; what is shown is at most a few seconds old.\n",
    )
    add_connection(status)
    status.add_argument("--spool", type=Path, metavar="DIR", help="the run's own, where it has one")
    status.add_argument("--json", action="store_true", help="as a JSON array")
    status.set_defaults(run=_status)


def _add_config(way: argparse.ArgumentParser) -> None:
    way.add_argument(
        "--config", type=Path, metavar="FILE", help="default: newsquake.toml in this folder"
    )


def _dialect(text: str) -> str:
    from streams.news.dialects.registry import NAMES  # noqa: PLC0415 - keeps --help quick

    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"{text!r} is not known; valid: {', '.join(NAMES)}")
    return text


def _check(args: argparse.Namespace) -> int:
    from agents.feeds.check import run_check  # noqa: PLC0415 - keeps --help quick

    return run_check(args.places, args.dialect, args.most, args.contact, as_json=args.json)


def _add(args: argparse.Namespace) -> int:
    from agents.feeds.edit import run_add  # noqa: PLC0415 - keeps --help quick

    spec = {
        "name": args.name,
        "interval_s": args.interval,
        "dialect": args.dialect,
        "source": args.source,
        "tier": args.tier,
        "precision": args.precision,
        "symbols": args.symbol,
    }
    return run_add(args.url, spec, args.config, asked=not args.untried)


def _list(args: argparse.Namespace) -> int:
    from agents.feeds.edit import run_list  # noqa: PLC0415 - keeps --help quick

    return run_list(args.config, as_json=args.json)


def _test(args: argparse.Namespace) -> int:
    from agents.feeds.edit import existing  # noqa: PLC0415 - keeps --help quick
    from agents.feeds.probe import run_test  # noqa: PLC0415 - keeps --help quick

    return run_test(args.names, existing(args.config), as_json=args.json)


def _status(args: argparse.Namespace) -> int:
    from agents.feeds.edit import existing  # noqa: PLC0415 - keeps --help quick
    from agents.feeds.status import run_status  # noqa: PLC0415 - keeps --help quick

    args.config = existing(args.config)
    broker = connected(args) if has_broker(args) else None
    return run_status(args.config, broker, args.spool, as_json=args.json)
