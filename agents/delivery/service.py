"""The courier of a process: opened where newsquake.toml names targets, closed at the process's end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agents.broker.connection import Connection
from agents.config.newsquake import load_config
from agents.delivery.dispatcher import Courier
from agents.delivery.outbox import DeliveryQueue
from agents.delivery.sinks import Sink
from agents.delivery.targets import targets_of
from agents.machine.folders import state_home
from agents.metrics.declared import ProcessMetrics
from streams.codec import Record
from streams.errors import JournalError
from streams.events import Clock
from streams.publisher import Sending
from streams.topics import HEADLINES, REJECTS

LINGER_S: Final = 10.0  # that what waits has at the end of a run
QUEUE: Final = "outbox"
QUEUES: Final = 8  # of deliver workers on this machine
Say = Callable[[str], None]


@contextmanager
def courier_of(
    config: Path | None,
    open_: Callable[[], DeliveryQueue],
    say: Say,
    *,
    sheet: ProcessMetrics | None = None,
    leased: bool = False,
    replay: bool = False,
    linger_s: float = LINGER_S,
) -> Iterator[Courier | None]:
    """Deliver meanwhile, and for `linger_s` more, to the targets of newsquake.toml; None: it names none.

    ConfigError: a secret is not set. JournalError: another process has the queue.
    """
    targets = targets_of(load_config(config), config, replay=replay)
    if not targets:
        yield None
        return
    courier = Courier(open_(), targets, say, sheet=sheet, leased=leased)
    courier.start()
    try:
        yield courier
    finally:
        courier.close(linger_s)
        if courier.left:
            say(
                f"{courier.left:,} alert states are not delivered yet; the next run goes on with them"
            )


def queue_of_run(folder: Path) -> DeliveryQueue:
    """Return the queue of an embedded run or a replay: beside its journal."""
    return DeliveryQueue(folder / f"{QUEUE}.sqlite")


def queue_of_worker(broker: Connection, instance: str | None) -> DeliveryQueue:
    """Return the queue of a deliver worker. What waits is in its checkpoint too: any will do."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", f"{broker.address} {broker.prefix} {instance or ''}")
    return _free_queue(state_home() / "deliver", name.strip("-."))


def with_dead_letters(send: Sending, courier: Courier | None) -> Sending:
    """Return `send`, which on each Clock sends the dead letters there are, too.

    As a record that comes in, so that it is there once whatever crashes.
    """
    if courier is None:
        return send

    def sending(topic: str, partition: int, record: Record, key: str | None = None) -> None:
        send(topic, partition, record, key)
        if isinstance(record, Clock) and not topic.endswith(HEADLINES):
            for letter in courier.dead_letters():
                send(REJECTS, 0, letter.reject, letter.target)
                courier.taken(letter)

    return sending


def boxes_of(courier: Courier | None) -> list[Sink]:
    """Return the courier as a sink of a run that has all alerts, earlier ones of it too."""
    if courier is None:
        return []
    box = courier.box()
    box.begin()
    return [box]


def _free_queue(folder: Path, name: str) -> DeliveryQueue:
    """Return the first of a few queues of that name that no other process has open.

    Which one it is does not matter where what waits is kept elsewhere as well. JournalError: none.
    """
    for number in range(1, QUEUES):
        try:
            return DeliveryQueue(folder / f"{name}-{number}.sqlite")
        except JournalError:
            continue
    return DeliveryQueue(folder / f"{name}-{QUEUES}.sqlite")
