"""The bad-tick filter: hold a far price until others agree, or until it proves alone.

A past-only outlier test eats the start of a true jump (guide 1.6: 71 false positives in 6,000
ticks); hold-and-confirm had 2, both the delayed first ticks of the jump itself.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from streams.events import SECOND_NS
from streams.reference.pricetick import price_tick

FAR_PER_MILLE = 8  # 0.8 %
FAR_TICKS = 5
AGREE_PER_MILLE = 5  # 0.5 %
AGREE_TICKS = 2
CONFIRMING = 3  # rows that release each other
HELD_NS = 60 * SECOND_NS


class Trade(msgspec.Struct, frozen=True, array_like=True):
    """One trade as the filter and the listing see it; exchange "" = unknown."""

    ts_ns: int
    price: int
    size: int
    exchange: str
    flags: int


class FilterVerdict(NamedTuple):
    """What is to be done with rows: rejected first, then accepted, in order."""

    rejected: list[Trade]
    accepted: list[Trade]


def is_far(mic: str, price: int, reference: int) -> bool:
    """Tell whether `price` is too far from `reference` to be believed alone."""
    gap = abs(price - reference)
    return gap * 1000 > FAR_PER_MILLE * reference and gap > FAR_TICKS * price_tick(mic, reference)


class BadTickFilter(msgspec.Struct):
    """The rows held for one listing, oldest first."""

    mic: str
    held: list[Trade] = []
    expired: int | None = None  # price of the last row that expired with nothing accepted since

    def judge(self, trade: Trade, reference: int | None) -> FilterVerdict:
        """Decide on a new trade against the reference price (None: nothing to judge by)."""
        if reference is None or not is_far(self.mic, trade.price, reference):
            return self._settle(FilterVerdict(self.held, [trade]))
        self.held = [*self.held, trade]
        suffix = self._agreeing()
        if len(suffix) < CONFIRMING or self._one_print(suffix):
            return FilterVerdict([], [])
        return self._settle(FilterVerdict(self.held[: -len(suffix)], suffix))

    def pass_bar(self, close: int, reference: int | None) -> list[Trade]:
        """Return the held rows that a bar closing near the reference rejects."""
        if not self.held:
            return []
        if reference is not None and is_far(self.mic, close, reference):
            return []
        return self._settle(FilterVerdict(self.held, [])).rejected

    def expire(self) -> tuple[Trade, list[Trade], int | None]:
        """Take the oldest held row out: return it, those still held, and the price expired before it."""
        first, rest = self.held[0], self.held[1:]
        before, self.expired, self.held = self.expired, first.price, []
        return first, rest, before

    def due_ns(self) -> int | None:
        """Return when the oldest held row expires."""
        return self.held[0].ts_ns + HELD_NS if self.held else None

    def _settle(self, verdict: FilterVerdict) -> FilterVerdict:
        self.held, self.expired = [], None
        return verdict

    def _agreeing(self) -> list[Trade]:
        low = high = self.held[-1].price
        at = len(self.held)
        for trade in reversed(self.held):
            low, high = min(low, trade.price), max(high, trade.price)
            within = (high - low) * 1000 <= AGREE_PER_MILLE * low
            if not within and high - low > AGREE_TICKS * price_tick(self.mic, low):
                break
            at -= 1
        return self.held[at:]

    @staticmethod
    def _one_print(suffix: list[Trade]) -> bool:
        """One price on one known exchange may be one bad source, however often it repeats."""
        first = suffix[0]
        return first.exchange != "" and all(
            t.price == first.price and t.exchange == first.exchange for t in suffix
        )
