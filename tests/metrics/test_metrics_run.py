"""`newsquake run` and `replay` as processes: their metrics while they go on."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ingest.newsroom import free_port
from tests.metrics.scraping import Scrape, scraped
from tests.running import COMMAND, ROOT, demo_day, environment

PATIENCE_S = 60.0
ADDRESS = re.compile(r"metrics at (http://\S+)")


@contextmanager
def running(said: Path, *words: object) -> Iterator[subprocess.Popen[str]]:
    """Run a command that is written to, and what it says on standard error to a file."""
    with (
        said.open("w") as stderr,
        subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=ROOT,
            env={**environment(), "XDG_STATE_HOME": str(said.parent / "state")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def address_in(said: Path, process: subprocess.Popen[str]) -> str:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := ADDRESS.search(said.read_text())):
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline_s, said.read_text()
        time.sleep(0.02)
    return found[1]


def until(address: str, name: str, value: float, /, **labels: str) -> Scrape:
    """Scrape until a sample has a value."""
    deadline_s = time.monotonic() + PATIENCE_S
    while (found := scraped(address)).value(name, **labels) != value:
        assert time.monotonic() < deadline_s, found.text
        time.sleep(0.05)
    return found


def test_a_run_without_a_broker(tmp_path: Path) -> None:
    """What comes in by lines is counted, also after a restart: from 0, but with the prices it knew."""
    port, config, said = free_port(), tmp_path / "newsquake.toml", tmp_path / "said"
    config.write_text(f"[metrics]\nport = {port}\n")
    now_ns = time.time_ns()
    lines = [
        {"title": "Alibaba lifts its AI budget", "source": "reuters.com", "id": "1"},
        {"title": "Rain is expected", "source": "reuters.com", "id": "2"},
        {"listing": "BABA.XNYS", "price": 178.25, "ts_ns": now_ns - 3_600 * 10**9},
        {"listing": "NOBODY.XNYS", "price": 1.0, "ts_ns": now_ns},
        {"neither": "one nor the other"},
    ]
    words = ("run", "--config", config, "--spool", tmp_path / "home")
    with running(said, *words) as run:
        address = address_in(said, run)
        assert address == f"http://127.0.0.1:{port}/metrics"
        assert run.stdin
        run.stdin.writelines(json.dumps(line) + "\n" for line in lines)
        run.stdin.flush()
        until(address, "headlines_scored_total", 2)
        found = until(address, "rejects_total", 1, stage="react", reason="unknown_listing")
        assert found.value("headlines_unlinked_total") == 1
        assert found.value("rejects_total", stage="read", reason="unknown_line") == 1
        assert found.value("rejects_total", stage="react", reason="late") == 1
        until(address, "engine_rows_total", 1, outcome="late")  # engines publish once a second
        assert sum(found.rows("mentions_total").values()) == 1
        assert found.value("stage_latency_seconds_count", stage="score") == 1
        assert found.value("publisher_backlog_records") == 0
        assert abs(found.value("event_clock_timestamp_seconds") - time.time()) < 10
        assert found.rows("replay_info") == {}
        run.stdin.close()
        assert run.wait(PATIENCE_S) == 0, said.read_text()
    with running(said, *words) as run:
        found = scraped(address_in(said, run))
        assert found.value("headlines_scored_total") == 0
        assert set(found.rows("rejects_total").values()) == {0.0}
        assert set(found.rows("engine_rows_total").values()) == {0.0}


def test_a_replay_is_seen_as_it_goes(tmp_path: Path) -> None:
    whole, _ = demo_day(tmp_path)
    said = tmp_path / "said"
    words = ("replay", whole / "replay", "--out", tmp_path / "out", "--speed", 3600)
    with running(said, *words, "--metrics-port", 0) as run:
        address = address_in(said, run)
        until(address, "replay_info", 1, name="alibaba-2025-09-24")
        clocks = set[float]()
        deadline_s = time.monotonic() + PATIENCE_S
        while len(clocks) < 3:
            assert time.monotonic() < deadline_s, said.read_text()
            clocks |= set(scraped(address).rows("event_clock_timestamp_seconds").values())
        assert 1.75e9 < min(clocks) < max(clocks) < 1.77e9


def test_a_replay_beside_a_live_run_leaves_its_port_alone(tmp_path: Path) -> None:
    port, config = free_port(), tmp_path / "newsquake.toml"
    config.write_text(f"[metrics]\nport = {port}\n")
    whole, _ = demo_day(tmp_path)
    said = tmp_path / "said"
    words = ("replay", whole / "replay", "--out", tmp_path / "out", "--config", config)
    with running(said, *words) as replay:
        out, _ = replay.communicate(timeout=PATIENCE_S)
        assert replay.returncode == 0, said.read_text()
    assert out
    assert "metrics at" not in said.read_text()
