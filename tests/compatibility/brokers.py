"""Topics of a run on a real broker: kept in folders by the product, and put back elsewhere by it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from streams.events import SECOND_NS, Clock
from streams.messages import to_message
from tests.compatibility import day, kept
from tests.compatibility.live import PATIENCE_S
from tests.running import COMMAND, environment

PARTITIONS = 2
MARKET, HEADLINES, ALERTS = "newsquake.market", "newsquake.headlines", "newsquake.alerts"
OUTPUTS = ("newsquake.reactions", "newsquake.moves", ALERTS, "newsquake.rejects")
READS = {"score": HEADLINES, "react": MARKET, "deliver": ALERTS}  # worker -> its topic
QUIET_S = 3.0
T = TypeVar("T")
LOOK_S = 0.1


def changelog(kind: str) -> str:
    return f"newsquake-{kind}-state-changelog"


class Message(NamedTuple):
    """A record as `newsquake journal export` keeps it, read without the product."""

    partition: int
    offset: int
    appended_ms: int
    key: bytes | None
    headers: list[list[Any]]
    value: bytes | None

    @property
    def said(self) -> tuple[bytes | None, bytes | None]:
        """Return what it says, wherever it stands."""
        return self.key, self.value

    def header(self, name: str) -> bytes:
        return dict(self.headers).get(name, b"")


def messages(folder: Path, topic: str) -> list[Message]:
    """Return what an exported folder holds of a topic."""
    records = kept.journal(folder / f"{topic}.journal")
    return [Message(*msgspec.msgpack.decode(record)) for record in records]


def commanded(*words: object) -> str:
    """Run the command, which must end well, and return what it printed."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Topics:
    """The topics of one prefix on one broker."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap, self.prefix = bootstrap, prefix
        self.words = ("--broker", bootstrap, "--prefix", prefix)

    def create(self) -> None:
        commanded("topics", "create", *self.words, "--partitions", PARTITIONS)

    def export(self, names: Iterable[str], folder: Path) -> None:
        """Keep topics in a folder."""
        words = [word for name in names for word in ("--topic", name)]
        commanded("journal", "export", *self.words, *words, folder)

    def restore(self, folder: Path, *names: str) -> None:
        """Put some of the topics back that a folder holds."""
        part = folder.with_name(f"{folder.name}-{time.monotonic_ns()}")
        part.mkdir()
        manifest = json.loads((folder / "manifest.json").read_bytes())
        manifest["topics"] = [each for each in manifest["topics"] if each["topic"] in names]
        assert len(manifest["topics"]) == len(names)
        (part / "manifest.json").write_text(json.dumps(manifest))
        for name in names:
            (part / f"{name}.journal").symlink_to(folder / f"{name}.journal")
        commanded("journal", "import", *self.words, part)

    def read(self, folder: Path, *names: str) -> dict[str, list[Message]]:
        """Return what topics hold now; in `folder` they are exported on the way."""
        into = folder / f"export-{time.monotonic_ns()}"
        self.export(names, into)
        return {name: messages(into, name) for name in names}

    # -- how far groups are

    def committed(self, kind: str) -> dict[int, int]:
        """Return the offset that the workers of a kind have committed, by partition."""
        group, places = f"{self.prefix}newsquake-{kind}", self._places(READS[kind])
        with closing(KafkaAdminClient(bootstrap_servers=self.bootstrap)) as admin:
            found = patiently(lambda: admin.list_group_offsets({group: places}))[group]
        return {place.partition: found[place].offset for place in places if place in found}

    def done(self, kind: str) -> int:
        """Return how many records of all partitions they have acknowledged."""
        return sum(max(offset, 0) for offset in self.committed(kind).values())

    def commit(self, kind: str, offsets: dict[str, int]) -> None:
        """Have a group stand where another one stood."""
        topic = f"{self.prefix}{READS[kind]}"
        stand = {
            TopicPartition(topic, int(number)): OffsetAndMetadata(offset, "", -1)
            for number, offset in offsets.items()
            if offset >= 0
        }
        with closing(KafkaAdminClient(bootstrap_servers=self.bootstrap)) as admin:
            group = f"{self.prefix}newsquake-{kind}"
            patiently(lambda: admin.alter_group_offsets(group, stand))

    def ends(self, *names: str) -> dict[str, int]:
        """Return how many records each topic has had."""
        with closing(KafkaAdminClient(bootstrap_servers=self.bootstrap)) as admin:
            found = {}
            for name in names:
                asked = dict.fromkeys(self._places(name), OffsetSpec.LATEST)
                offsets = admin.list_partition_offsets(asked)
                found[name] = sum(each.offset for each in offsets.values())
        return found

    def send_clocks(self, name: str) -> None:
        """Send an old Clock to each partition: it changes nothing, and a checkpoint may follow."""
        value, headers = to_message(Clock(ts_ns=day.BEGIN * SECOND_NS))
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        try:
            for place in self._places(name):
                sent = producer.send(
                    place.topic, value, key=b"k", partition=place.partition, headers=[*headers]
                )
                sent.get(30)
        finally:
            producer.close()

    def _places(self, name: str) -> list[TopicPartition]:
        width = 1 if name in {HEADLINES, "newsquake.rejects", changelog("score")} else PARTITIONS
        return [TopicPartition(f"{self.prefix}{name}", number) for number in range(width)]

    def until_quiet(self, *names: str) -> None:
        """Return once nothing has come to these topics for a while."""
        before, since_s = self.ends(*names), time.monotonic()
        deadline_s = since_s + PATIENCE_S
        while time.monotonic() - since_s < QUIET_S:
            assert time.monotonic() < deadline_s, "it never fell silent"
            time.sleep(LOOK_S)
            if (now := self.ends(*names)) != before:
                before, since_s = now, time.monotonic()


def patiently(act: Callable[[], T]) -> T:
    """Try again while a broker that has just started knows no coordinator of a group."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return act()
        except KafkaError as fault:
            if not fault.retriable or time.monotonic() > deadline_s:
                raise
            time.sleep(LOOK_S)


class Worker:
    """One `newsquake worker`."""

    def __init__(
        self, topics: Topics, kind: str, log: Path, environment: dict[str, str], *words: object
    ) -> None:
        self._log, self._from = log, log.stat().st_size if log.exists() else 0
        instance = ("--instance", f"{topics.prefix}{kind}-1")
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*COMMAND, "worker", kind, *topics.words, *instance, *map(str, words)],
                cwd=log.parent,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=out,
            )

    def said(self) -> str:
        return self._log.read_bytes()[self._from :].decode("utf-8", "replace")

    def has_begun(self) -> bool:
        """Tell whether it has taken over a partition."""
        assert self.process.poll() is None, self.said()
        return "partition taken" in self.said()

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait(PATIENCE_S) == -signal.SIGKILL, self.said()


@contextmanager
def at_work(*workers: Worker) -> Iterator[Sequence[Worker]]:
    """End the workers however they do, when the block is over."""
    try:
        yield workers
    finally:
        for worker in workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait(PATIENCE_S)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process for the length of a block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def offsets_in(folder: Path) -> dict[str, dict[str, int]]:
    """Return what `offsets.json` of a folder says: worker -> partition -> offset."""
    found: dict[str, dict[str, int]] = json.loads((folder / "offsets.json").read_bytes())
    return found
