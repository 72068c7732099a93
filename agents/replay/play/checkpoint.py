"""The journal of a replay: what has come out so far, and the checkpoint that a restart goes on from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self, cast

import msgspec

from agents.replay.play.outputs import Record
from streams.codec import decode, encode
from streams.errors import InputError, RecordError
from streams.events import Mention
from streams.journal import Journal
from streams.logs import logger

STATE_VERSION: Final = 3  # of the checkpoint; raise it with any change of what the stages keep

log = logger(__name__)


class Scored(msgspec.Struct, frozen=True):
    """A headline that is scored and waits for the rows that were known before it."""

    index: int
    mentions: list[Mention]


class ReplayCheckpoint(msgspec.Struct):
    """What is done, and the state of both stages after it."""

    version: int
    identity: str
    row: int
    headline: int  # the next one to be scored
    scored: Scored | None
    engine: bytes
    scorer: bytes


class ReplayJournal:
    """The journal in OUT, which belongs to one `identity`: the same inputs, configuration and backend."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.identity = identity
        self.folder = folder
        self._journal = Journal.open(folder, fsync="checkpoint")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._journal.close()

    def go_back(self) -> ReplayCheckpoint | None:
        """Cut the journal back to its checkpoint and return that; None, and empty, if it has none of ours."""
        checkpoint, offset = self._newest()
        self._journal.truncate_to(offset)
        return checkpoint

    def _newest(self) -> tuple[ReplayCheckpoint | None, int]:
        kept = self._journal.last_checkpoint()
        if kept is None:
            return None, 0
        offset, data = kept
        try:
            checkpoint = msgspec.msgpack.decode(data, type=ReplayCheckpoint)
        except (msgspec.DecodeError, msgspec.ValidationError):
            log.info("replay starts afresh", reason="the checkpoint cannot be read")
            return None, 0
        if checkpoint.version != STATE_VERSION or checkpoint.identity != self.identity:
            log.info(
                "replay starts afresh",
                reason="the checkpoint is of other inputs, another configuration or version",
            )
            return None, 0
        return checkpoint, offset

    def save(self, checkpoint: ReplayCheckpoint) -> None:
        """Make all that was kept durable, and the checkpoint behind it."""
        self._journal.checkpoint(msgspec.msgpack.encode(checkpoint))
        log.debug("checkpoint saved", row=checkpoint.row, headline=checkpoint.headline)

    def keep(self, record: Record) -> None:
        """Append a record that came out."""
        self._journal.append(encode(record))

    def records(self) -> Iterator[Record]:
        """Yield all that was kept. InputError: one of them is damaged."""
        for number, payload in self._journal.read():
            try:
                yield cast("Record", decode(payload))
            except RecordError as fault:
                raise InputError(str(self.folder), f"record {number}: {fault}") from fault
