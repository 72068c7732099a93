"""The Alibaba day in a real Prometheus at its original time, asked there: it is the replay's own day."""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from agents.dev import http_server
from agents.machine.installed import ROOT, command_of
from agents.machine.processes import alive, end, spawn
from agents.replay.backfill import blocks as prometheus_blocks
from tests.integration.conftest import need_prometheus
from tests.running import Plain, newsquake, records

pytestmark = pytest.mark.slow

DAY_S = 1_758_672_000  # 2025-09-24 UTC
STEP_S = 10
ASKED_S = 600


class Server:
    """A Prometheus that was started by the command that the replay printed."""

    def __init__(self, command: str, folder: Path) -> None:
        self.url = f"http://{http_server.free_address()}"
        words = shlex.split(command.replace("127.0.0.1:9090", self.url.removeprefix("http://")))
        folder.mkdir()
        self.process = spawn((command_of(words[0]), *words[1:]), folder / "console.log")
        http_server.await_ready("prometheus", self.url, lambda: alive(self.process))

    def end(self) -> None:
        end(self.process)

    def ask(self, path: str, **given: object) -> list[Plain]:
        words = urllib.parse.urlencode(given)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{words}", timeout=30) as answer:
            found: list[Plain] = json.load(answer)["data"]["result"]
        return found

    def over(self, query: str, start_s: int, end_s: int, step_s: int) -> dict[int, float]:
        """Return the values of the one series that a query gives, by second."""
        (found,) = self.ask("query_range", query=query, start=start_s, end=end_s, step=step_s)
        return {int(at): float(value) for at, value in found["values"]}

    def at(self, query: str, time_s: float) -> float:
        (found,) = self.ask("query", query=query, time=time_s)
        return float(found["value"][1])


class Day:
    def __init__(self, base: Path) -> None:
        done = newsquake("demo", "--out", base / "demo", "--speed", "max", "--json")
        assert done.returncode == 0, done.stderr
        self.folder, self.out = base / "demo" / "replay", base / "out"
        self.words = ("replay", self.folder, "--out", self.out, "--backfill", "prometheus")
        done = newsquake(*self.words, "--json")
        assert done.returncode == 0, done.stderr
        self.made: dict[str, Any] = json.loads(done.stdout)["backfill"]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    need_prometheus()
    return Day(tmp_path_factory.mktemp("alibaba"))


