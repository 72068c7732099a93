"""`newsquake replay --backfill prometheus`: history as a Prometheus would have scraped it, at its own time.

OUT/prometheus holds history.om (OpenMetrics), the blocks made of it in `data`, and a
prometheus.yml to run on them. The bytes of history.om follow from the inputs, the configuration
and the step alone.
"""

from __future__ import annotations

import importlib.metadata
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from agents.machine.clock import elapsed_s
from agents.machine.installed import ROOT, command_of, missing
from agents.replay.backfill import blocks as prometheus_blocks
from agents.replay.backfill.counters import Counters
from agents.replay.backfill.grid import Grid, stretches
from agents.replay.backfill.market import TradedListing, write_listing
from agents.replay.backfill.openmetrics import OpenMetricsFile
from agents.replay.backfill.tape import Traded, traded
from agents.replay.play.inputs import Inputs
from agents.replay.play.outputs import read_lines
from streams.errors import InputError, UsageError
from streams.events import I64, MINUTE_NS, SECOND_NS

JOB: Final = "newsquake-replay"  # as deploy/prometheus names a replay that is scraped
RULES: Final = ROOT / "dashboards" / "rules.yml"
URL: Final = "http://127.0.0.1:9090"
MOST_POINTS: Final = 10_000  # of one answer; Prometheus gives 11,000 at most
MINUTE_S: Final = 60
MARKER: Final = ".newsquake-backfill"  # says that the folder is ours
Note = Callable[[str], None]


class Backfilled(msgspec.Struct, frozen=True, kw_only=True):
    """What was made, and how to use it."""

    history: str
    series: int
    samples: int
    start_s: int
    end_s: int
    blocks: int | None  # None: there is no promtool here
    rule_blocks: int | None  # None: rules were not backfilled, a note says why
    seconds: float
    notes: tuple[str, ...]
    commands: dict[str, str]


def backfill(inputs: Inputs, out: Path, step_s: int, note: Note) -> Backfilled:
    """Make OUT/prometheus of a finished replay.

    UsageError: a Prometheus runs on it. InputError: it cannot be written. NewsquakeError: promtool
    or Prometheus failed.
    """
    began_s, folder = elapsed_s(), out / "prometheus"
    prometheus_blocks.refuse_in_use(folder / "data")
    refuse_foreign_history(out)
    try:
        folder.mkdir(exist_ok=True)
        (folder / MARKER).touch()
        with tempfile.TemporaryDirectory(prefix="work-", dir=folder) as name:
            work = Path(name)
            note("writing history for Prometheus")
            history = folder / "history.om"
            file, awake_s = _history(inputs, out, history, Grid(step_s), work)
            span_s = file.span_s
            (folder / "prometheus.yml").write_text(prometheus_blocks.CONFIG, "ascii")
            awake = stretches(awake_s, prometheus_blocks.BLOCK_S)
            blocks, rule_blocks, notes = _blocks(history, span_s, awake, step_s, work, note)
    except OSError as fault:
        raise InputError(str(folder), f"cannot be written: {fault}") from fault
    return Backfilled(
        history=str(history),
        series=file.series,
        samples=file.samples,
        start_s=span_s[0],
        end_s=span_s[1],
        blocks=blocks,
        rule_blocks=rule_blocks,
        seconds=round(elapsed_s() - began_s, 3),
        notes=tuple(notes),
        commands=_commands(folder, awake, _shown(inputs, out), made=blocks is not None),
    )


def refuse_foreign_history(out: Path) -> None:
    """Raise UsageError where OUT/prometheus is not what a backfill made: its data would be removed.

    Earlier releases left no mark: theirs is known by its configuration, which scrapes nothing.
    """
    folder = out / "prometheus"
    if folder.is_symlink() or (folder.exists() and not _is_own(folder)):
        raise UsageError(
            f"{folder} was not made by a backfill: move it away, or name another folder with --out"
        )


