"""The score stage of a worker: `headlines` in their one order, Mentions out to `market`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from agents.scoring.cells import StoryCells
from agents.stages.decisions import log_scored
from agents.stages.observer import NOBODY, Observer
from agents.stages.scorer import make_scorer
from agents.workers.stage import Due, StageOutput
from streams.errors import CodecError
from streams.events import NEVER_NS, Clock, Headline, Mention
from streams.messages import Header, from_message
from streams.reference.universe import Universe
from streams.topics import MARKET, partition_of, prefixed

MOST_HEADLINES: Final = 64  # scored in one go: some 5 ms


class ScoreStage:
    """The scorer of all news; what waits is scored together, off the event loop."""

    def __init__(
        self,
        universe: Universe,
        partitions: int,
        prefix: str = "",
        observer: Observer = NOBODY,
    ) -> None:
        """`partitions` is that of `market`."""
        self._scorer, self._observer = make_scorer(universe), observer
        self._cells = StoryCells(self._scorer.stories)
        self._headlines: list[Headline] = []
        self._partitions, self._market = partitions, prefixed(prefix, MARKET)

    def process(
        self,
        value: bytes | None,
        headers: Iterable[Header] | None,
        stamp_ns: int = NEVER_NS,  # noqa: ARG002 - of Clocks that count
    ) -> Due:
        """Take a record of `headlines` in. CodecError: it is none."""
        record = from_message(value, headers, Headline)
        if isinstance(record, Clock):
            return Due.final_checkpoint if record.final else Due.checkpoint
        if not isinstance(record, Headline):
            raise CodecError(f"a {type(record).__name__} does not belong here")
        self._headlines.append(record)
        return Due.nothing if len(self._headlines) < MOST_HEADLINES else Due.outputs

    async def flush(self) -> list[StageOutput]:
        """Score the headlines that wait; return their Mentions."""
        headlines, self._headlines = self._headlines, []
        if not headlines:
            return []
        mentions = await asyncio.to_thread(self._score, headlines)
        return [self._outgoing(mention) for mention in mentions]

    def dirty_state(self) -> dict[str, bytes | None]:
        """Return the state keys of the stories that have changed since the last call."""
        return self._cells.changes()

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Take the state of a checkpoint."""
        self._cells.restore(state)

    def _score(self, headlines: list[Headline]) -> list[Mention]:
        found = []
        for headline in headlines:
            mentions = self._scorer.score(headline)
            self._observer.scored(mentions)
            log_scored(self._scorer, headline, mentions)
            found += mentions
        return found

    def _outgoing(self, mention: Mention) -> StageOutput:
        home = partition_of(mention.issuer, self._partitions)
        return StageOutput(self._market, mention.issuer, mention, home)
