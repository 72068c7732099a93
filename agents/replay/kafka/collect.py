"""What a replay's workers have made, read back from the topics: each output once.

Workers deliver at least once. Every output names its origin: the partition of `market`, the epoch
of the worker, the record it followed from. The state says whose work counts up to which record
(`valid_terms`), so that what was done again after a crash is told from what it replaces.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple, cast

import msgspec

from agents.broker.connection import Connection
from agents.broker.reading import records_of
from agents.reacting.engine import EngineHead
from agents.workers.checkpoints import newer, newest_whole, valid_terms
from agents.workers.partition import ORIGIN
from streams.errors import NewsquakeError
from streams.events import Alert, Move, Output, Reaction, Reject
from streams.messages import from_message
from streams.topics import ALERTS, MOVES, REACTIONS, REJECTS, prefixed

TOPICS: Final[dict[str, type]] = {
    REACTIONS: Reaction,
    MOVES: Move,
    ALERTS: Alert,
    REJECTS: Reject,
}


class Origin(NamedTuple):
    """Where an output comes from."""

    partition: int  # of the topic its worker reads
    epoch: int
    offset: int
    number: int  # within the epoch


def state_of(broker: Connection, changelog: str) -> dict[bytes, bytes]:
    """Return the newest version of every key in a changelog, as a worker reads it back."""
    table: dict[bytes, bytes] = {}
    for message in records_of(broker, changelog):
        if message.value is None:
            table.pop(message.key, None)
        elif newer(message.value, table.get(message.key)):
            table[message.key] = message.value
    return table


class Collected(NamedTuple):
    """All outputs of a run, and what its engines have counted."""

    outputs: list[Output]
    counts: Counter[str]


def collect(broker: Connection, changelog: str, partitions: int) -> Collected:
    """Return what the react workers of a finished run have made; each partition's in its order."""
    table = state_of(broker, changelog)
    valid: dict[tuple[int, int], tuple[int, int]] = {}
    counts: Counter[str] = Counter()
    for partition in range(partitions):
        checkpoint = newest_whole(partition, table)
        if checkpoint is None:
            raise NewsquakeError(f"{changelog}: no checkpoint of partition {partition}")
        for epoch, first, last in valid_terms(checkpoint.manifest.terms):
            valid[partition, epoch] = first, last
        head = msgspec.msgpack.decode(checkpoint.state["head"], type=EngineHead)
        for name, count in head.counts.items():
            counts[name] += count
    return Collected(_outputs(broker, valid), counts)


def _outputs(broker: Connection, valid: dict[tuple[int, int], tuple[int, int]]) -> list[Output]:
    outputs: dict[Origin, Output] = {}
    for topic, kind in TOPICS.items():
        for message in records_of(broker, prefixed(broker.prefix, topic)):
            origin = origin_of(message.headers)
            if origin is None:  # of somebody else
                continue
            first, last = valid.get((origin.partition, origin.epoch), (1, 0))
            if first <= origin.offset <= last:
                record = from_message(message.value, message.headers, kind)
                outputs[origin] = cast("Output", record)
    return [outputs[origin] for origin in sorted(outputs)]


def origin_of(headers: Any) -> Origin | None:  # noqa: ANN401 - a list of pairs, or None
    """Return where an output says it comes from."""
    text = dict(headers or ()).get(ORIGIN)
    return Origin(*map(int, text.split(b":"))) if text else None
