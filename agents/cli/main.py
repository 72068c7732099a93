"""The `newsquake` command. Only the parser is imported at start; a command brings its own modules."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from agents.cli.demo import add_demo
from agents.cli.dev import add_dev
from agents.cli.doctor import add_doctor
from agents.cli.eval import add_eval
from agents.cli.feeds import add_feeds
from agents.cli.ingest import add_ingest
from agents.cli.journal import add_journal
from agents.cli.replay import add_replay
from agents.cli.run import add_run
from agents.cli.topics import add_topics
from agents.cli.web import add_web
from agents.cli.workers import add_worker
from streams.errors import NewsquakeError, UsageError

DONE, FAILED, USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 the work failed, 2 wrong usage or configuration."""
    parser = newsquake_parser()
    args = parser.parse_args(argv)
    try:
        _set_up_logs(args)
        return int(args.run(args))
    except UsageError as fault:
        _say(fault)
        return USAGE
    except NewsquakeError as fault:
        _say(fault)
        return FAILED
    except KeyboardInterrupt:
        print("newsquake: interrupted; a replay resumes from its last checkpoint", file=sys.stderr)
        return 128 + 2
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        sys.stderr.close()
        return DONE


def _say(fault: NewsquakeError) -> None:
    """Say why a command failed; a name in it may hold what a terminal obeys."""
    from streams.text import printable  # noqa: PLC0415 - keeps --help quick

    print(printable(f"newsquake: {fault}"), file=sys.stderr)


def _set_up_logs(args: argparse.Namespace) -> None:
    if "log_level" in args:  # the commands that run for long
        from streams.logs import set_up  # noqa: PLC0415 - keeps --help quick

        set_up(args.log_level, args.log)


def newsquake_parser() -> argparse.ArgumentParser:
    """Return the parser of every command; its namespace has `run`, which does the work."""
    parser = argparse.ArgumentParser(
        prog="newsquake",
        description="Measure how markets react to headlines, and alert with evidence.",
        epilog="examples:\n"
        "  newsquake demo\n"
        "  newsquake replay my-history --out results\n"
        "  newsquake eval sentiment labelled.jsonl\n"
        "  newsquake dev up\n"
        "  newsquake topics create --broker 127.0.0.1:9092\n"
        "  newsquake doctor --config newsquake.toml\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_demo(commands)
    add_replay(commands)
    add_eval(commands)
    add_dev(commands)
    add_topics(commands)
    add_doctor(commands)
    add_feeds(commands)
    add_ingest(commands)
    add_journal(commands)
    add_worker(commands)
    add_run(commands)
    add_web(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
