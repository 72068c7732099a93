"""Arguments of `newsquake eval`."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.cli.options import Commands, command


def add_eval(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add `newsquake eval`."""
    evaluate = command(
        commands,
        "eval",
        "Measure a scorer, or the causes of a replay, on your own labels; prints one JSON object.",
        "  newsquake eval sentiment labelled.jsonl\n"
        "  newsquake eval linking links.jsonl --universe universe.csv\n"
        "  newsquake eval stories threads.jsonl\n"
        "  newsquake eval causes day/ out/ --table\n"
        "  newsquake eval causes day/ out/ --explain JD.XNAS 2025-09-24\n"
        "\ncauses: moves.jsonl in the folder that was replayed has a row a move: symbol, trade_date, direction,\n"
        "causes (ids of the headlines that state its cause), in_feed, kind. OUT is the replay's.\n",
    )
    evaluate.add_argument("what", choices=("sentiment", "linking", "stories", "causes"))
    evaluate.add_argument("file", type=Path, metavar="FILE", help="FILE, or DIR (causes)")
    evaluate.add_argument("out", type=Path, nargs="?", metavar="OUT", help="of a replay (causes)")
    evaluate.add_argument("--table", action="store_true", help="a table instead of JSON (causes)")
    evaluate.add_argument(
        "--explain", nargs=2, metavar=("SYMBOL", "DATE"), help="the steps of one move (causes)"
    )
    evaluate.add_argument(
        "--universe", type=Path, default=None, metavar="FILE", help="universe.csv (linking)"
    )
    evaluate.set_defaults(run=_eval)


def _eval(args: argparse.Namespace) -> int:
    from agents.evaluation.command import run_eval, run_eval_causes  # noqa: PLC0415 - keeps --help quick
    from streams.errors import UsageError  # noqa: PLC0415 - as above

    if args.what == "causes":
        if args.out is None:
            raise UsageError("eval causes DIR OUT: name OUT of the replay, too")
        return run_eval_causes(args.file, args.out, args.explain, as_table=args.table)
    if args.out is not None or args.table or args.explain:
        raise UsageError(
            f"OUT, --table and --explain are for eval causes, not for eval {args.what}"
        )
    return run_eval(args.what, args.file, args.universe)
