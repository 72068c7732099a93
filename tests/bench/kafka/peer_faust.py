"""Stock Faust: a Record and a Table write a tick; or frames that are only counted.

The counting one has what no Faust can do without (the fetch wait of 1.5 s made 20 ms), so that
what is left between it and our worker is our own work.
"""

from __future__ import annotations

import logging
import sys
import uuid
from typing import Any

import faust
from faust.transport.drivers.aiokafka import Transport

from agents.workers.faust_app import FETCH_BYTES, PromptConsumer
from tests.bench.kafka.tally import Tally


class Tick(faust.Record, serializer="json"):
    symbol: str
    price: float
    size: int
    exchange: str
    ts_ns: int


class PromptTransport(Transport):
    """Stock, but for the fetch wait."""

    Consumer = PromptConsumer


def app_for(bootstrap: str, folder: str, **settings: Any) -> faust.App:
    return faust.App(
        f"bench-{uuid.uuid4().hex[:8]}",
        broker=f"kafka://{bootstrap}",
        topic_partitions=1,
        datadir=folder,
        web_enabled=False,
        worker_redirect_stdouts=False,
        **settings,
    )


def table(bootstrap: str, name: str, tally: Tally, folder: str) -> faust.App:
    app = app_for(bootstrap, folder)
    last = app.Table("last", default=float)

    @app.agent(app.topic(name, value_type=Tick))
    async def keep(ticks: faust.StreamT[Tick]) -> None:
        async for tick in ticks:
            last[tick.symbol] = tick.price
            tally.count()

    return app


def count(bootstrap: str, name: str, tally: Tally, folder: str) -> faust.App:
    app = app_for(
        bootstrap, folder, topic_disable_leader=True, stream_buffer_maxsize=16384,
        key_serializer="raw", value_serializer="raw", consumer_max_fetch_size=FETCH_BYTES,
    )  # fmt: skip
    app.transport = PromptTransport([*app.conf.broker], app)

    @app.agent(app.topic(name, value_type=bytes, key_type=bytes))
    async def keep(frames: faust.StreamT[bytes]) -> None:
        async for _ in frames:
            tally.count()

    return app


if __name__ == "__main__":
    figure, bootstrap, topic, seconds, records, folder = sys.argv[1:]
    make = table if figure == "faust_table" else count
    app = make(bootstrap, topic, Tally(float(seconds), int(records)), folder)
    faust.Worker(app, loglevel=logging.WARNING, redirect_stdouts=False).execute_from_commandline()