@pytest.fixture(scope="module")
def server(day: Day, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(day.made["commands"]["start"], tmp_path_factory.mktemp("server") / "own")
    yield found
    found.end()


def trades(day: Day, listing: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (times in s, prices) of the trades that may set a last price: those of Hong Kong all do."""
    frame = pl.read_parquet(day.folder / "prices" / f"{listing}.parquet")
    at = frame["time"].dt.timestamp("ns") if frame["time"].dtype != pl.Int64 else frame["time"]
    return at.to_numpy() / 1e9, frame["price"].cast(pl.Float64).to_numpy()


def test_prices_are_those_of_the_file_at_their_time(day: Day, server: Server) -> None:
    times, prices = trades(day, "9988.XHKG")
    first, last = DAY_S + 2 * 3600, DAY_S + 4 * 3600  # the morning: 10:00 to 12:00 in Hong Kong
    query = 'newsquake_price{listing="9988.XHKG"}'
    found = server.over(query, first, last, STEP_S)
    assert len(found) == (last - first) // STEP_S + 1
    wrong = 0
    for at, value in found.items():
        newest = int(np.searchsorted(times, at)) - 1
        wrong += value != pytest.approx(prices[newest], abs=1e-6)
    assert wrong <= len(found) // 100  # a lone price that is far is never the last one


def test_every_crossing_is_there_at_its_second(day: Day, server: Server) -> None:
    moves = records(day.out, "moves")
    assert len(moves) == 7
    for move in moves:
        labels = f'listing="{move["listing"]}",level="{move["level_pct"]}",direction="{move["direction"]}"'
        query = f"newsquake_level_crossings_total{{{labels}}}"
        rose = -(-(move["ts_ns"] // 10**9 + 1) // STEP_S) * STEP_S
        assert (server.at(query, rose - 1), server.at(query, rose)) == (0, 1)
        # and so an expression that looks for a rise finds it
        assert server.at(f"increase({query}[2m])", rose + 1) > 0
        price = server.at(f'newsquake_price{{listing="{move["listing"]}"}}', rose)
        assert abs(price / move["price"] - 1) < 0.02
        close = server.at(f'newsquake_previous_close{{listing="{move["listing"]}"}}', rose)
        assert close == pytest.approx(move["reference_price"])
        moved = server.at(f'newsquake_move_ratio{{listing="{move["listing"]}",window="day"}}', rose)
        assert moved == pytest.approx((price - close) / close, abs=1e-8)
    total = server.at("sum(newsquake_level_crossings_total)", day.made["end_s"] - 60)
    assert total == len(moves)


def test_alerts_are_there_as_they_were(day: Day, server: Server) -> None:
    log = records(day.out, "alerts_log")
    for transition in ("opened", "escalated", "updated", "resolved"):
        query = f'newsquake_alerts_total{{rule="day_move",transition="{transition}"}}'
        wanted = [each for each in log if each["transition"] == transition]
        assert server.at(query, day.made["end_s"]) == len(wanted)
        for each in wanted:
            seen = -(-(each["updated_ns"] // 10**9 + 1) // STEP_S) * STEP_S
            so_far = sum(
                -(-(w["updated_ns"] // 10**9 + 1) // STEP_S) * STEP_S <= seen for w in wanted
            )
            assert server.at(query, seen) == so_far
    for alert in records(day.out, "alerts"):
        query = (
            f'ALERTS{{alertname="{alert["rule"]}",alertstate="firing",severity="{alert["severity"]}",'
            f'listing="{alert["listing"]}",direction="{alert["direction"]}"}}'
        )
        opened, over = alert["opened_ns"] // 10**9, alert["updated_ns"] // 10**9
        firing = server.over(query, opened - 60, over, 10)
        assert opened <= min(firing) <= opened + 2 * STEP_S
        assert max(firing) >= over - STEP_S
        assert set(firing.values()) == {1}


def test_counts_are_those_of_the_summary(day: Day, server: Server) -> None:
    last = day.made["end_s"]
    summary = json.loads((day.out / "summary.json").read_bytes())
    for query, name in {
        "newsquake_headlines_scored_total": "headlines",
        "sum(newsquake_mentions_total)": "mentions",
        "sum(newsquake_reactions_total)": "reactions",
    }.items():
        assert server.at(query, last) == summary[name]
    assert server.at("newsquake_replay_info", last) == 1


def test_the_recording_rules_are_worked_out(day: Day, server: Server) -> None:
    assert day.made["notes"] == []
    assert day.made["rule_blocks"] > 0
    names = [
        each["metric"]["__name__"]
        for each in server.ask(
            "query",
            query='last_over_time({__name__=~".+:newsquake.+"}[12h])',
            time=DAY_S + 12 * 3600,
        )
        if "__name__" in each["metric"]
    ]
    recorded = prometheus_blocks.recorded_by(ROOT / "dashboards" / "rules.yml")
    assert set(names) <= set(recorded)
    found = server.ask(
        "query",
        query='count(issuer:newsquake_mentions:increase{issuer="BABA"})',
        time=DAY_S + 8 * 3600,
    )
    assert found


def test_the_printed_queries_answer(day: Day, server: Server) -> None:
    for name in ("query", "alerts"):
        command = day.made["commands"][name].replace("http://127.0.0.1:9090", server.url)
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True)
        assert done.stdout.count("@[") > 10, done.stderr


def test_it_is_not_made_again_under_a_running_prometheus(day: Day, server: Server) -> None:
    assert server.at("newsquake_replay_info", day.made["end_s"]) == 1
    done = newsquake(*day.words)
    assert done.returncode == 2
    assert "end that Prometheus" in done.stderr


def test_another_replay_takes_the_place_of_this_one(day: Day, tmp_path: Path) -> None:
    blocks = {path.name for path in (day.out / "prometheus" / "data").iterdir()}
    words = ("--out", tmp_path, "--backfill", "prometheus", "--json", "--backfill-step", "60s")
    for _ in range(2):
        done = newsquake("replay", day.folder, *words)
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)["backfill"]
        data = tmp_path / "prometheus" / "data"
        assert len(list(data.glob("*/meta.json"))) == made["blocks"] + made["rule_blocks"]
        assert sorted(p.name for p in (tmp_path / "prometheus").iterdir()) == [
            ".newsquake-backfill", "data", "history.om", "prometheus.yml",
        ]  # fmt: skip
    assert not blocks & {path.name for path in data.iterdir()}
