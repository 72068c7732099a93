"""The counters of a whole replay, made of the files in OUT: each event at its own time.

The meters of a running process (`agents/metrics/stages.py`, `agents/metrics/market.py`) count the
same one record at a time, behind caps and a scrape's lock; here a whole day is sorted at once. What
they have in common is the label values of a record, a line each: not worth a table between the two.
A test compares the end of every counter with the meters of the same replay, so neither can drift.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from agents.metrics.declared import DECLARED, MOST_ISSUERS, OTHER
from agents.reacting.config import DAY_LEVELS_PCT
from agents.reacting.reactions import HORIZONS
from agents.replay.backfill.grid import Grid, seen_s
from agents.replay.backfill.openmetrics import ALERTS, OpenMetricsFile
from agents.replay.play.inputs import Inputs
from agents.scoring.sentiment import SENTIMENTS, sentiment_of
from streams.events import I64, TRANSITIONS

DIRECTIONS: Final = ("up", "down")
Key = tuple[str, ...]


class _Known(msgspec.Struct):
    known_ns: int
    headline_id: str
    revision: int


class _Named(msgspec.Struct):
    known_ns: int
    headline_id: str
    revision: int
    issuer: str
    direction: float | None


class _Passed(msgspec.Struct):
    ts_ns: int
    listing: str
    level_pct: int
    direction: str


class _Cause(msgspec.Struct):
    lag_s: float


class _Causes(msgspec.Struct):
    candidates: tuple[_Cause, ...]


class _Turn(msgspec.Struct):
    alert_id: str
    rule: str
    listing: str
    direction: str
    severity: str
    transition: str
    opened_ns: int
    updated_ns: int
    attribution: _Causes


class Counters:
    """Writes counters and what else follows from OUT; `awake_s` are the instants of the slow ones."""

    def __init__(self, file: OpenMetricsFile, out: Path, grid: Grid, awake_s: I64) -> None:
        self._file, self._out, self._grid, self._awake_s = file, out, grid, awake_s

    def scoring(self, inputs: Inputs) -> None:
        """Write what scoring counted: headlines, and the companies that they name."""
        heard = list(_records(self._out / "headlines.jsonl", _Known))
        named = list(_records(self._out / "mentions.jsonl", _Named))
        linked = {(each.headline_id, each.revision) for each in named}
        unlinked = (h for h in heard if (h.headline_id, h.revision) not in linked)
        self._count("headlines_scored", {}, _times(h.known_ns for h in heard))
        self._count("headlines_unlinked", {}, _times(h.known_ns for h in unlinked))
        issuers = {*[*inputs.universe.issuers][:MOST_ISSUERS]}
        times: dict[Key, list[int]] = defaultdict(list)
        for each in named:
            issuer = each.issuer if each.issuer in issuers else OTHER
            for word in SENTIMENTS:  # an issuer that is named has all four, from the start
                times[issuer, word] += [each.known_ns] * (word == sentiment_of(each.direction))
        self._count_all("mentions", ("issuer", "sentiment"), times)

    def crossings(self, listings: Iterable[str]) -> None:
        """Write the levels that listings passed: 0 at first, for every level and direction."""
        times: dict[Key, list[int]] = {
            (listing, str(level), direction): []
            for listing in listings
            for level in DAY_LEVELS_PCT
            for direction in DIRECTIONS
        }
        for each in _records(self._out / "moves.jsonl", _Passed):
            key = each.listing, str(each.level_pct), each.direction
            times.setdefault(key, []).append(each.ts_ns)
        self._count_all("level_crossings", ("listing", "level", "direction"), times)

    def reactions(self, end_ns: int) -> None:
        """Write the reactions by when they fell due; those that never did by `end_ns`."""
        rows = pl.read_parquet(self._out / "reactions.parquet", columns=["horizon", "due_ns"])
        times: dict[Key, list[int]] = {(horizon,): [] for horizon in HORIZONS}
        for (horizon,), part in rows.group_by("horizon"):
            due = part["due_ns"].fill_null(end_ns).clip(upper_bound=end_ns)
            times[str(horizon),] = due.to_list()
        self._count_all("reactions", ("horizon",), times)

    def alerts(self, rules: Sequence[str]) -> None:
        """Write what became of alerts, how many were open, and which: as the series ALERTS."""
        turns = list(_records(self._out / "alerts_log.jsonl", _Turn))
        times: dict[Key, list[int]] = {(r, t): [] for r in rules for t in TRANSITIONS}
        for turn in turns:
            times.setdefault((turn.rule, turn.transition), []).append(turn.updated_ns)
        self._count_all("alerts", ("rule", "transition"), times)
        for rule in rules:
            self._open(rule, [turn for turn in turns if turn.rule == rule])
        self._firing(turns)
        for direction in DIRECTIONS:
            self._lags(direction, [turn for turn in turns if turn.direction == direction])

    def process(self, name: str, version: str) -> None:
        """Write what a process tells of itself, and the clock."""
        times = self._awake_s.tolist()
        self._file.write("build_info", {"version": version}, times, [1] * len(times))
        self._file.write("replay_info", {"name": name}, times, [1] * len(times))
        self._file.write("event_clock_timestamp_seconds", {}, times, times)

    # -- one metric

    def _count_all(self, name: str, labels: tuple[str, ...], times: dict[Key, list[int]]) -> None:
        for key in sorted(times):
            self._count(name, dict(zip(labels, key, strict=True)), _times(times[key]))

    def _count(self, name: str, labels: dict[str, str], times_ns: I64) -> None:
        self._file.write(name, labels, *self._grid.steps_of(seen_s(times_ns), self._awake_s))

    def _open(self, rule: str, turns: Sequence[_Turn]) -> None:
        """Write how many alerts of a rule were open."""
        began = _times(t.updated_ns for t in turns if t.transition == "opened")
        ended = _times(t.updated_ns for t in turns if t.transition in {"resolved", "retracted"})
        changes = seen_s(np.sort(np.concatenate([began, ended])))
        instants, _ = self._grid.steps_of(changes, self._awake_s)
        at = np.array(instants, np.int64)
        open_ = np.searchsorted(seen_s(began), at, "right")
        open_ -= np.searchsorted(seen_s(ended), at, "right")
        self._file.write("alerts_open", {"rule": rule}, instants, open_.tolist())

    def _firing(self, turns: Sequence[_Turn]) -> None:
        """Write a 1 for as long as each alert was open, once a minute."""
        ends: dict[str, int] = {t.alert_id: t.updated_ns for t in turns}  # the last one ends it
        spans: dict[Key, list[I64]] = defaultdict(list)
        for turn in turns:
            if turn.transition == "opened":
                labels = turn.rule, turn.listing, turn.direction, turn.severity
                spans[labels].append(self._span(turn.updated_ns, ends[turn.alert_id]))
        names = ("alertname", "listing", "direction", "severity")
        for key, parts in sorted(spans.items()):
            times = np.unique(np.concatenate(parts)).tolist()
            named = dict(zip(names, key, strict=True)) | {"alertstate": "firing"}
            self._file.write(ALERTS, named, times, [1] * len(times))

    def _span(self, began_ns: int, ended_ns: int) -> I64:
        first, last = self._grid.up(seen_s(np.array([began_ns, ended_ns], np.int64))).tolist()
        between = self._grid.quiet(first, last)
        inside = between[(between > first) & (between < last)]
        return np.array([first, *inside.tolist(), max(first, last - self._grid.step_s)], np.int64)

    def _lags(self, direction: str, turns: Sequence[_Turn]) -> None:
        """Write the histogram of how long before an opening its likeliest headline came."""
        ends = DECLARED["news_to_move_seconds"].buckets
        lags = [
            (turn.updated_ns, turn.attribution.candidates[0].lag_s)
            for turn in turns
            if turn.transition == "opened" and turn.attribution.candidates
        ]
        lags = sorted(each for each in lags if each[1] >= 0)  # else the price led
        seen = seen_s(_times(at for at, _ in lags))
        times, counted = self._grid.steps_of(seen, self._awake_s)
        below = [[0, *accumulate(int(lag <= end) for _, lag in lags)] for end in ends]
        counts = [[*(column[n] for column in below), n] for n in counted]
        sums = [0.0, *accumulate(lag for _, lag in lags)]
        self._file.write_histogram(
            "news_to_move_seconds",
            {"direction": direction},
            times,
            counts,
            [round(sums[n], 6) for n in counted],
        )


def _records(path: Path, kind: type[Any]) -> Iterator[Any]:
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as file:
        for line in file:
            yield decode(line)


def _times(times_ns: Iterable[int]) -> I64:
    return np.sort(np.fromiter(times_ns, np.int64))
