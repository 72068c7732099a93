"""Where the store of the read API has its records from: a replay's OUT, or the topics of a broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from agents.broker.connection import Connection
from agents.broker.reading import TopicReader
from agents.broker.topics import widths
from agents.machine.clock import now_ns
from agents.web.store import Store
from streams.codec import decode_json
from streams.errors import CodecError, InputError, NewsquakeError, UsageError
from streams.events import SECOND_NS, Alert, Headline, Mention, Reaction
from streams.messages import TYPE, from_message, market_record
from streams.topics import ALERTS, HEADLINES, MARKET, REACTIONS, prefixed

FILES: Final[dict[str, type]] = {"headlines": Headline, "mentions": Mention, "alerts_log": Alert}
POLL_MS: Final = 200
# Mentions stand among all ticks: of a market that nobody has read, only the newest is looked through.
MARKET_REACH_NS: Final = 3600 * SECOND_NS
_TOPICS: Final[dict[str, type]] = {HEADLINES: Headline, REACTIONS: Reaction, ALERTS: Alert}
_MENTION: Final = (TYPE, Mention.__name__.encode())
_MS_NS: Final = 1_000_000


def fill_from_out(store: Store, out: Path) -> None:
    """Take in the files of a finished replay.

    UsageError: OUT is none. InputError: a file of it cannot be read.
    """
    if not (out / "summary.json").is_file():
        raise UsageError(f"{out}: no summary.json in it; give the OUT of a finished replay")
    at_ns = now_ns()
    for name, kind in FILES.items():
        for record in _lines(out / f"{name}.jsonl", kind):
            store.add(record, at_ns)
    for record in _reactions(out / "reactions.parquet"):
        store.add(record, at_ns)
    store.commit()


def _lines(path: Path, kind: type) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield decode_json(line, kind)
                except CodecError as fault:
                    raise InputError(str(path), f"line {number}: {fault}") from fault
    except OSError as fault:
        raise InputError(str(path), f"cannot be read: {fault.strerror}") from fault


def _reactions(path: Path) -> Iterator[Reaction]:
    try:
        for row in pl.read_parquet(path).iter_rows(named=True):
            yield msgspec.convert(row, Reaction)
    except (OSError, pl.exceptions.PolarsError, msgspec.ValidationError) as fault:
        raise InputError(str(path), f"cannot be read: {fault}") from fault


class Follower:
    """The topics of a broker, read from where the store has got to, in no consumer group."""

    def __init__(self, store: Store, broker: Connection) -> None:
        """NewsquakeError: no broker answers, or a topic is missing."""
        self._store = store
        self._names = {prefixed(broker.prefix, topic): topic for topic in (*_TOPICS, MARKET)}
        self.unread = 0  # records that are none of ours
        places = self._places(broker)
        self._reader = TopicReader(broker)  # what retention took cannot be shown
        self._reader.follow(places)
        for topic, partition in places:
            self._seek(topic, partition)

    def close(self) -> None:
        """Leave the broker."""
        self._reader.close()

    def run(self, stop: threading.Event) -> None:
        """Take in what comes until `stop`. A broker that goes away is waited for."""
        while not stop.is_set():
            self.step()

    def step(self) -> int:
        """Take in what has come, and remember how far that is; return how many records it was."""
        taken = 0
        for topic, partition, messages in self._reader.poll(POLL_MS):
            for message in messages:
                self._take(self._names[topic], message)
            self._store.set_place(topic, partition, messages[-1].offset + 1)
            taken += len(messages)
        self._store.commit()
        return taken

    def _take(self, topic: str, message: Any) -> None:  # noqa: ANN401 - kafka-python has no types
        try:
            if topic == MARKET:
                if _MENTION in message.headers:
                    record = market_record(message.value, message.headers)
                    self._store.add(record, now_ns(), message.timestamp * _MS_NS)
                return
            record = from_message(message.value, message.headers, _TOPICS[topic])
        except CodecError:  # the workers have rejected it, or it is a tombstone
            self.unread += 1
            return
        self._store.add(record, now_ns())

    def _places(self, broker: Connection) -> list[tuple[str, int]]:
        """Return every partition of the topics. NewsquakeError: one of these is not there."""
        found = widths(broker, [*self._names])
        if missing := [name for name, width in found.items() if not width]:
            raise NewsquakeError(
                f"no topic {', '.join(missing)} at {broker.address}; is --prefix right? `newsquake "
                f"topics create --broker {broker.address}` makes them"
            )
        return [(name, n) for name, width in found.items() for n in range(width)]

    def _seek(self, topic: str, partition: int) -> None:
        """Go on where the store has got to; of the market never farther back than the reach."""
        known = self._store.place(topic, partition)
        if self._names[topic] == MARKET:
            since_ms = (now_ns() - MARKET_REACH_NS) // _MS_NS
            near = self._reader.first_since(topic, [partition], since_ms)[partition]
            known = max(known or 0, near)
        self._reader.seek(topic, partition, known)
