"""`python -m tests.bench [--json] [--data DIR]`: every figure in a process of its own, on one core.

It measures and compares with the last run of this checkout; it judges nothing and never fails
for being slow. Exit codes: 0 measured, 1 a measurement broke, 2 no data or wrong usage.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
NEEDED = ("R1_replay_dev_2013-10/ticks_SPY.parquet", "R2_replay_dev_2007-01/headlines.jsonl")
LAST = ROOT / ".venv" / "bench.json"  # of this checkout alone: git does not see it

# What is measured -> who measures it. This module imports none of them: a child's peak memory
# would begin at that of its parent (Linux keeps the high-water mark over fork and exec).
MEASURES = {
    "engine": "tests.bench.replay:measure_engine",
    "replay": "tests.bench.replay:measure_whole",
    "join": "tests.bench.replay:measure_join",
    "scoring": "tests.bench.scoring:measure",
    "memory": "tests.bench.memory:measure",
}
# Figure -> (what it is, unit, decimals, the budget of DESIGN 10 where it has one).
FIGURES = {
    "engine_ticks_per_s": ("engine alone, reactions open", "ticks/s", 0, ">= 1,000,000"),
    "engine_ticks_per_cpu_s": ("  by processor time", "ticks/s", 0, ""),
    "engine_reactions": ("  reactions answered", "", 0, ""),
    "engine_open_reactions_p50": ("  reactions open, median over the ticks", "", 0, ""),
    "engine_busy_share": ("  share of ticks with 50 or more open", "", 3, ""),
    "newsless_ticks_per_s": (
        "newsquake replay of ticks, whole process",
        "ticks/s",
        0,
        ">= 1,000,000",
    ),
    "replay_ticks_per_s": ("newsquake replay with 17,774 headlines", "ticks/s", 0, ""),
    "replay_ticks_per_cpu_s": ("  by processor time", "ticks/s", 0, ""),
    "replay_wall_s": ("  start, read, score, play, write", "s", 2, ""),
    "replay_play_s": ("  score and play alone", "s", 2, ""),
    "replay_peak_mib": ("  peak memory", "MiB", 0, ""),
    "replay_ticks": ("  ticks", "", 0, ""),
    "replay_mentions": ("  mentions", "", 0, ""),
    "replay_same_output": ("  all runs gave one output_sha256 (1 = yes)", "", 0, "1"),
    "join_ticks_per_s": ("polars join_asof, tables in memory", "ticks/s", 0, ""),
    "join_ticks_per_cpu_s": ("  by processor time", "ticks/s", 0, ""),
    "read_join_ticks_per_s": ("polars read, sort, join_asof", "ticks/s", 0, ""),
    "process_join_ticks_per_s": ("polars start, read, sort, join_asof", "ticks/s", 0, ""),
    "engine_over_join": ("engine / join_asof in memory", "x", 3, ""),
    "engine_over_read_join": ("engine / polars read, sort, join_asof", "x", 3, ""),
    "newsless_over_process_join": ("replay of ticks / polars process", "x", 3, ">= 0.5"),
    "replay_over_process_join": ("replay with headlines / polars process", "x", 3, ""),
    "headlines_per_s": ("headlines scored, pure room", "headlines/s", 0, ">= 10,000"),
    "headlines_per_cpu_s": ("  by processor time", "headlines/s", 0, ""),
    "headlines_linked_share": ("  share that names a listed company", "", 3, ""),
    "untraded_snapshot_bytes": ("snapshot of a listing that never traded", "bytes", 0, "< 2,048"),
    "quiet_snapshot_bytes": ("snapshot of one with 20 trades", "bytes", 0, "< 2,048"),
    "busy_snapshot_bytes": ("snapshot of a busy one after a week", "bytes", 0, ""),
    "busy_snapshot_ms": ("  time to take it", "ms", 2, ""),
    "untraded_listing_bytes": ("memory of a listing that never traded", "bytes", 0, "< 2,048"),
    "quiet_listing_bytes": ("memory of one with 20 trades", "bytes", 0, "< 2,048"),
    "snapshot_ms_10000_listings": ("snapshot of 10,000 listings, 20 trades each", "ms", 1, ""),
    "clock_us_10000_listings": ("one Clock, 10,000 listings, nothing due", "us", 0, ""),
    "codec_encode_us": ("frame of 1,000 trades: encode", "us", 1, ""),
    "codec_decode_us": ("frame of 1,000 trades: decode", "us", 1, ""),
    "codec_frame_bytes": ("  its bytes", "bytes", 0, ""),
}
RATIOS = {
    "engine_over_join": ("engine_ticks_per_s", "join_ticks_per_s"),
    "engine_over_read_join": ("engine_ticks_per_s", "read_join_ticks_per_s"),
    "newsless_over_process_join": ("newsless_ticks_per_s", "process_join_ticks_per_s"),
    "replay_over_process_join": ("replay_ticks_per_s", "process_join_ticks_per_s"),
}


def main() -> int:
    """Measure and print; return the exit code."""
    args = parser().parse_args()
    if missing := [name for name in NEEDED if not (args.data / name).is_file()]:
        print(f"bench: no {missing[0]} in {args.data}; give --data DIR", file=sys.stderr)
        return 2
    if args.only:
        print(json.dumps(measured(args.only, args.data, args.repeats)))
        return 0
    pinned = pin()
    try:
        figures = all_figures(args)
    except subprocess.CalledProcessError as fault:
        print(f"bench: {' '.join(fault.cmd)} ended with {fault.returncode}", file=sys.stderr)
        return 1
    last = kept()
    keep(figures)
    if args.json:
        print(json.dumps({**figures, "one_core": pinned}))
    else:
        print_table(figures, last, pinned=pinned)
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    made.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="the real data")
    made.add_argument("--json", action="store_true", help="print one line of JSON")
    made.add_argument("--repeats", type=int, default=3, help="runs a median is taken of")
    made.add_argument("--only", choices=MEASURES, help="measure this alone, in this process")
    return made


def pin() -> bool:
    """Keep this process and its children on one core; False where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return True


