"""A replay through Kafka: the same log through real topics and real worker processes (DESIGN 4.5).

This process reads, scores and publishes, from one producer in the order of the replay; workers
react; their outputs are collected into OUT. Each run has a prefix of its own before the names of
its topics and groups, kept in OUT, so that a run which was interrupted goes on where it was.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.broker.connection import Admin, Connection, admin_client, broker_errors
from agents.broker.reading import lag_of
from agents.broker.topics import create_topics
from agents.machine.clock import elapsed_s
from agents.machine.supervisor import Job, Supervisor
from agents.metrics.endpoint import HIDDEN, REACT_PORT, Exposure
from agents.replay.kafka.collect import Collected, collect
from agents.replay.kafka.remote_engine import RemoteEngine
from agents.replay.play.inputs import Inputs
from agents.replay.play.outputs import Record
from agents.replay.play.replay import Replay
from agents.replay.play.watching import Watcher
from agents.stages.engine import save_engine
from streams.errors import NewsquakeError
from streams.journal import Journal
from streams.publisher import Publisher
from streams.topics import MARKET, REACT, TABLE, prefixed, topics

FRAME_ROWS: Final = 1000
RUN_FILE: Final = "kafka-run.json"
ENGINE_FILE: Final = "engine.json"
LOOK_S: Final = 0.25  # between looks at how far the workers are
STUCK_S: Final = 300.0  # without any progress of the workers: give up


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What OUT remembers of a run on a broker."""

    prefix: str
    partitions: int
    identity: str
    servers: tuple[str, ...]


def kafka_replay(
    inputs: Inputs,
    out: Path,
    broker: Connection,
    shape: Shape,
    *,
    frame: int | None,
    speed: float | None,
    watcher: Watcher,
    began_s: float,
    exposed: Exposure = HIDDEN,
) -> dict[str, Any]:
    """Replay through a broker and return the summary.

    NewsquakeError: the broker or the workers fail for good.
    """
    run = _run_of(out, inputs, broker, shape)
    broker = msgspec.structs.replace(broker, prefix=run.prefix)
    watcher.note(f"topics {run.prefix}newsquake.* at {broker.address}")
    with broker_errors(broker), closing(admin_client(broker)) as admin:
        report = create_topics(admin, broker.address, run.partitions, run.prefix)
        if not report.ok:
            raise NewsquakeError(f"the topics of {run.prefix} are not what they must be: {report}")
        with_publisher = Publisher(broker.client_options())
        replay = KafkaReplay(
            inputs, out, broker, run, shape, with_publisher, admin,
            frame=frame, speed=speed, watcher=watcher, began_s=began_s, exposed=exposed,
        )  # fmt: skip
        summary = replay.run()
        if not shape.keep_topics:
            _remove_topics(admin, run)
    return summary


def _run_of(out: Path, inputs: Inputs, broker: Connection, shape: Shape) -> Run:
    """Return the run that OUT began with the same inputs, or a new one."""
    path, identity = out / RUN_FILE, f"{inputs.inputs_id}:{inputs.config_id}"
    prefix = f"{broker.prefix}replay-{uuid.uuid4().hex[:8]}."
    wanted = Run(
        prefix=prefix, partitions=shape.partitions, identity=identity, servers=broker.servers
    )
    try:
        begun = msgspec.json.decode(path.read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError):
        begun = None
    if begun is not None and begun == msgspec.structs.replace(wanted, prefix=begun.prefix):
        return begun
    out.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(wanted))
    return wanted


def _remove_topics(admin: Admin, run: Run) -> None:
    admin.delete_topics([topic.name for topic in topics(run.partitions, run.prefix)])
    admin.delete_groups([prefixed(run.prefix, REACT)])


