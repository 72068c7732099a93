"""How long an alert takes from its tick's frame in Kafka, live and after a pause of the worker."""

from __future__ import annotations

import math
import os
import signal
import time
import uuid
from typing import Any

import numpy as np
from kafka import KafkaProducer

from streams.errors import NewsquakeError
from streams.events import MarketRecord, Mention, TickFrame
from streams.messages import to_message
from streams.publisher import SETTINGS
from streams.topics import MARKET, prefixed
from tests.bench.kafka.broker import run_of_topics
from tests.bench.kafka.ours import BEGIN_S, Worker, worker
from tests.bench.kafka.ticks import (
    POINTS,
    TICKS_PER_S,
    Ticks,
    day_records,
    make_ticks,
    opening_records,
)

LISTINGS = 3_000  # each passes its level once: more than there is time for
FRAME = TICKS_PER_S // 100  # what comes in 10 ms
EVERY = TICKS_PER_S // 20  # one crossing in 50 ms
# In units of --seconds (5 s): let it settle, measure, pause, let it settle, measure again.
SETTLE, STEADY, RECOVER, AFTER = 1, 4, 1, 2
PAUSE_S = 0.5
ARRIVE_S = 10.0  # for the last alerts
PERCENTILES = {"p50": 50, "p99": 99, "p999": 99.9}

Span = tuple[float, float]
Latency = dict[str, dict[str, float]]


class Live:
    """The publisher: our log at the pace of the wall, one frame each 10 ms."""

    def __init__(self, bootstrap: str, topic: str, ticks: Ticks) -> None:
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, **SETTINGS)
        self._topic, self._ticks = topic, ticks
        self._day = day_records(ticks, FRAME)
        self._frames: list[tuple[float, int, Any]] = []  # when, rows up to and with it, its future
        self._began_s = 0.0

    def open(self) -> None:
        """Send the opening at once; its last tick is one that a worker answers with an alert."""
        for record, _ in opening_records(self._ticks, FRAME):
            self._send(record)

    def publish(self, length_s: float) -> Span:
        """Go on for so long, sending what falls due; return from when to when."""
        began_s = time.monotonic()
        self._began_s = self._began_s or began_s
        while time.monotonic() < began_s + length_s:
            record, rows = next(self._day)
            ticks = isinstance(record, TickFrame) and record.run != POINTS
            if ticks:
                due_s = self._began_s + (rows - self._ticks.opening) / TICKS_PER_S
                time.sleep(max(0.0, due_s - time.monotonic()))
            sent = self._send(record)
            if ticks:
                self._frames.append((time.monotonic(), rows, sent))
        return began_s, time.monotonic()

    def _send(self, record: MarketRecord) -> Any:
        key = record.issuer.encode() if isinstance(record, Mention) else None
        value, headers = to_message(record)
        return self._producer.send(self._topic, value, key=key, headers=[*headers], partition=0)

    def crossings(self, span: Span) -> dict[str, int]:
        """Return listing -> when the broker took its crossing's frame, of frames sent in a span."""
        self._producer.flush(timeout=ARRIVE_S)
        ends = np.array([rows for _, rows, _ in self._frames])
        found = {}
        for number, row in enumerate(self._ticks.crossings.tolist()):
            place = int(np.searchsorted(ends, row, "right"))
            if place == len(ends):
                break
            sent_s, _, future = self._frames[place]
            if span[0] <= sent_s < span[1]:
                found[self._ticks.names[number]] = int(future.get(timeout=ARRIVE_S).timestamp)
        return found

    def close(self) -> None:
        self._producer.close()


def measure(bootstrap: str, seconds: float) -> Latency:
    """Return percentiles in ms of steady running, and from a while after a pause of 0.5 s on."""
    longest_s = 1 + PAUSE_S + seconds * (SETTLE + STEADY + RECOVER + AFTER)
    ticks = make_ticks(math.ceil(longest_s) * TICKS_PER_S, LISTINGS, EVERY)
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    with run_of_topics(bootstrap, prefix), worker(bootstrap, prefix, ticks) as ours:
        live = Live(bootstrap, prefixed(prefix, MARKET), ticks)
        try:
            spans = run(live, ours, seconds)
            wanted = {name: live.crossings(span) for name, span in spans.items()}
        finally:
            live.close()
        arrive(ours, wanted)
        return {name: figures(frames, ours.outputs.opened_ms) for name, frames in wanted.items()}


def run(live: Live, ours: Worker, seconds: float) -> dict[str, Span]:
    """Publish all along, once the worker is at work; return when it was measured."""
    live.open()
    limit_s = time.monotonic() + BEGIN_S
    while not ours.outputs.opened_ms:
        ours.poll()
        if time.monotonic() > limit_s:
            raise NewsquakeError(f"no alert in {BEGIN_S:.0f} s")
    live.publish(SETTLE * seconds)
    steady = live.publish(STEADY * seconds)
    os.kill(ours.pid, signal.SIGSTOP)
    live.publish(PAUSE_S)
    os.kill(ours.pid, signal.SIGCONT)
    live.publish(RECOVER * seconds)
    return {"steady": steady, "after_pause": live.publish(AFTER * seconds)}


def arrive(ours: Worker, wanted: dict[str, dict[str, int]]) -> None:
    """Wait for the alerts of all crossings; NewsquakeError: one does not come."""
    names = {name for frames in wanted.values() for name in frames}
    limit_s = time.monotonic() + ARRIVE_S
    while missing := names - ours.outputs.opened_ms.keys():
        ours.poll()
        if time.monotonic() > limit_s:
            raise NewsquakeError(f"{len(missing)} of {len(names)} crossings gave no alert")


def figures(frames_ms: dict[str, int], alerts_ms: dict[str, int]) -> dict[str, float]:
    late_ms = [alerts_ms[name] - frame_ms for name, frame_ms in frames_ms.items()]
    if not late_ms:
        raise NewsquakeError("no crossing in the time measured: give more --seconds")
    return {
        name: float(np.percentile(late_ms, share, method="inverted_cdf"))
        for name, share in PERCENTILES.items()
    }
