"""What each listing traded in a whole replay: the engine's own tape, point by point, kept on disk.

The rows are played once more without the headlines, which change no price. So it does not matter
whether the replay itself went through Kafka, or was resumed after a crash.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from agents.reacting.engine import Engine
from agents.reacting.listing_state import ListingState
from agents.replay.play.inputs import Inputs
from agents.replay.play.timeline import RUN_SPAN_NS, Timeline
from streams.events import I64, NEVER_NS

POINT_COLUMNS: Final = 6  # agents/reacting/tapes/points.py
HELD_POINTS: Final = 500_000  # in memory before they go to disk: 24 MB
PRUNE_EVERY: Final = 50  # stretches of rows


class Traded:
    """The points of all listings, and the previous close of each trade date, by its days since 1970."""

    def __init__(self, folder: Path, lines: list[ListingState]) -> None:
        self.closes: dict[str, dict[int, int]] = {}
        self._folder, self._lines = folder, lines
        self._numbers = {line.name: line.index for line in lines}
        self._held: dict[str, list[I64]] = defaultdict(list)
        self._points = 0
        self._taken_ns = 0

    def take(self, until_ns: int) -> None:
        """Take what is final and was not taken before: the points of seconds that ended by then."""
        for line in self._lines:
            state = line.state
            if state.date >= 0 and state.ladder.close is not None:
                self.closes.setdefault(line.name, {})[state.date] = state.ladder.close
            block = line.tape.seconds(self._taken_ns, until_ns)
            if block.shape[1]:
                self._held[line.name].append(block.T.copy())
                self._points += block.shape[1]
        self._taken_ns = max(self._taken_ns, until_ns)
        if self._points > HELD_POINTS:
            self.flush()

    def flush(self) -> None:
        """Put all that is held on disk."""
        for name, blocks in self._held.items():
            with self._path(name).open("ab") as file:
                file.writelines(block.tobytes() for block in blocks)
        self._held.clear()
        self._points = 0

    def listings(self) -> list[str]:
        """Return the listings that traded, sorted."""
        return sorted(line.name for line in self._lines if self._path(line.name).is_file())

    def points(self, listing: str) -> I64:
        """Return the points (6 x n) of a listing."""
        return np.fromfile(self._path(listing), np.int64).reshape(-1, POINT_COLUMNS).T

    def _path(self, listing: str) -> Path:
        return self._folder / f"{self._numbers[listing]}.points"


def traded(inputs: Inputs, folder: Path) -> Traded:
    """Play the rows of a replay and return what was traded; `folder` is empty and takes the points."""
    engine = Engine(inputs.engine)
    quiet = msgspec.structs.replace(inputs, headlines=[])
    timeline = Timeline(quiet, engine, None, RUN_SPAN_NS)
    found = Traded(folder, engine.registry.lines)
    for number, _ in enumerate(timeline.play(0, len(timeline))):
        found.take(engine.settled_ns)
        if number % PRUNE_EVERY == PRUNE_EVERY - 1:
            engine.prune()
    if len(timeline):
        timeline.finish(int(inputs.rows.known_ns[-1]))
    found.take(NEVER_NS)
    found.flush()
    return found
