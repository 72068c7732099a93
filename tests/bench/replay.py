"""How fast a week of real trades goes through: the engine, the whole replay, a plain as-of join."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from agents.reacting.config import Rule
from agents.reacting.engine import Engine
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.timeline import RUN_SPAN_NS, Timeline
from streams.events import I64, MINUTE_NS, Mention, Output, Reaction

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
WEEK = "R1_replay_dev_2013-10"
SYMBOLS = ("SPY", "BAC", "AIG", "IBM")
EVERY_NS = 30 * MINUTE_NS  # between synthetic mentions of each listing: some hundred open at once
BUSY_OPEN = 50
KIB_OF_MAXRSS = 1 if sys.platform != "darwin" else 1 / 1024  # getrusage(2): Linux KiB, macOS bytes

HEAD = """\
[replay]
name = "bench"
benchmark = "SPY.XNYS"
"""
NEWS = """\
[[headlines]]
path = "{week}/headlines.jsonl"
columns = {{ id = "id", published = "published_at", title = "title", url = "url", source = "source" }}
precision = "minute"
"""
TICKS = """\
[[prices]]
path = "{week}/ticks_{symbol}.parquet"
columns = {{ time = "ts", price = "price", size = "size", conditions = "cond", exchange = "exchange" }}
conditions_format = "flags_hex"
symbol = "{symbol}"
mic = "XNYS"
"""


def write_folder(data: Path, folder: Path, *, news: bool = True) -> Path:
    """Describe the week in a replay.toml of its own; the data stays where it is."""
    week = (data / WEEK).as_posix()
    text = HEAD + (NEWS.format(week=week) if news else "")
    text += "".join(TICKS.format(week=week, symbol=symbol) for symbol in SYMBOLS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "replay.toml").write_text(text)
    return folder


# -- the engine alone


def measure_engine(data: Path, scratch: Path, repeats: int) -> dict[str, float]:
    """Return ticks/s of the engine on rows that are read, with reactions open all the while."""
    inputs = read_inputs(write_folder(data, scratch / "in"), (Rule(),), lambda _: None)
    mentions = regular_mentions(inputs.rows.known_ns)
    wall_s, cpu_s, outputs = timed(repeats, lambda: played(inputs, mentions))
    ticks = len(inputs.rows)
    reactions = [o for o in outputs if isinstance(o, Reaction)]
    opened = open_at(inputs.rows.ts_ns, reactions)
    return {
        "engine_ticks_per_s": ticks / wall_s,
        "engine_ticks_per_cpu_s": ticks / cpu_s,
        "engine_reactions": len(reactions),
        "engine_open_reactions_p50": float(np.median(opened)),
        "engine_busy_share": float((opened >= BUSY_OPEN).mean()),
    }


def played(inputs: Inputs, mentions: list[Mention]) -> list[Output]:
    """Return what a new engine makes of all rows and mentions, to the final Clock."""
    engine = Engine(inputs.engine)
    timeline, outputs = played_on(engine, inputs, mentions)
    return outputs + timeline.finish(int(inputs.rows.known_ns[-1]))


def played_on(
    engine: Engine, inputs: Inputs, mentions: list[Mention]
) -> tuple[Timeline, list[Output]]:
    """Feed all rows and mentions to an engine, in the order of a replay."""
    timeline = Timeline(inputs, engine, None, RUN_SPAN_NS)
    known_ns = np.array([m.known_ns for m in mentions], np.int64)
    places = np.searchsorted(inputs.rows.known_ns, known_ns, "right").tolist()
    outputs: list[Output] = []
    row = 0
    for mention, place in zip(mentions, places, strict=True):
        for _, made in timeline.play(row, place):
            outputs += made
        row = place
        outputs += timeline.clock(mention.known_ns)
        outputs += engine.apply(mention)
    for _, made in timeline.play(row, len(timeline)):
        outputs += made
    return timeline, outputs


def regular_mentions(known_ns: I64) -> list[Mention]:
    """Return a mention of each company at every full half hour that the rows cover."""
    first = -(-int(known_ns[0]) // EVERY_NS) * EVERY_NS
    instants = range(first, int(known_ns[-1]), EVERY_NS)
    return [mention_of(symbol, instant) for instant in instants for symbol in SYMBOLS]


def mention_of(issuer: str, instant_ns: int) -> Mention:
    return Mention(
        headline_id=f"{issuer}-{instant_ns}",
        revision=0,
        issuer=issuer,
        relevance=1.0,
        evidence=("bench",),
        vader=None,
        direction=0.5,
        scorer="bench",
        event_types=("earnings",),
        story_id=f"{issuer}-{instant_ns}",
        novelty=1.0,
        event_ns=instant_ns,
        known_ns=instant_ns,
        published_ns=instant_ns,
        received_ns=None,
        title=f"{issuer} at {instant_ns}",
    )


def open_at(ts_ns: I64, reactions: list[Reaction]) -> I64:
    """Return how many reactions ran at each row."""
    ran = [r for r in reactions if r.start_ns is not None and r.due_ns is not None]
    starts = np.sort(np.array([r.start_ns for r in ran], np.int64))
    dues = np.sort(np.array([r.due_ns for r in ran], np.int64))
    begun = np.searchsorted(starts, ts_ns, "right")
    return np.asarray(begun - np.searchsorted(dues, ts_ns, "right"), np.int64)


# -- the whole replay


def measure_whole(data: Path, scratch: Path, repeats: int) -> dict[str, float]:
    """Return ticks/s of `newsquake replay` as a process: start, read, score, play, write.

    With the week's 17,774 headlines, and with its ticks alone.
    """
    both = write_folder(data, scratch / "in")
    alone = write_folder(data, scratch / "ticks", news=False)
    runs = [run_replay(both, scratch / f"out{number}") for number in range(repeats)]
    bare = [run_replay(alone, scratch / f"bare{number}") for number in range(repeats)]
    wall_s = statistics.median(run["wall_s"] for run in runs)
    ticks = runs[0]["ticks"]
    return {
        "replay_ticks_per_s": ticks / wall_s,
        "replay_ticks_per_cpu_s": ticks / statistics.median(run["cpu_s"] for run in runs),
        "replay_wall_s": wall_s,
        "replay_play_s": statistics.median(run["play_s"] for run in runs),
        "replay_peak_mib": max(run["peak_mib"] for run in runs),
        "replay_ticks": ticks,
        "replay_mentions": runs[0]["mentions"],
        "replay_same_output": float(len({run["sha256"] for run in runs}) == 1),
        "newsless_ticks_per_s": ticks / statistics.median(run["wall_s"] for run in bare),
    }


def run_replay(folder: Path, out: Path) -> dict[str, float]:
    """Run the command once; return its time, its peak memory and what its summary counts."""
    command = [sys.executable, "-m", "agents.cli", "replay", str(folder), "--out", str(out)]
    # Polars counts the cores it may use by itself, as it would for a user.
    env = {name: value for name, value in os.environ.items() if name != "POLARS_MAX_THREADS"}
    began_s = time.perf_counter()
    child = subprocess.Popen([*command, "--json"], cwd=ROOT, env=env, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - began_s
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"bench: newsquake replay ended with {child.returncode}")
    summary = json.loads(text)
    return {
        "wall_s": wall_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss * KIB_OF_MAXRSS / 1024,
        "play_s": summary["play_seconds"],
        "ticks": summary["ticks"],
        "mentions": summary["mentions"],
        "sha256": summary["output_sha256"],
    }


# -- the plain alternative


def measure_join(data: Path, scratch: Path, repeats: int) -> dict[str, float]:
    """Return ticks/s of polars' join_asof of every trade to its company's news before it."""
    inputs = read_inputs(write_folder(data, scratch / "in"), (Rule(),), lambda _: None)
    news = news_table(regular_mentions(inputs.rows.known_ns))
    ticks = read_ticks(data)
    alone_s, alone_cpu_s, _ = timed(repeats, lambda: joined(ticks, news))
    whole_s, _, _ = timed(repeats, lambda: joined(read_ticks(data), news))
    start_s, _, _ = timed(repeats, start_polars)
    return {
        "join_ticks_per_s": len(ticks) / alone_s,
        "join_ticks_per_cpu_s": len(ticks) / alone_cpu_s,
        "read_join_ticks_per_s": len(ticks) / whole_s,
        "process_join_ticks_per_s": len(ticks) / (start_s + whole_s),
    }


def start_polars() -> None:
    """Start a Python that imports polars: a replay's time has its own start in it, too."""
    subprocess.run([sys.executable, "-c", "import polars"], check=True)


