"""The react stage of a worker: one partition of `market` through an engine of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from agents.reacting.config import EngineConfig
from agents.reacting.keeping.cells import Cells
from agents.stages.decisions import log_mention, log_moves
from agents.stages.observer import NOBODY, Observer
from agents.workers.stage import Due, StageOutput
from streams.bounds import CLOCK_AHEAD_NS, IMPLAUSIBLE_CLOCK
from streams.errors import CodecError, RecordError, StateError
from streams.events import (
    NEVER_NS,
    Alert,
    Clock,
    Correction,
    Mention,
    Move,
    Output,
    Reaction,
    Reject,
    Status,
    TickFrame,
)
from streams.messages import Header, market_record
from streams.topics import ALERTS, MARKET, MOVES, REACTIONS, REJECTS, partition_of, prefixed

MOST_ROWS: Final = 32_768  # that wait before they are applied together: some 15 ms of work
TOPIC_OF: Final[dict[type, str]] = {
    Reaction: REACTIONS,
    Move: MOVES,
    Alert: ALERTS,
    Reject: REJECTS,
}


class ReactStage:
    """The engine of one partition; frames that follow each other are applied together."""

    def __init__(
        self,
        config: EngineConfig,
        partition: int,
        partitions: int,
        prefix: str = "",
        observer: Observer = NOBODY,
        *,
        live: bool = True,
    ) -> None:
        """`live`: Clocks are of now; those of a replay are of its own time."""
        own = of_partition(config, partition, partitions)
        self._engine, self._observer = observer.engine(own, partition), observer
        self._cells, self._rules, self._live = Cells(self._engine), config.rules, live
        self._frames: list[TickFrame] = []
        self._rows = 0
        self._out: list[Output] = []
        self._topics = {kind: prefixed(prefix, topic) for kind, topic in TOPIC_OF.items()}
        self._market = prefixed(prefix, MARKET)

    @property
    def counts(self) -> Mapping[str, int]:
        """Return what the engine has counted."""
        return self._engine.counts

    def process(
        self, value: bytes | None, headers: Iterable[Header] | None, stamp_ns: int = NEVER_NS
    ) -> Due:
        """Take a record of `market` in, which the broker stamped. RecordError: it cannot be used.

        StateError: the engine's own Clock lies ahead of the broker's.
        """
        record = market_record(value, headers)
        if isinstance(record, TickFrame):
            self._frames.append(record)
            self._rows += len(record.ts_ns)
            return Due.nothing if self._rows < MOST_ROWS else Due.outputs
        if not isinstance(record, Mention | Clock | Status | Correction):
            raise CodecError(f"a {type(record).__name__} does not belong here")
        if isinstance(record, Clock) and self._live:
            self._check_clock(record, stamp_ns)
        self._apply_frames()
        outputs = self._engine.apply(record)
        self._add(outputs)
        if isinstance(record, Mention):
            log_mention(self._engine, record, outputs)
        if isinstance(record, Clock):
            return Due.final_checkpoint if record.final else Due.checkpoint
        return Due.outputs

    def _check_clock(self, clock: Clock, stamp_ns: int) -> None:
        """Refuse a Clock that lies too far ahead of the broker's, and a state that does."""
        if self._engine.clock_ns > stamp_ns + CLOCK_AHEAD_NS:
            raise StateError(
                f"the newest Clock of the state is {self._engine.clock_ns} ns, ahead of the broker's "
                f"stamp of {stamp_ns} ns: every row of now would be late. Set the broker's clock if "
                "it is wrong; else start a new --prefix"
            )
        if clock.ts_ns > stamp_ns + CLOCK_AHEAD_NS:
            detail = f"a Clock of {clock.ts_ns} ns, {stamp_ns} ns by the broker's"
            raise RecordError(IMPLAUSIBLE_CLOCK, detail)

    async def flush(self) -> list[StageOutput]:
        """Apply the frames that wait; return all that came out since the last call."""
        self._apply_frames()
        out, self._out = self._out, []
        if out:
            self._observer.reacted(self._engine)
        return [StageOutput(self._topics[type(each)], self._key(each), each) for each in out]

    def dirty_state(self) -> dict[str, bytes | None]:
        """Return what has changed of the engine, and forget what no reading can reach any more."""
        changed = self._cells.changes()
        self._engine.prune()
        return changed

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Take the state of a checkpoint."""
        self._cells.restore(state)

    def _apply_frames(self) -> None:
        if self._frames:
            self._add(self._engine.apply_frames(self._frames))
            self._frames, self._rows = [], 0

    def _add(self, outputs: list[Output]) -> None:
        if outputs:
            log_moves(self._engine, self._rules, outputs)
            self._out += outputs

    def _key(self, output: Output) -> str:
        if isinstance(output, Alert):
            return output.alert_id
        return self._market if isinstance(output, Reject) else output.listing


def of_partition(config: EngineConfig, partition: int, partitions: int) -> EngineConfig:
    """Return what one partition needs: its issuers' listings, and every benchmark."""
    named = {each.benchmark for each in config.listings} | {config.benchmark}
    own = tuple(
        each
        for each in config.listings
        if each.listing in named or partition_of(each.issuer, partitions) == partition
    )
    present = {each.listing for each in own}
    daily = tuple(row for row in config.daily if row.listing in present)
    return msgspec.structs.replace(config, listings=own, daily=daily)
