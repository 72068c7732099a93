"""Day levels: integer thresholds from the previous close, each passed once per trade date."""

from __future__ import annotations

import msgspec

from agents.reacting.config import DAY_LEVELS_PCT
from streams.events import Direction, Phase

OUT_OF_REACH = 2**62  # no price passes it


class Crossing(msgspec.Struct, frozen=True):
    """A row that passed levels: what the moves and the alert are made of."""

    ts_ns: int
    direction: Direction
    levels_pct: tuple[int, ...]
    price: int
    close: int
    session: str
    flags: tuple[str, ...] = ()


class Ladder(msgspec.Struct):
    """The levels of one listing on one trade date, and how many of each side it has passed."""

    close: int | None = None  # previous close; None: no level is tested
    passed_up: int = 0
    passed_down: int = 0

    def next_up(self) -> int:
        """Return the lowest price that passes a new level upwards."""
        if self.close is None or self.passed_up >= len(DAY_LEVELS_PCT):
            return OUT_OF_REACH
        return up_threshold(self.close, DAY_LEVELS_PCT[self.passed_up])

    def next_down(self) -> int:
        """Return the highest price that passes a new level downwards; may be below any price."""
        if self.close is None or self.passed_down >= len(DAY_LEVELS_PCT):
            return -OUT_OF_REACH
        return down_threshold(self.close, DAY_LEVELS_PCT[self.passed_down])

    def pass_up(self, price: int) -> tuple[int, ...]:
        """Return the levels that `price` newly passes upwards, lowest first."""
        before = self.passed_up
        while self.passed_up < len(DAY_LEVELS_PCT) and price >= self.next_up():
            self.passed_up += 1
        return DAY_LEVELS_PCT[before : self.passed_up]

    def pass_down(self, price: int) -> tuple[int, ...]:
        """Return the levels that `price` newly passes downwards, lowest first."""
        before = self.passed_down
        while self.passed_down < len(DAY_LEVELS_PCT) and price <= self.next_down():
            self.passed_down += 1
        return DAY_LEVELS_PCT[before : self.passed_down]

    def cross(self, t_ns: int, high: int, low: int, phase: Phase) -> list[Crossing]:
        """Return the levels that a row newly passes: by its high first, then by its low."""
        found = []
        if high >= self.next_up():
            found.append(self._crossing(t_ns, "up", self.pass_up(high), high, phase))
        if low <= self.next_down():
            found.append(self._crossing(t_ns, "down", self.pass_down(low), low, phase))
        return found

    def cross_thin(self, t_ns: int, first: int, second: int, phase: Phase) -> list[Crossing]:
        """Return the levels that two held rows, expired in succession, both lie beyond (DESIGN 7)."""
        found = []
        if up := self.pass_up(min(first, second)):
            found.append(self._crossing(t_ns, "up", up, second, phase, ("thin",)))
        if down := self.pass_down(max(first, second)):
            found.append(self._crossing(t_ns, "down", down, second, phase, ("thin",)))
        return found

    def _crossing(
        self,
        t_ns: int,
        direction: Direction,
        levels: tuple[int, ...],
        price: int,
        phase: Phase,
        flags: tuple[str, ...] = (),
    ) -> Crossing:
        assert self.close is not None  # no level is passed without one
        return Crossing(t_ns, direction, levels, price, self.close, phase.name, flags)


def up_threshold(close: int, level_pct: int) -> int:
    """Return the least p with 100 * (p - close) >= level * close."""
    return -(-close * (100 + level_pct) // 100)


def down_threshold(close: int, level_pct: int) -> int:
    """Return the greatest p with 100 * (close - p) >= level * close."""
    return close * (100 - level_pct) // 100
