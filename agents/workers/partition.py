"""One partition of a worker, and what its shell holds of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

from agents.machine.clock import elapsed_s
from agents.workers.checkpoints import Ledger
from agents.workers.stage import Outgoing, Stage
from streams.messages import Header

CHECKPOINT_S: Final = 1.0
ORIGIN: Final = "origin"  # header of an output: partition, epoch, offset, number


class Shard:
    """One partition while it is ours."""

    def __init__(self, partition: int, stage: Stage, ledger: Ledger) -> None:
        self.partition, self.stage, self.ledger = partition, stage, ledger
        self.offset = ledger.base  # of the last record taken in
        self.held: list[Any] = []  # events not yet acknowledged
        self.sent: list[Awaitable[Any]] = []  # deliveries under way
        self.rejected: list[Outgoing] = []  # not yet sent
        self.number = 0  # of outputs sent
        self.saving: asyncio.Task[None] | None = None
        self.saved_s = elapsed_s()
        self.pause_s = CHECKPOINT_S
        self.must_save = False  # as soon as the checkpoint under way is done
        self.waiting = 0  # records taken in of which not all that comes is sent
        self.known_end = 0  # the log had at least so many records when last looked at

    def origin(self) -> Header:
        """Return the header that tells where the next output comes from."""
        self.number += 1
        place = (self.partition, self.ledger.epoch, self.offset, self.number)
        return ORIGIN, ":".join(map(str, place)).encode()
