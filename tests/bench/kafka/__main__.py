"""`python -m tests.bench.kafka [--json] [--seconds N] [--repeats 3] [--only FIGURE,...]`.

Our react worker on a broker of its own beside its peers, on one machine, in one run: what is
measured has the last core for itself, the broker and the publisher have the others. It judges
nothing. Exit codes: 0 measured, 1 a measurement broke, 2 wrong usage or something is missing.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from agents.dev import kafka as kafka_local
from agents.dev import servers
from streams.errors import NewsquakeError
from tests.bench.kafka import latency, ours, peers
from tests.bench.kafka.broker import fill, keep_off_the_readers_core, plain_topic
from tests.bench.kafka.ticks import Log, json_log, make_ticks

# Figure -> what it is.
RATES = {
    "newsquake_1": "our react worker, single ticks",
    "newsquake_10": "  frames of 10",
    "newsquake_100": "  frames of 100",
    "newsquake_1000": "  frames of 1000",
    "faust_table": "stock Faust, JSON ticks, a Table write each",
    "faust_count_100": "Faust with our fetch wait, counts frames of 100",
    "quix_state": "Quix Streams, JSON ticks, a state write each",
    "kstreams_state": "Kafka Streams, JSON ticks, an in-memory put each",
    "aiokafka_decode_100": "bare aiokafka, decodes frames of 100",
}
LATENCY = "latency"
FIGURES = (*RATES, LATENCY)
# DESIGN 10: ours, theirs, at least so many times as fast.
TARGETS = (
    ("newsquake_100", "quix_state", 5.0),
    ("newsquake_100", "kstreams_state", 5.0),
    ("newsquake_100", "faust_table", 100.0),
    ("newsquake_1000", "quix_state", 20.0),
    ("newsquake_100", "faust_count_100", 0.6),
)
TARGET_P99_MS = 100
JSON_PEERS = ("faust_table", "quix_state", "kstreams_state")
BESIDE = {100: ("faust_count_100", "aiokafka_decode_100")}  # they read the very same frames
JSON_TOPIC = "bench.ticks"
JSON_TICKS_PER_S = 100_000  # put into the topic a second that is measured

Rates = dict[str, float]


def main() -> int:
    """Measure and print; return the exit code."""
    args = parser().parse_args()
    if reason := kafka_local.lacking() or peers.lacking(args.only):
        print(f"bench: {reason}", file=sys.stderr)
        return 2
    began_s = time.monotonic()
    try:
        result = measured(args)
    except NewsquakeError as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    say(f"measured in {time.monotonic() - began_s:.0f} s")
    if args.json:
        print(json.dumps(result))
    else:
        print_table(result)
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.bench.kafka", description=__doc__)
    made.add_argument("--json", action="store_true", help="print one line of JSON")
    made.add_argument("--seconds", type=positive, default=5.0, metavar="N", help="of each figure")
    made.add_argument("--repeats", type=at_least_one, default=3, help="runs of everything")
    made.add_argument("--only", type=chosen, default=FIGURES, metavar="FIGURE,...", help="some")
    return made


def positive(text: str) -> float:
    if not 0 < (value := float(text)) < float("inf"):
        raise ValueError(text)
    return value


def at_least_one(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError(text)
    return value


def chosen(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in FIGURES]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(FIGURES)}")
    return names


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr)


# -- measuring


def measured(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Start a broker and measure; return the medians."""
    keep_off_the_readers_core()
    # That a topic made just now has no leader yet is no news.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    rates: list[Rates] = []
    latencies: list[latency.Latency] = []
    with broker() as bootstrap, json_topic(bootstrap, args.seconds) as log:
        for number in range(args.repeats):
            rates.append(measured_rates(args, bootstrap, log))
            if LATENCY in args.only:
                latencies.append(latency.measure(bootstrap, args.seconds))
            say(f"run {number + 1} of {args.repeats} is done")
    made: dict[str, dict[str, Any]] = {"ticks_per_second": medians(rates)}
    if latencies:
        parts = latencies[0]
        made["latency_ms"] = {name: medians([run[name] for run in latencies]) for name in parts}
    return made


@contextmanager
def broker() -> Iterator[str]:
    """Run a broker of our own; yield its address."""
    with (
        tempfile.TemporaryDirectory(prefix="newsquake-bench-") as home,
        servers.running("kafka", Path(home), say) as server,
    ):
        yield msgspec.convert(server.account, kafka_local.Account).bootstrap


@contextmanager
def json_topic(bootstrap: str, seconds: float) -> Iterator[Log]:
    """Put the ticks that the peers read into a topic, once for all runs."""
    log = json_log(make_ticks(int(JSON_TICKS_PER_S * seconds), ours.LISTINGS, 1000))
    with plain_topic(bootstrap, JSON_TOPIC):
        fill(bootstrap, JSON_TOPIC, log)
        yield log


def measured_rates(args: argparse.Namespace, bootstrap: str, log: Log) -> Rates:
    made: Rates = {}
    for size in ours.PLENTY:
        wanted = [
            name for name in (f"newsquake_{size}", *BESIDE.get(size, ())) if name in args.only
        ]
        if wanted:
            made |= ours.measure(size, bootstrap, args.seconds, wanted)
            say(", ".join(f"{name} {made[name]:,.0f}" for name in wanted))
    for name in JSON_PEERS:
        if name in args.only:
            made[name] = peers.measure(name, bootstrap, JSON_TOPIC, log, args.seconds)
            say(f"{name} {made[name]:,.0f}")
    return made


def medians(runs: list[Rates]) -> Rates:
    return {name: round(statistics.median(run[name] for run in runs), 1) for name in runs[0]}


# -- telling


def print_table(result: dict[str, dict[str, Any]]) -> None:
    rates = result["ticks_per_second"]
    print("medians; what is measured has one core for itself; the targets are DESIGN 10's")
    for name in (each for each in RATES if each in rates):
        print(f"{RATES[name]:52}{rates[name]:>14,.0f}  ticks/s")
    for mine, theirs, target in TARGETS:
        if mine in rates and theirs in rates:
            label = f"{mine} / {theirs}"
            print(f"{label:52}{rates[mine] / rates[theirs]:>14.2f}  x       >= {target:g}")
    for name, each in result.get("latency_ms", {}).items():
        label = f"tick in Kafka -> alert in Kafka, {name.replace('_', ' ')}"
        figures = ", ".join(f"{share} {each[share]:g}" for share in each)
        print(f"{label:52}{figures}  ms  p99 < {TARGET_P99_MS}")


if __name__ == "__main__":
    sys.exit(main())
