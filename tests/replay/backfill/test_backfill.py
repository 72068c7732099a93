"""history.om of a replay: well-formed, the engine's own values at their own time, the same bytes."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agents.metrics.declared import DECLARED
from agents.metrics.endpoint import Exposure
from agents.metrics.run import RunMeter
from agents.reacting.config import Rule
from agents.reacting.engine import Engine
from agents.reacting.view import WINDOWS_S, listing_views
from agents.replay.backfill.blocks import refuse_in_use
from agents.replay.backfill.command import JOB
from agents.replay.backfill.grid import BUSY_S, Grid, stretches
from agents.replay.play.backend import LocalBackend
from agents.replay.play.inputs import read_inputs
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from agents.replay.play.timeline import Timeline
from agents.replay.play.watching import ObservingWatcher
from streams.errors import UsageError
from streams.events import SECOND_NS, Clock
from tests.metrics.scraping import scraped
from tests.replay.small_folder import write_small_folder
from tests.running import newsquake, records, refusal

Points = dict[int, float]
HISTOGRAM = "newsquake_news_to_move_seconds"


def without_promtool(tmp_path: Path) -> str:
    """Return a PATH on which there is nothing but what Python needs."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_folder(tmp_path_factory.mktemp("history") / "small")


@pytest.fixture(scope="module")
def out(folder: Path) -> Path:
    out, path = folder.parent / "out", os.environ["PATH"]
    os.environ["PATH"] = without_promtool(folder.parent)
    try:
        done = newsquake("replay", folder, "--out", out, "--backfill", "prometheus", "--json")
    finally:
        os.environ["PATH"] = path
    assert done.returncode == 0, done.stderr
    return out


def series(out: Path) -> dict[str, dict[tuple[tuple[str, str], ...], Points]]:
    """Return the samples by name and labels, read as strictly as there is a reader.

    Of a histogram it reads only the first time: its buckets are looked at by themselves.
    """
    found: dict[str, Any] = defaultdict(lambda: defaultdict(dict))
    text = (out / "prometheus" / "history.om").read_text("utf-8")
    plain = "".join(line for line in text.splitlines(keepends=True) if HISTOGRAM not in line)
    for family in text_string_to_metric_families(plain):
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k not in {"job", "instance"}}
            assert sample.labels["job"] == JOB
            points = found[sample.name][tuple(sorted(labels.items()))]
            at = int(float(str(sample.timestamp)))
            assert at > max(points, default=0)  # promtool drops what runs back
            points[at] = sample.value
    return found


def at(points: Points, time_s: int) -> float:
    """Return what an instant query answers."""
    known = [t for t in points if time_s - BUSY_S < t <= time_s]
    return points[max(known)]


def test_every_name_is_declared_and_the_file_ends(out: Path) -> None:
    lines = (out / "prometheus" / "history.om").read_text("utf-8").splitlines()
    assert lines[-1] == "# EOF"
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))  # no family in two pieces
    assert {n.removeprefix("newsquake_") for n in names} - {*DECLARED} == {"ALERTS"}


