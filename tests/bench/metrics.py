"""`python -m tests.bench.metrics [--json]`: what scrapes of many listings cost the engine beside them.

Frames of ticks come at a steady rate and are applied in this process; another one scrapes it every
second. The latency of a frame is the time from when it was due until it was applied. The GIL share
is the processor time of a scrape's thread over the time between two scrapes. Exit code 0.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from agents.metrics import endpoint
from agents.metrics.endpoint import Exposure
from agents.metrics.exposition import written
from agents.metrics.run import RunMeter
from agents.reacting.config import DailyRow, EngineConfig
from agents.reacting.engine import Engine
from streams.events import PRICE_SCALE, SECOND_NS, Clock, Listing, TickFrame
from streams.reference.calendars import calendar_for

ROOT = Path(__file__).resolve().parents[2]
OPEN_NS = 1_758_720_600 * SECOND_NS  # 24 September 2025, 13:30 UTC: the opening in New York
DATE = 20_354  # the day before, in days since 1970
SCRAPER = """
import sys, time, urllib.request
ask = urllib.request.build_opener(urllib.request.ProxyHandler({}))
while True:
    began = time.monotonic()
    with ask.open(urllib.request.Request(sys.argv[1], headers={"Accept": sys.argv[2]})) as answer:
        answer.read()
    time.sleep(max(float(sys.argv[3]) - (time.monotonic() - began), 0))
"""
ACCEPT = {"text": "text/plain", "openmetrics": "application/openmetrics-text"}


class Timed:
    """`written`, and the processor time that its thread took."""

    def __init__(self) -> None:
        self.cpu_s: list[float] = []
        self.wall_s: list[float] = []
        self.size = 0

    def __call__(self, *args: object, **more: object) -> bytes:
        cpu_s, wall_s = time.thread_time(), time.perf_counter()
        made = written(*args, **more)
        self.cpu_s.append(time.thread_time() - cpu_s)
        self.wall_s.append(time.perf_counter() - wall_s)
        self.size = len(made)
        return made


def main() -> int:
    """Measure and print."""
    made = argparse.ArgumentParser(prog="python -m tests.bench.metrics", description=__doc__)
    made.add_argument("--json", action="store_true", help="print one line of JSON")
    made.add_argument("--listings", type=int, default=500)
    made.add_argument("--rate", type=int, default=20_000, help="ticks a second")
    made.add_argument("--rows", type=int, default=100, help="ticks a frame")
    made.add_argument("--every", type=float, default=1.0, help="seconds between two scrapes")
    made.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    args = made.parse_args()
    figures = {kind: measured(args, kind) for kind in ("none", "text", "openmetrics")}
    print(json.dumps(figures) if args.json else table(args, figures))
    return 0


def config_of(listings: int) -> EngineConfig:
    names = [f"L{number}" for number in range(listings)]
    return EngineConfig(
        listings=tuple(
            Listing(listing=f"{n}.XNYS", issuer=n, symbol=n, mic="XNYS", currency="USD")
            for n in names
        ),
        calendars={"XNYS": calendar_for("XNYS")},
        daily=tuple(
            DailyRow(listing=f"{name}.XNYS", date=DATE, close=100 * PRICE_SCALE) for name in names
        ),
    )


def frame_of(config: EngineConfig, number: int, rows: int, ts_ns: int, seed: int) -> TickFrame:
    chance = np.random.default_rng(seed)
    return TickFrame(
        run="bench",
        first_seq=number * rows,
        listings=tuple(listing.listing for listing in config.listings),
        listing=chance.integers(0, len(config.listings), rows, np.int32),
        ts_ns=np.full(rows, ts_ns, np.int64) + np.arange(rows),
        price=np.round(chance.normal(100.0, 0.1, rows) * 100).astype(np.int64) * 10_000,
        size=np.full(rows, 100, np.int64),
        flags=np.zeros(rows, np.int32),
    )


def measured(args: argparse.Namespace, kind: str) -> dict[str, float]:
    """Apply frames at their rate while nobody scrapes, or somebody does."""
    timed, config = Timed(), config_of(args.listings)
    endpoint.written = timed  # type: ignore[assignment]
    meter = RunMeter(Exposure(port=0), config)
    engine = meter.observer.engine(config)
    fill(engine, config)
    with meter.serving(lambda _: None) as address, scraper(address, kind, args.every):
        late_s = paced(args, engine, config)
    found = {
        "latency_p50_ms": 1e3 * float(np.quantile(late_s, 0.5)),
        "latency_p99_ms": 1e3 * float(np.quantile(late_s, 0.99)),
        "latency_p999_ms": 1e3 * float(np.quantile(late_s, 0.999)),
        "latency_max_ms": 1e3 * max(late_s),
        "scrapes": len(timed.cpu_s),
    }
    if timed.cpu_s:
        found |= {
            "render_cpu_ms": 1e3 * float(np.median(timed.cpu_s)),
            "render_wall_ms": 1e3 * float(np.median(timed.wall_s)),
            "gil_share": sum(timed.cpu_s) / args.seconds,
            "kilobytes": timed.size / 1e3,
        }
    return found


def fill(engine: Engine, config: EngineConfig) -> None:
    """Give every listing six minutes of a trade a second, so that the windows are full."""
    everyone = np.arange(len(config.listings), dtype=np.int32)
    for second in range(-360, 0):
        ts_ns = OPEN_NS + (second + 360) * SECOND_NS
        frame = frame_of(config, 0, len(everyone), ts_ns, second + 360)
        engine.apply(Clock(ts_ns=ts_ns))
        parts = {name: getattr(frame, name) for name in frame.__struct_fields__}
        engine.apply(TickFrame(**{**parts, "run": "", "first_seq": 0, "listing": everyone}))


def paced(args: argparse.Namespace, engine: Engine, config: EngineConfig) -> list[float]:
    """Return how late each frame was applied, in seconds."""
    step_s, late_s = args.rows / args.rate, list[float]()
    began_s, first_ns = time.perf_counter(), OPEN_NS + 360 * SECOND_NS
    for number in range(int(args.seconds / step_s)):
        due_s = number * step_s
        frame = frame_of(config, number, args.rows, first_ns + round(due_s * 1e9), number)
        wait_s = began_s + due_s - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
        if number % round(1 / step_s) == 0:
            engine.apply(Clock(ts_ns=first_ns + round(due_s) * SECOND_NS))
        engine.apply(frame)
        late_s.append(time.perf_counter() - began_s - due_s)
    return late_s


@contextmanager
def scraper(address: str, kind: str, every_s: float) -> Iterator[None]:
    """Scrape from a process of its own meanwhile."""
    if kind == "none":
        yield
        return
    command = [sys.executable, "-c", SCRAPER, address, ACCEPT[kind], str(every_s)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield
        finally:
            process.kill()


def table(args: argparse.Namespace, figures: dict[str, dict[str, float]]) -> str:
    lines = [
        f"{args.listings} listings, {args.rate:,} ticks/s, frames of {args.rows}, every {args.every:g} s",
        f"{'':18}" + "".join(f"{kind:>14}" for kind in figures),
    ]
    for name in figures["text"]:
        cells = (
            f"{each[name]:14.3f}" if name in each else f"{'-':>14}" for each in figures.values()
        )
        lines.append(f"{name:18}" + "".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
