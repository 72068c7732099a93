"""What stands in the engine's place in a replay through Kafka: it takes records and publishes them.

Clocks and points go to every partition (DESIGN 5), each just before the next record that needs
them there: a Clock that no row or Mention of a partition follows is overtaken by the next one, for
whatever falls due is computed as of its own time. So a quiet partition costs nothing.
"""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np

from agents.reacting.config import EngineConfig
from streams.codec import decode, encode
from streams.events import Clock, Flag, MarketRecord, Mention, Output, TickFrame
from streams.prices.partitioned import ROWS, Partitioned
from streams.publisher import Publisher
from streams.topics import partition_of

POINT = int(Flag.point)


class PublishedState(msgspec.Struct):
    """What a restart of the replay must know of what it has published."""

    clock_ns: int
    next_seq: list[int]
    clocks_ns: list[int]
    points: list[list[bytes]]


class MarketPublisher:
    """Publish a replay's records to `market`; the workers' outputs are collected afterwards (`collect.py`).

    What a partition has not been sent yet is sent before the next record, so each partition sees
    the order of the one-process replay.
    """

    def __init__(
        self, config: EngineConfig, publisher: Publisher, market: str, partitions: int, run: str
    ) -> None:
        self._publisher, self._market = publisher, market
        self.listings = {each.listing: i for i, each in enumerate(config.listings)}
        named = {each.benchmark or config.benchmark for each in config.listings}
        self.broadcast = tuple(name for name in self.listings if name in named)
        self.counts: Counter[str] = Counter()
        self.clock_ns = -1
        owners = {each.listing: each.issuer for each in config.listings}
        self._partitioned = Partitioned(partitions, owners, run)
        self._clocks_ns = [-1] * partitions  # the newest Clock that each partition has
        self._points: list[list[TickFrame]] = [[] for _ in range(partitions)]  # not yet sent

    def apply(self, record: MarketRecord) -> list[Output]:
        """Publish one record of the log; nothing comes out of it here."""
        if isinstance(record, Clock):
            self._clock(record)
        elif isinstance(record, Mention):
            home = partition_of(record.issuer, len(self._points))
            self._send(home, record, record.issuer)
        elif isinstance(record, TickFrame) and record.flags[0] & POINT:
            for waiting in self._points:
                waiting.append(record)
        elif isinstance(record, TickFrame):
            for home, part in self._partitioned.split(record):
                self._send(home, part)
        return []

    def snapshot(self) -> bytes:
        """Wait until all is acknowledged; return what `restore` needs to go on from here."""
        self._publisher.flush()
        points = [[encode(frame) for frame in waiting] for waiting in self._points]
        return msgspec.msgpack.encode(
            PublishedState(self.clock_ns, self._partitioned.next_seq, self._clocks_ns, points)
        )

    def restore(self, data: bytes) -> None:
        """Take back a snapshot: what was published since is published again, and recognised."""
        state = msgspec.msgpack.decode(data, type=PublishedState)
        self.clock_ns, self._clocks_ns = state.clock_ns, state.clocks_ns
        self._partitioned.next_seq = state.next_seq
        frames = [[decode(data) for data in waiting] for waiting in state.points]
        self._points = [[f for f in each if isinstance(f, TickFrame)] for each in frames]

    def prune(self) -> None:
        """Do nothing: there is no tape here."""

    def _clock(self, clock: Clock) -> None:
        if not clock.final:
            self.clock_ns = max(self.clock_ns, clock.ts_ns)
            return
        for home in range(len(self._points)):
            # what falls due by the last Clock is answered, what does so by the final one is not
            self._send(home, clock)

    def _send(self, home: int, record: MarketRecord, key: str | None = None) -> None:
        """Publish to a partition what it lacks of points and Clocks, and then the record."""
        if waiting := self._points[home]:
            for frame in _joined(waiting):
                self._publisher.send(self._market, home, frame)
            waiting.clear()
        if self._clocks_ns[home] < self.clock_ns:
            self._publisher.send(self._market, home, Clock(ts_ns=self.clock_ns))
        self._clocks_ns[home] = self.clock_ns
        self._publisher.send(self._market, home, record, key)


def _joined(frames: list[TickFrame]) -> list[TickFrame]:
    """Return one frame for each benchmark; its points follow each other."""
    runs: dict[str, list[TickFrame]] = {}
    for frame in frames:
        runs.setdefault(frame.run, []).append(frame)
    return [_concatenated(own) for own in runs.values()]


def _concatenated(frames: list[TickFrame]) -> TickFrame:
    if len(frames) == 1:
        return frames[0]
    columns = {
        name: None
        if getattr(frames[0], name) is None
        else np.concatenate([getattr(frame, name) for frame in frames])
        for name in ("listing", *ROWS)
    }
    return msgspec.structs.replace(frames[0], **columns)