def _is_own(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    config = folder / "prometheus.yml"
    if (folder / MARKER).is_file() or not any(folder.iterdir()):
        return True
    return config.is_file() and config.read_bytes() == prometheus_blocks.CONFIG.encode("ascii")


def _shown(inputs: Inputs, out: Path) -> str:
    """Return the listing that the example asks for: one that alerted, where there is one."""
    alerts = read_lines(out / "alerts.jsonl")
    names = [alert["listing"] for alert in alerts] or [x.listing for x in inputs.engine.listings]
    return names[0] if names else ""


# -- history.om


def _history(
    inputs: Inputs, out: Path, path: Path, grid: Grid, work: Path
) -> tuple[OpenMetricsFile, I64]:
    """Write history.om; return the file, and when anything came in."""
    points, parts = work / "points", work / "families"
    points.mkdir()
    parts.mkdir()
    found = traded(inputs, points)
    awake_s = _awake(inputs, grid)
    common = {"job": JOB, "instance": inputs.name}
    with OpenMetricsFile(path, parts, common) as file:
        _market(file, inputs, found, grid)
        counters = Counters(file, out, grid, awake_s)
        counters.process(inputs.name, importlib.metadata.version("newsquake"))
        counters.scoring(inputs)
        counters.crossings(found.listings())
        end_s = int(awake_s[-1]) if len(awake_s) else 0
        counters.reactions((end_s - 1) * SECOND_NS)
        counters.alerts([rule.name for rule in inputs.engine.rules])
    return file, awake_s


def _awake(inputs: Inputs, grid: Grid) -> I64:
    """Return the instants at which slow series are sampled: where anything came in of late."""
    minutes = [inputs.rows.known_ns // MINUTE_NS]
    minutes.append(np.array([h.known_ns // MINUTE_NS for h in inputs.headlines], np.int64))
    return Grid(grid.quiet_s).busy(np.unique(np.concatenate(minutes)) * MINUTE_S)


def _market(file: OpenMetricsFile, inputs: Inputs, found: Traded, grid: Grid) -> None:
    listings = {each.listing: each for each in inputs.engine.listings}
    for name in found.listings():
        listing = listings[name]
        calendar = inputs.engine.calendars[listing.mic]
        tape = TradedListing(listing, calendar, found.points(name), found.closes.get(name, {}))
        write_listing(file, tape, grid)


# -- blocks


def _blocks(
    history: Path,
    span_s: tuple[int, int],
    awake_s: list[tuple[int, int]],
    step_s: int,
    work: Path,
    note: Note,
) -> tuple[int | None, int | None, list[str]]:
    """Make the blocks beside the history; return how many, of rules how many, and what to say."""
    data, fresh = history.parent / "data", work / "data"
    if not prometheus_blocks.promtool():
        shutil.rmtree(data, ignore_errors=True)  # of another history
        return None, None, [f"no blocks: {missing('promtool', 'prometheus')}"]
    note("promtool makes blocks of it")
    blocks = prometheus_blocks.make_blocks(history, span_s, work, fresh)
    rule_blocks, notes = None, []
    if not RULES.is_file():
        notes.append(f"no recording rules: {RULES} is not there")
    elif not command_of("prometheus"):
        notes.append(f"no recording rules: {missing('Prometheus', 'prometheus')}")
    else:
        note("recording rules are worked out")
        rule_blocks = prometheus_blocks.add_rules(RULES, awake_s, step_s, work, fresh)
    shutil.rmtree(data, ignore_errors=True)
    fresh.rename(data)
    return blocks, rule_blocks, notes


def _commands(
    folder: Path, spans_s: list[tuple[int, int]], listing: str, *, made: bool
) -> dict[str, str]:
    """Return the exact commands, by what they do; the queries are of the longest stretch."""
    config, data, history = (
        shlex.quote(str(folder / n)) for n in ("prometheus.yml", "data", "history.om")
    )
    first_s, last_s = max(spans_s, key=lambda span: span[1] - span[0], default=(0, 0))
    step_s = max(MINUTE_S, -(-(last_s - first_s) // MOST_POINTS))
    query = f"promtool query range --start={first_s} --end={last_s} --step={step_s}s {URL}"
    moves = shlex.quote(f'newsquake_move_ratio{{listing="{listing}",window="day"}}')
    commands = {
        "start": f"prometheus --config.file={config} --storage.tsdb.path={data} "
        f"--storage.tsdb.retention.time={prometheus_blocks.KEPT} "
        f"--web.listen-address={URL.removeprefix('http://')}",
        "query": f"{query} {moves}",
        "alerts": f"{query} ALERTS",
    }
    if made:
        return commands
    return {"make": f"promtool tsdb create-blocks-from openmetrics {history} {data}"} | commands


def print_backfilled(made: Backfilled) -> None:
    """Say what there is now, and by which commands it is used."""
    lines = [
        f"Prometheus: {made.samples:,} samples of {made.series:,} series in {made.history}",
        *(f"  {each}" for each in made.notes),
        *(f"  {command}" for command in made.commands.values()),
        f"  Keep the retention of {prometheus_blocks.KEPT}: it counts from the newest sample.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
