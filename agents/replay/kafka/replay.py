"""A replay through Kafka: the same log through real topics and real worker processes (DESIGN 4.5).

This process reads, scores and publishes, from one producer in the order of the replay; workers
react; their outputs are collected into OUT. Each run has a prefix of its own before the names of
its topics and groups, kept in OUT, so that a run which was interrupted goes on where it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from agents.broker.connection import Admin, Connection, admin_client, broker_errors
from agents.broker.topics import create_topics
from agents.machine.supervisor import Job, Supervisor
from agents.metrics.endpoint import REACT_PORT, Exposure
from agents.replay.kafka.backend import ENGINE_FILE, RUN_FILE, BrokerRun, KafkaBackend
from agents.replay.kafka.market_publisher import MarketPublisher
from agents.replay.play.checkpoint import STATE_VERSION
from agents.replay.play.inputs import Inputs
from agents.replay.play.watching import Watcher
from agents.stages.engine import save_engine
from streams.errors import NewsquakeError, UsageError
from streams.files import replace_file
from streams.publisher import Publisher
from streams.topics import MARKET, REACT, prefixed, topics

WORKER_LOGS: Final = "workers"


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay is spread: over how many partitions and workers."""

    partitions: int
    workers: int
    keep_topics: bool = False


@contextmanager
def kafka_backend(
    inputs: Inputs,
    out: Path,
    broker: Connection,
    topology: Topology,
    watcher: Watcher,
    exposed: Exposure,
) -> Iterator[KafkaBackend]:
    """Make the topics of a run, or find those of one that was interrupted, and start its workers.

    NewsquakeError: the broker or the workers fail for good.
    """
    run = _run_of(out, inputs, broker, topology)
    broker = msgspec.structs.replace(broker, prefix=run.prefix)
    watcher.note(f"topics {run.prefix}newsquake.* at {broker.address}")
    with (
        broker_errors(broker),
        closing(admin_client(broker)) as admin,
    ):  # closed last: the topics go by it
        _create_topics(admin, broker, run)
        with ExitStack() as stack:
            publisher = Publisher(broker.client_options())
            stack.callback(publisher.close)  # behind the workers, whose end it does not touch
            save_engine(inputs.engine, out / ENGINE_FILE)  # before a worker reads it
            jobs = _jobs(inputs, out, broker, topology.workers, exposed)
            workers = Supervisor(jobs, out / WORKER_LOGS, watcher.note)
            stack.callback(workers.end)  # first: nobody reads the topics when they go
            workers.start()
            market = prefixed(run.prefix, MARKET)
            engine = MarketPublisher(inputs.engine, publisher, market, run.partitions, inputs.name)
            yield KafkaBackend(engine, publisher, admin, broker, run, workers, out, watcher)
        if not topology.keep_topics:  # after success only: a restart goes on with them
            _remove_topics(admin, run)


def _run_of(out: Path, inputs: Inputs, broker: Connection, topology: Topology) -> BrokerRun:
    """Return the run that OUT began with the same inputs, or a new one."""
    path = out / RUN_FILE
    identity = f"{inputs.inputs_id}:{inputs.config_id}:{STATE_VERSION}"
    prefix = f"{broker.prefix}replay-{uuid.uuid4().hex[:8]}."
    wanted = BrokerRun(
        prefix=prefix, partitions=topology.partitions, identity=identity, servers=broker.servers
    )
    try:
        begun = msgspec.json.decode(path.read_bytes(), type=BrokerRun)
    except FileNotFoundError:
        begun = None
        if (out / ENGINE_FILE).exists():  # it is never there without the run that it belongs to
            path = out / ENGINE_FILE
            raise UsageError(
                f"{path} is not of a replay: move it away, or name another OUT"
            ) from None
    except (OSError, msgspec.DecodeError) as fault:
        raise UsageError(f"{path} is not of a replay: move it away, or name another OUT") from fault
    if begun is not None and begun == msgspec.structs.replace(wanted, prefix=begun.prefix):
        return begun
    out.mkdir(parents=True, exist_ok=True)
    replace_file(path, msgspec.json.encode(wanted), durable=False)
    return wanted


def _create_topics(admin: Admin, broker: Connection, run: BrokerRun) -> None:
    report = create_topics(admin, broker.address, run.partitions, run.prefix)
    if not report.ok:
        raise NewsquakeError(f"the topics of {run.prefix} are not what they must be: {report}")


def _remove_topics(admin: Admin, run: BrokerRun) -> None:
    admin.delete_topics([topic.name for topic in topics(run.partitions, run.prefix)])
    admin.delete_groups([prefixed(run.prefix, REACT)])


def _jobs(
    inputs: Inputs, out: Path, broker: Connection, workers: int, exposed: Exposure
) -> list[Job]:
    return [
        Job(
            f"react-{number}",
            (
                "worker", "react", "--broker", broker.address,
                "--prefix", broker.prefix,
                "--instance", f"{broker.prefix}react-{number}",
                "--engine", str(out / ENGINE_FILE), "--replay", inputs.name,
                *exposed.of_worker(REACT_PORT + number),
                *broker.words(),
            ),
        )
        for number in range(workers)
    ]  # fmt: skip
