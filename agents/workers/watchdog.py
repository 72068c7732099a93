"""Ends a worker process that does not get on, or that stood still too long to own its partitions.

Faust's consumers are known to die in silence, several after a rebalance and without an agreed cause
(faust-streaming issues 175, 523, 532, 549, 640): the process lives, heartbeats and reads nothing. A
supervisor starts an ended process again, from its checkpoint.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Final

from faust.types import TP

from agents.machine.clock import elapsed_s
from agents.workers.faust_app import SESSION_S, Faust
from agents.workers.partition import OwnedPartition
from streams.errors import StateError
from streams.logs import logger

STUCK_S: Final = 90.0  # behind and without progress
FROZEN_S: Final = 0.8 * SESSION_S  # without a beat: others may have the partitions soon
FROZEN_EXIT: Final = 75  # sysexits.h, EX_TEMPFAIL: a temporary failure, try again

log = logger(__name__)


class Watchdog:
    """Looks once a second whether the worker lives and gets on."""

    def __init__(self, app: Faust, topic: str, partitions: Mapping[int, OwnedPartition]) -> None:
        """`partitions`: those at work, as the worker loop keeps them."""
        self._app, self._topic, self._partitions = app, topic, partitions
        self._beat_s = elapsed_s()

    async def watch(self) -> None:
        """Every second: note that the process runs, and end it where it does not get on."""
        progress, moved_s = None, elapsed_s()
        self._beat_s = elapsed_s()  # it may have taken long to start
        while True:
            self.check_frozen()
            self._beat_s = elapsed_s()
            now = self._progress()
            if now != progress or not self._behind():
                progress, moved_s = now, elapsed_s()
            if elapsed_s() - moved_s > STUCK_S:
                give_up(StateError(f"{self._topic}: behind, and no progress for {STUCK_S:.0f} s"))
            await asyncio.sleep(1.0)

    def check_frozen(self) -> None:
        """End the process if it was stopped for so long that others have its partitions now."""
        gap_s = elapsed_s() - self._beat_s
        if gap_s > FROZEN_S:
            log.error("stood still, starting again", seconds=round(gap_s, 1))
            os._exit(FROZEN_EXIT)

    def _progress(self) -> tuple[int, ...]:
        """Return numbers of which one changes whenever something is done, recovery included."""
        recovery = self._app.tables.recovery
        read_back = sum(offset or 0 for offset in recovery.active_offsets.values())
        held = [partition.held for partition in self._partitions.values()]
        return (read_back, sum(each.offset for each in self._partitions.values()), *held)

    def _behind(self) -> bool:
        """Tell whether there are records not taken in, or some are being read back."""
        consumer = self._app.consumer
        if consumer is None or self._app.rebalancing:
            return True
        assigned = consumer.assignment()
        behind = [
            (consumer.highwater(TP(self._topic, number)) or 0) > partition.offset + 1
            for number, partition in self._partitions.items()
            if TP(self._topic, number) in assigned
        ]
        return any(behind)


def give_up(fault: BaseException) -> None:
    """End the process at once, saying why: the supervisor starts it again from its checkpoint."""
    log.critical("worker gives up", kind=type(fault).__name__, fault=str(fault), exc_info=fault)
    logging.shutdown()
    os._exit(1)
