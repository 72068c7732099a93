"""`python -m tests.attack`: play the attacks and print what held; `fuzz-*`: the drivers of fuzzed input.

    python -m tests.attack                      # all of them, ten minutes at most
    python -m tests.attack --list
    python -m tests.attack --only lines-price-beyond-int64 --only clock
    python -m tests.attack --ci --minutes 2
    python -m tests.attack fuzz-lines --count 1000000 --seed 1 --jobs 2

Loopback only; whatever is started is ended by its own process id. Exit code 1: something broke.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter

from tests.attack import fuzzing
from tests.attack.referee import Result, play_all
from tests.attack.registry import Attack, attacks


def main(words: list[str]) -> int:
    args = _parser().parse_args(words)
    if args.what:
        return fuzzing.run(args.what, args.count, args.seed, args.jobs, as_json=args.json)
    chosen = [each for each in attacks() if _wanted(each, args)]
    if args.list:
        for each in chosen:
            print(f"{each.name:40} {each.item:>4}  {each.holds}")
        return 0
    if not chosen:
        print("no attack of that name; --list names them", file=sys.stderr)
        return 2
    return _played(chosen, args.minutes, as_json=args.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", nargs="?", choices=fuzzing.KINDS, help="fuzz in this process")
    parser.add_argument("--only", action="append", metavar="NAME", help="a name or its beginning")
    parser.add_argument("--list", action="store_true", help="name the attacks and play none")
    parser.add_argument("--ci", action="store_true", help="only the short and sure ones")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="in all, at most")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--count", type=int, default=100_000, metavar="N", help="of fuzzed inputs")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the first input")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that fuzz")
    return parser


def _wanted(each: Attack, args: argparse.Namespace) -> bool:
    named = not args.only or any(each.name.startswith(only) for only in args.only)
    return named and (each.ci or not args.ci)


def _played(chosen: list[Attack], minutes: float, *, as_json: bool) -> int:
    began_s = time.monotonic()
    results = []
    for result in play_all(chosen, began_s + 60 * minutes):
        results.append(result)
        print(json.dumps(result.plain()) if as_json else _row(result), flush=True)
    counts = Counter(result.verdict for result in results)
    if not as_json:
        said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        print(f"{len(results)} attacks in {time.monotonic() - began_s:.0f} s: {said}")
    return 1 if counts["BROKEN"] else 0


def _row(result: Result) -> str:
    own = result.attack
    head = f"{result.verdict:10} {result.seconds:6.1f} s  {own.name:40} {own.item:>4}  {own.holds}"
    return f"{head}\n{'':20} {result.reason}" if result.reason else head


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
