"""The measurements still measure; what they find is nobody's failure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agents.reacting.config import Rule
from agents.replay.play.inputs import read_inputs
from tests.bench import memory, replay
from tests.bench.__main__ import FIGURES, RATIOS, ROOT
from tests.bench.kafka import __main__ as kafka
from tests.bench.kafka import peers
from tests.integration.conftest import need_kafka


def test_without_the_data_it_says_so_and_ends_with_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "give --data DIR" in done.stderr


def test_idle_listings_and_frames_are_measured() -> None:
    figures = {**memory.idle(20), **memory.codec(1)}
    assert set(figures) < set(FIGURES)
    assert all(value > 0 for value in figures.values())


def test_polling_is_measured() -> None:
    command = [sys.executable, "-m", "tests.bench.feeds", "--json", "--feeds", "20"]
    done = subprocess.run(
        [*command, "--interval", "1", "--seconds", "1.5"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["first_new_items"] == 20 * 30
    assert made["failed"] == made["first_failed"] == 0
    assert made["unchanged"] > 0
    assert made["peak_rss_mib"] > 0


@pytest.mark.slow
def test_every_figure_of_the_week_is_made(shared_data: Path, tmp_path: Path) -> None:
    made = {
        **replay.measure_engine(shared_data, tmp_path, 1),
        **replay.measure_whole(shared_data, tmp_path, 1),
        **replay.measure_join(shared_data, tmp_path, 1),
    }
    assert {name for pair in RATIOS.values() for name in pair} <= set(made)
    assert set(made) < set(FIGURES)
    assert made["engine_busy_share"] > 0.9


@pytest.mark.slow
def test_the_join_joins_every_trade(shared_data: Path, tmp_path: Path) -> None:
    inputs = read_inputs(replay.write_folder(shared_data, tmp_path), (Rule(),), lambda _: None)
    news = replay.news_table(replay.regular_mentions(inputs.rows.known_ns))
    ticks = replay.read_ticks(shared_data)
    joined = replay.joined(ticks, news)
    assert len(joined) == len(ticks) == len(inputs.rows)
    late = joined.filter(joined["event"] > joined["ts"])
    assert len(late) == 0
    assert joined["headline_id"].null_count() < len(joined) / 100


@pytest.mark.slow
def test_the_kafka_bench_measures_whatever_is_installed() -> None:
    need_kafka()
    absent = {name for name in kafka.FIGURES if peers.lacking([name])}
    if not peers.jars_folder().is_dir():
        absent.add("kstreams_state")  # a test fetches nothing
    wanted = [name for name in kafka.FIGURES if name not in absent]
    command = [sys.executable, "-m", "tests.bench.kafka", "--json", "--only", ",".join(wanted)]
    done = subprocess.run(
        [*command, "--seconds", "0.2", "--repeats", "1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert set(made["ticks_per_second"]) == {*wanted} & {*kafka.RATES}
    assert all(value > 0 for value in made["ticks_per_second"].values())
    assert set(made["latency_ms"]) == {"steady", "after_pause"}
    for latency in made["latency_ms"].values():
        assert 0 < latency["p50"] <= latency["p99"] <= latency["p999"]