def test_gauges_are_what_a_look_at_the_engine_shows(folder: Path, out: Path) -> None:
    found = series(out)
    inputs = read_inputs(folder, (Rule(),), lambda _: None)
    quiet, engine = msgspec.structs.replace(inputs, headlines=[]), Engine(inputs.engine)
    timeline = Timeline(quiet, engine, 1, 10**12)
    times = sorted({int(t) for t in (inputs.rows.known_ns // SECOND_NS + 1) // 60 * 60 + 60})
    checked, row = 0, 0
    for time_s in times:
        until = int(np.searchsorted(inputs.rows.known_ns, time_s * SECOND_NS, "right"))
        for _ in timeline.play(row, until):
            pass
        row = until
        engine.apply(Clock(ts_ns=time_s * SECOND_NS))
        numbers = [engine.listings[name] for name in ("IBM.XNYS", "SPY.XNYS")]
        for view in listing_views(engine, numbers):
            own = ("listing", view.listing)
            if view.price is None:
                continue
            money = (("currency", view.currency), own)
            assert at(found["newsquake_price"][money], time_s) == view.price / 1e6
            ratios = {"day": view.day_move(), **{w: view.move(s) for w, s in WINDOWS_S.items()}}
            for window, ratio in ratios.items():
                points = found["newsquake_move_ratio"][own, ("window", window)]
                if ratio is not None:
                    assert at(points, time_s) == pytest.approx(ratio, abs=1e-9)
                    checked += 1
            extreme = view.extreme()
            if extreme is not None:
                points = found["newsquake_move_max_ratio"][own,]
                assert at(points, time_s) == pytest.approx(extreme, abs=1e-9)
    assert checked > 300


def test_counters_rise_from_zero_when_things_happened(out: Path) -> None:
    found = series(out)
    (move,) = records(out, "moves")
    key = (("direction", "up"), ("level", "3"), ("listing", "IBM.XNYS"))
    crossings = found["newsquake_level_crossings_total"]
    seen = move["ts_ns"] // SECOND_NS + 1
    risen = -(-seen // 10) * 10
    assert (crossings[key][risen - 10], crossings[key][risen]) == (0, 1)
    assert {p for k, points in crossings.items() if k != key for p in points.values()} == {0}
    assert len(crossings) == 2 * 2 * 6
    log = records(out, "alerts_log")
    for transition in ("opened", "updated", "resolved"):
        key = ("rule", "day_move"), ("transition", transition)
        values = list(found["newsquake_alerts_total"][key].values())
        assert values[0] == 0
        assert values[-1] == sum(each["transition"] == transition for each in log)
    assert max(found["newsquake_alerts_open"][("rule", "day_move"),].values()) == 1
    assert list(found["newsquake_headlines_scored_total"][()].values())[-1] == 2
    reactions = [list(points.values()) for points in found["newsquake_reactions_total"].values()]
    assert sum(values[-1] for values in reactions) == len(records(out, "reactions"))


COUNTERS = (
    "headlines_scored", "headlines_unlinked", "mentions", "level_crossings", "reactions", "alerts",
)  # fmt: skip


def test_counters_end_where_the_meters_of_the_same_replay_end(
    folder: Path, out: Path, tmp_path: Path
) -> None:
    """They are stated twice, a record at a time and in columns: the same labels, the same counts."""
    inputs = read_inputs(folder, (Rule(),), lambda _: None)
    meter = RunMeter(Exposure(port=0, replay=inputs.name), inputs.engine, inputs.universe)
    backend = LocalBackend(meter.observer.engine(inputs.engine))
    options = ReplayOptions(watcher=ObservingWatcher(meter.observer))
    with meter.serving(lambda _: None) as address:
        Replay(inputs, tmp_path / "out", backend, options).run()
        metered = scraped(address)
    found = series(out)
    for name in COUNTERS:
        rows = {tuple(sorted(labels)): v for labels, v in metered.rows(f"{name}_total").items()}
        history = {
            labels: [*points.values()][-1]
            for labels, points in found[f"newsquake_{name}_total"].items()
        }
        assert history.items() <= rows.items(), name
        assert {k: v for k, v in rows.items() if v} == {k: v for k, v in history.items() if v}
        assert history, name


def test_the_lag_of_an_opening_is_in_its_bucket(out: Path) -> None:
    opened = next(x for x in records(out, "alerts_log") if x["transition"] == "opened")
    lag_s = opened["attribution"]["candidates"][0]["lag_s"]
    text = (out / "prometheus" / "history.om").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith(HISTOGRAM) and '"up"' in line]
    last = lines[-1].rpartition(" ")[2]
    values = {line.split("} ")[0]: line.split()[-2] for line in lines if line.endswith(last)}
    for name, value in values.items():
        if "_bucket" in name:
            end_s = float(name.partition('le="')[2].rstrip('"'))
            assert int(value) == (lag_s <= end_s), name
        else:
            assert float(value) == (lag_s if "_sum" in name else 1), name
    assert len(values) == len(DECLARED["news_to_move_seconds"].buckets) + 3


def test_an_alert_fires_while_it_is_open(out: Path) -> None:
    ((labels, points),) = series(out)["ALERTS"].items()
    assert dict(labels) == {
        "alertname": "day_move", "alertstate": "firing", "direction": "up",
        "listing": "IBM.XNYS", "severity": "warning",
    }  # fmt: skip
    log = records(out, "alerts_log")
    opened, ended = log[0]["updated_ns"] / SECOND_NS, log[-1]["updated_ns"] / SECOND_NS
    assert opened <= min(points) <= opened + 11
    assert ended - 11 <= max(points) <= ended
    assert set(points.values()) == {1}


def test_the_same_history_has_the_same_bytes(folder: Path, out: Path, tmp_path: Path) -> None:
    wanted = (out / "prometheus" / "history.om").read_bytes()
    words = ("--frame", "7", "--backfill", "prometheus")
    done = newsquake("replay", folder, "--out", tmp_path, *words, hash_seed="99")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "prometheus" / "history.om").read_bytes() == wanted


def test_without_promtool_the_commands_are_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", without_promtool(tmp_path))
    done = newsquake("replay", folder, "--out", tmp_path / "out", "--backfill", "prometheus")
    assert done.returncode == 0, done.stderr
    assert "promtool is not installed" in done.stdout
    assert "apt-get install" in done.stdout
    assert "promtool tsdb create-blocks-from openmetrics" in done.stdout
    assert "--storage.tsdb.retention.time=100y" in done.stdout
    left = sorted(path.name for path in (tmp_path / "out" / "prometheus").iterdir())
    assert left == [".newsquake-backfill", "history.om", "prometheus.yml"]


def test_a_step_alone_is_refused(folder: Path, tmp_path: Path) -> None:
    done = newsquake("replay", folder, "--out", tmp_path, "--backfill-step", "1s")
    assert done.returncode == 2
    assert "--backfill prometheus" in refusal(done)


def test_a_folder_that_somebody_has_open_is_left_alone(tmp_path: Path) -> None:
    refuse_in_use(tmp_path)
    with (tmp_path / "index").open("wb"), pytest.raises(UsageError, match=r"has .* open"):
        refuse_in_use(tmp_path)
    refuse_in_use(tmp_path)
    refuse_in_use(tmp_path / "not there")


@pytest.mark.parametrize("step_s", [1, 10, 60])
def test_the_grid_is_busy_after_events_and_nowhere_else(step_s: int) -> None:
    ends = np.array([1000, 1003, 1500, 9000], np.int64)
    busy = Grid(step_s).busy(ends).tolist()
    wanted = {
        t
        for t in range(0, 20_000, step_s)
        if any(
            -(-end // step_s) * step_s <= t <= -(-end // step_s) * step_s + BUSY_S for end in ends
        )
    }
    assert busy == sorted(wanted)
    assert Grid(step_s).busy(ends[:0]).tolist() == []


def test_stretches_end_at_gaps() -> None:
    instants = np.array([10, 20, 30, 100, 101, 500], np.int64)
    assert stretches(instants, 50) == [(10, 30), (100, 101), (500, 500)]
    assert stretches(instants[:0], 50) == []