def news_table(mentions: list[Mention]) -> pl.DataFrame:
    """Return the mentions as the right side of the join."""
    table = pl.DataFrame(
        {
            "symbol": [m.issuer for m in mentions],
            "event": [m.event_ns // 1000 for m in mentions],
            "headline_id": [m.headline_id for m in mentions],
        }
    )
    return table.with_columns(pl.col("event").cast(pl.Datetime("us", "UTC"))).sort("event")


def read_ticks(data: Path) -> pl.DataFrame:
    """Return the trades of all files, sorted by time."""
    columns = ["ts", "price", "size", "exchange", "cond"]
    parts = [
        pl.read_parquet(data / WEEK / f"ticks_{symbol}.parquet", columns=columns).with_columns(
            pl.lit(symbol).alias("symbol")
        )
        for symbol in SYMBOLS
    ]
    return pl.concat(parts).sort("ts", maintain_order=True)


def joined(ticks: pl.DataFrame, news: pl.DataFrame) -> pl.DataFrame:
    """Return each trade beside the newest news of its company."""
    return ticks.join_asof(
        news, left_on="ts", right_on="event", by="symbol", check_sortedness=False
    )


def timed(repeats: int, work: Callable[[], T]) -> tuple[float, float, T]:
    """Return the medians of wall and processor seconds, and what the last run made."""
    walls, cpus = [], []
    for _ in range(repeats):
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        made = work()
        walls.append(time.perf_counter() - began_s)
        cpus.append(time.process_time() - began_cpu_s)
    return statistics.median(walls), statistics.median(cpus), made