class KafkaReplay(Replay):
    """A replay whose engine is a group of workers."""

    def __init__(
        self,
        inputs: Inputs,
        out: Path,
        broker: Connection,
        run: Run,
        shape: Shape,
        publisher: Publisher,
        admin: Admin,
        *,
        frame: int | None,
        speed: float | None,
        watcher: Watcher,
        began_s: float,
        exposed: Exposure,
    ) -> None:
        self._exposed = exposed
        self._broker, self._kafka_run, self._admin = broker, run, admin
        self._publisher = publisher
        market = prefixed(run.prefix, MARKET)
        engine = RemoteEngine(inputs.engine, publisher, market, run.partitions, inputs.name)
        super().__init__(
            inputs, out, frame=frame or FRAME_ROWS, speed=speed, watcher=watcher,
            began_s=began_s, engine=engine,
        )  # fmt: skip
        self._workers = Supervisor(self._jobs(shape.workers), out / "workers", watcher.note)
        self._collected: Collected | None = None

    def run(self) -> dict[str, Any]:
        """Replay to the end and return the summary."""
        save_engine(self._inputs.engine, self._out / ENGINE_FILE)
        self._workers.start()
        try:
            return super().run()
        finally:
            self._workers.end()
            self._publisher.close()

    def _jobs(self, count: int) -> list[Job]:
        return [
            Job(
                f"react-{number}",
                (
                    "worker", "react", "--broker", self._broker.address,
                    "--prefix", self._kafka_run.prefix,
                    "--instance", f"{self._kafka_run.prefix}react-{number}",
                    "--engine", str(self._out / ENGINE_FILE), "--replay", self._inputs.name,
                    *self._exposed.of_worker(REACT_PORT + number),
                    *self._broker.words(),
                ),
            )
            for number in range(count)
        ]  # fmt: skip

    def _identity(self) -> str:
        return f"{super()._identity()}:{self._kafka_run.prefix}"

    def _play(self, journal: Journal) -> None:
        super()._play(journal)
        self._save(journal)  # from here on only the workers have work
        self._await_workers()

    def _await_workers(self) -> None:
        """Wait until the workers have acknowledged every record.

        NewsquakeError: they do not get on.
        """
        self._publisher.flush()
        group = prefixed(self._kafka_run.prefix, REACT)
        market = prefixed(self._kafka_run.prefix, MARKET)
        done, moved_s = -1, elapsed_s()
        while True:
            self._workers.check()
            lag = lag_of(self._admin, group, market, self._kafka_run.partitions)
            if lag and lag.done >= lag.total:
                return
            if lag and lag.done > done:
                done, moved_s = lag.done, elapsed_s()
                self._watcher.share(done / lag.total, f"workers: {done:,} of {lag.total:,} records")
            if elapsed_s() - moved_s > STUCK_S:
                raise NewsquakeError(
                    f"the workers have stood still for {STUCK_S:.0f} s at record {max(done, 0):,}; "
                    f"their logs are in {self._out / 'workers'}"
                )
            time.sleep(LOOK_S)

    def _records(self, journal: Journal) -> Iterator[Record]:
        yield from super()._records(journal)
        yield from self._outputs().outputs

    def _outputs(self) -> Collected:
        if self._collected is None:
            self._watcher.note("collecting results")
            changelog = f"{prefixed(self._kafka_run.prefix, REACT)}-{TABLE}-changelog"
            self._collected = collect(self._broker, changelog, self._kafka_run.partitions)
        return self._collected

    def _counts(self) -> Mapping[str, int]:
        return self._outputs().counts

    def _summary(self, counts: dict[str, int], sha256: str, *, resumed: bool) -> dict[str, Any]:
        summary = super()._summary(counts, sha256, resumed=resumed)
        return {**summary, "worker_restarts": self._workers.restarts}

    def _clean_up(self) -> None:
        super()._clean_up()
        (self._out / RUN_FILE).unlink()
        (self._out / ENGINE_FILE).unlink()


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay is spread: over how many partitions and workers."""

    partitions: int
    workers: int
    keep_topics: bool = False
