"""The part of the command line that serves the read API: `newsquake web`."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.cli.options import Commands, add_connection, add_logging, command, connected, has_broker
from streams.errors import UsageError


def add_web(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake web`."""
    web = command(
        commands,
        "web",
        "Serve headlines, alerts and their evidence: small pages for links, JSON for annotations.",
        "  newsquake web out/demo\n"
        "  newsquake web --broker 127.0.0.1:9092 --config newsquake.toml\n"
        "  newsquake web                                  # what `newsquake run` on this machine stores\n"
        "  curl 'http://127.0.0.1:8420/api/headlines?listing=BABA.XNYS&from=2025-09-24&to=2025-09-25'\n"
        "  curl 'http://127.0.0.1:8420/api/alerts?state=open'\n"
        "  NQ_TOKEN=... newsquake web --host 0.0.0.0 --token-env NQ_TOKEN\n\n"
        "It is read-only. [web] of newsquake.toml may say the same, and starts it inside `newsquake run`.\n",
    )
    web.add_argument(
        "out", type=Path, nargs="?", metavar="OUT", help="the results of a replay or of the demo"
    )
    add_connection(web)
    web.add_argument("--port", type=_port, metavar="N", help="default: 8420; 0: any that is free")
    web.add_argument("--host", metavar="ADDRESS", help="default: 127.0.0.1; others need a token")
    web.add_argument(
        "--token-env", metavar="NAME", help="the environment variable with the token to be shown"
    )
    add_logging(web)
    web.set_defaults(run=_web)


def _port(text: str) -> int:
    if not text.isdigit() or not int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _web(args: argparse.Namespace) -> int:
    from agents.web.command import run_web  # noqa: PLC0415 - keeps --help quick

    if args.out is not None and args.broker is not None:
        raise UsageError("give OUT or --broker, one of the two")
    broker = connected(args) if args.out is None and has_broker(args) else None
    given = {"port": args.port, "host": args.host, "token_env": args.token_env}
    said = {name: value for name, value in given.items() if value is not None}
    return run_web(args.out, broker, args.config, said)
