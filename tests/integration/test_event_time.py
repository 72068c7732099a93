"""Points of event time in a real Prometheus: every second's price of a listing, whatever the scrape interval."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.metrics.endpoint import Exposure
from agents.metrics.run import RunMeter
from agents.reacting.config import DailyRow, EngineConfig
from agents.reacting.engine import Engine
from streams.events import DAY_NS, PRICE_SCALE, SECOND_NS, Clock, Listing, Phase, TickFrame
from streams.reference.calendars import Calendar
from tests.dashboards.tools import need
from tests.ingest.newsroom import free_port
from tests.integration.conftest import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SCRAPE_S = 4
CONFIG = """
global: {{scrape_interval: {every}s}}
scrape_configs:
  - job_name: newsquake
    static_configs: [{{targets: ["{target}"]}}]
"""
# Local servers are asked past any proxy that the environment names.
_asker = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def always_open() -> Calendar:
    """Return the hours of a venue that is open from yesterday to tomorrow."""
    now_ns = time.time_ns()
    date = now_ns // DAY_NS
    bounds = np.array([now_ns - DAY_NS, now_ns + DAY_NS], np.int64)
    starts, ends = bounds[:1], bounds[1:]
    return Calendar(
        name="always",
        bounds_ns=bounds,
        phases=np.array([Phase.regular], np.int8),
        dates=np.array([date], np.int32),
        session_dates=np.array([date], np.int32),
        first_ns=starts,
        regular_start_ns=starts,
        regular_end_ns=ends,
        last_end_ns=ends,
        utc_offset_ns=np.zeros(1, np.int64),
    )


def config_of() -> EngineConfig:
    listing = Listing(listing="ACME.XNYS", issuer="ACME", symbol="ACME", mic="XNYS", currency="USD")
    yesterday = time.time_ns() // DAY_NS - 1
    daily = (DailyRow(listing="ACME.XNYS", date=yesterday, close=100 * PRICE_SCALE),)
    return EngineConfig(listings=(listing,), calendars={"XNYS": always_open()}, daily=daily)


def trade(engine: Engine, number: int) -> tuple[int, float]:
    """Apply a trade of this very moment; return its time and price."""
    ts_ns, cents = time.time_ns(), 10_000 + number % 50
    engine.apply(Clock(ts_ns=ts_ns // SECOND_NS * SECOND_NS))
    engine.apply(
        TickFrame(
            run="r",
            first_seq=number,
            listings=("ACME.XNYS",),
            listing=np.zeros(1, np.int32),
            ts_ns=np.array([ts_ns], np.int64),
            price=np.array([cents * PRICE_SCALE // 100], np.int64),
            size=np.array([1], np.int64),
            flags=np.zeros(1, np.int32),
        )
    )
    return ts_ns, cents / 100


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """Run a Prometheus that scrapes one target; yield its address."""
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text(CONFIG.format(every=SCRAPE_S, target=target))
    command = [need("prometheus"), f"--config.file={folder}/prometheus.yml"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            yield f"http://{address}"
        finally:
            process.terminate()


def points(url: str, query: str) -> list[tuple[float, float]]:
    """Return the raw samples that a range selector finds; none while the server is not up."""
    asked = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with _asker.open(asked, timeout=5) as answer:
            found: Any = json.load(answer)
    except OSError:
        return []
    series = found["data"]["result"]
    return [(float(ts), float(value)) for each in series for ts, value in each["values"]]


def test_every_second_is_in_prometheus_at_its_own_time(tmp_path: Path) -> None:
    config = config_of()
    meter = RunMeter(Exposure(port=0, event_time=True), config)
    engine = meter.observer.engine(config)
    over, said = threading.Event(), list[tuple[int, float]]()

    def work() -> None:
        while not over.wait(0.2):
            said.append(trade(engine, len(said)))

    query = 'newsquake_price{listing="ACME.XNYS"}[5m]'
    worker = threading.Thread(target=work)
    worker.start()
    try:
        with (
            meter.serving(print) as address,
            prometheus(tmp_path, address.split("/")[2]) as url,
        ):
            wait_until(lambda: len(points(url, query)) > 5 * SCRAPE_S, 60.0)
            found = points(url, query)
    finally:
        over.set()
        worker.join()
    last: dict[int, tuple[int, float]] = {ts_ns // SECOND_NS: (ts_ns, p) for ts_ns, p in said}
    by_time = {ts_ns // 1_000_000: price for ts_ns, price in last.values()}
    assert {round(ts * 1000): price for ts, price in found}.items() <= by_time.items()
    seconds = [int(ts) for ts, _ in found]
    assert seconds == list(
        range(seconds[0], seconds[0] + len(seconds))
    )  # none is missing, or twice
