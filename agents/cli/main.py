"""The `newsquake` command. Only the parser is imported at start; a command brings its own modules."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agents.cli.backfill import add_backfill, backfill_of
from agents.cli.feeds import add_feeds
from agents.cli.ingest import add_ingest
from agents.cli.journal import add_journal
from agents.cli.options import add_connection as _add_connection
from agents.cli.options import add_doctor, add_metrics_port
from agents.cli.options import command as _command
from agents.cli.options import connected as _connected
from agents.cli.web import add_web
from agents.cli.workers import add_kafka, add_run, add_worker, kafka_of
from streams.errors import NewsquakeError, UsageError

DONE, FAILED, USAGE = 0, 1, 2
DEMO_SPEED = 3600.0  # the Alibaba day in about twenty-five seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 the work failed, 2 wrong usage or configuration."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except UsageError as fault:
        print(f"newsquake: {fault}", file=sys.stderr)
        return USAGE
    except NewsquakeError as fault:
        print(f"newsquake: {fault}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("newsquake: interrupted; a replay resumes from its last checkpoint", file=sys.stderr)
        return 128 + 2
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        sys.stderr.close()
        return DONE


def _parser() -> argparse.ArgumentParser:
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
    _add_demo(commands)
    _add_replay(commands)
    _add_eval(commands)
    _add_dev(commands)
    _add_topics(commands)
    add_doctor(commands)
    add_feeds(commands)
    add_ingest(commands)
    add_journal(commands)
    add_worker(commands)
    add_run(commands)
    add_web(commands)
    return parser


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = _command(
        commands,
        "demo",
        "Replay the Alibaba day, 24 September 2025, sped up (synthetic prices, no network).",
        "  newsquake demo\n  newsquake demo --out /tmp/alibaba --speed max\n",
    )
    demo.add_argument(
        "--out", type=Path, default=Path("out/demo"), help="where results go (default: %(default)s)"
    )
    demo.add_argument(
        "--speed", type=_speed, default=DEMO_SPEED, help="times real time, or max (default: 3600)"
    )
    demo.add_argument("--json", action="store_true", help="print only the summary, as JSON")
    demo.set_defaults(run=_demo)


def _add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    replay = _command(
        commands,
        "replay",
        "Replay a folder of headlines and prices described by its replay.toml.",
        "  newsquake replay my-history --out results\n"
        "  newsquake replay my-history --out results --speed 60\n"
        "  newsquake replay my-history --out results --json | jq .alerts\n"
        "  newsquake replay my-history --out results --broker kafka://127.0.0.1:9092 --workers 2\n"
        "  newsquake replay my-history --out results --backfill prometheus\n\n"
        "A replay that was interrupted goes on from its last checkpoint in OUT.\n",
    )
    replay.add_argument(
        "folder", type=Path, metavar="DIR", help="the folder that holds replay.toml"
    )
    replay.add_argument("--out", type=Path, required=True, help="where results go")
    replay.add_argument(
        "--speed",
        type=_speed,
        default=None,
        help="times real time (gaps over 10 minutes are skipped), or max (default)",
    )
    replay.add_argument(
        "--frame",
        type=_frame,
        default=None,
        metavar="N",
        help="send rows in frames of N (for tests)",
    )
    replay.add_argument(
        "--config", type=Path, default=None, metavar="FILE", help="newsquake.toml with the rules"
    )
    replay.add_argument(
        "--deliver",
        action="store_true",
        help="tell the targets of --config of the alerts, too (default: nobody is told)",
    )
    add_kafka(replay)
    add_metrics_port(replay, "; with a broker react is at N + 3 and on; default: nowhere")
    add_backfill(replay)
    replay.add_argument("--json", action="store_true", help="print only the summary, as JSON")
    replay.set_defaults(run=_replay)


def _add_eval(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    evaluate = _command(
        commands,
        "eval",
        "Measure a scorer on your own labelled JSON Lines file; prints one JSON object.",
        "  newsquake eval sentiment labelled.jsonl\n"
        "  newsquake eval linking links.jsonl --universe universe.csv\n"
        "  newsquake eval stories threads.jsonl\n",
    )
    evaluate.add_argument("what", choices=("sentiment", "linking", "stories"))
    evaluate.add_argument("file", type=Path, metavar="FILE")
    evaluate.add_argument(
        "--universe", type=Path, default=None, metavar="FILE", help="universe.csv (linking)"
    )
    evaluate.set_defaults(run=_eval)


def _add_dev(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    dev = _command(
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


def _add_topics(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    admin = _command(
        commands,
        "topics",
        "Make the topics on a Kafka broker, or compare them with what they must be.",
        "  newsquake topics create --broker 127.0.0.1:9092 --partitions 8\n"
        "  newsquake topics check --broker 127.0.0.1:9092\n"
        "  newsquake topics create --broker 127.0.0.1:9092 --prefix run7.\n\n"
        "A topic that exists is never changed: where it is wrong, the command says how to mend it.\n",
    )
    admin.add_argument("what", choices=("create", "check"))
    _add_connection(admin)
    admin.add_argument(
        "--partitions",
        type=_partitions,
        default=None,
        metavar="P",
        help="of market (default: as many as it has, else 8)",
    )
    admin.add_argument("--json", action="store_true", help="print the findings as JSON")
    admin.set_defaults(run=_topics)


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither max nor a number above 0")
    return value


def _frame(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000000")
    return int(text)


def _partitions(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def _demo(args: argparse.Namespace) -> int:
    from agents.replay.command import run_demo  # noqa: PLC0415 - keeps --help quick

    return run_demo(args.out, args.speed, as_json=args.json)


def _replay(args: argparse.Namespace) -> int:
    from agents.replay.command import run_replay  # noqa: PLC0415 - keeps --help quick

    return run_replay(
        args.folder,
        args.out,
        config=args.config,
        frame=args.frame,
        speed=args.speed,
        as_json=args.json,
        deliver=args.deliver,
        kafka=kafka_of(args),
        metrics_port=args.metrics_port,
        backfill_step_s=backfill_of(args),
    )


def _eval(args: argparse.Namespace) -> int:
    from agents.replay.command import run_eval  # noqa: PLC0415 - keeps --help quick

    return run_eval(args.what, args.file, args.universe)


def _dev(args: argparse.Namespace) -> int:
    from agents.dev.servers import run_dev_down, run_dev_up  # noqa: PLC0415 - --help stays quick

    return (run_dev_up if args.what == "up" else run_dev_down)(as_json=args.json)


def _topics(args: argparse.Namespace) -> int:
    from agents.broker import topics as topics_admin  # noqa: PLC0415 - keeps --help quick

    run = topics_admin.run_topics_create if args.what == "create" else topics_admin.run_topics_check
    return run(_connected(args), args.partitions, as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