def all_figures(args: argparse.Namespace) -> dict[str, float]:
    """Return every figure, each measurement made by a child of its own."""
    made: dict[str, float] = {}
    for name in MEASURES:
        began_s = time.perf_counter()
        made |= child(name, args)
        print(f"bench: {name} measured, {time.perf_counter() - began_s:.0f} s", file=sys.stderr)
    made |= {name: made[ours] / made[theirs] for name, (ours, theirs) in RATIOS.items()}
    return {name: round(made[name], 6) for name in FIGURES}


def child(name: str, args: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench", "--only", name, "--data", str(args.data)]
    command += ["--repeats", str(args.repeats)]
    env = {**os.environ, "POLARS_MAX_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measured(name: str, data: Path, repeats: int) -> dict[str, float]:
    """Make one measurement in this process."""
    module, function = MEASURES[name].split(":")
    measure = getattr(importlib.import_module(module), function)
    with tempfile.TemporaryDirectory(prefix="newsquake-bench-") as scratch:
        figures: dict[str, float] = measure(data.resolve(), Path(scratch), repeats)
    return figures


def kept() -> dict[str, float]:
    """Return the figures of the last run here, none where there are none."""
    try:
        figures: dict[str, float] = json.loads(LAST.read_text())
    except (OSError, ValueError):
        return {}
    return figures


def keep(figures: dict[str, float]) -> None:
    if LAST.parent.is_dir():
        LAST.write_text(json.dumps(figures))


def print_table(figures: dict[str, float], last: dict[str, float], *, pinned: bool) -> None:
    where = "one core" if pinned else "all cores: this system cannot be held to one"
    print(f"{where}; medians; the budget is DESIGN's, for two quiet cores")
    print(f"{'':48}{'now':>13}{'last run':>13}  {'':12}budget")
    for name, (label, unit, decimals, budget) in FIGURES.items():
        now = f"{figures[name]:,.{decimals}f}"
        before = f"{last[name]:,.{decimals}f}" if name in last else "-"
        print(f"{label:48}{now:>13}{before:>13}  {unit:12}{budget}".rstrip())


if __name__ == "__main__":
    sys.exit(main())
