"""One-minute volatility: an exponentially weighted variance with the event clipped."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import sqrt

import msgspec

DECAY = 0.94  # RiskMetrics (1996); half-life 11.2 observations
CLIP_SIGMA = 4.0  # an event may not hide itself, nor the next one (guide 1.4)
WARM_UP = 20  # observations before a sigma is given
KEPT = 1_200  # past values kept: three regular sessions of minutes


class VolatilityHead(msgspec.Struct, frozen=True, array_like=True):
    """A volatility without its past values, which are kept beside the minutes they belong to."""

    date: int
    last: int
    count: int
    variance: float
    first_end_ns: int  # of the past values


class Volatility(msgspec.Struct):
    """The variance of one-minute returns after each minute, newest last."""

    date: int = -1
    last: int = 0
    count: int = 0
    variance: float = 0.0
    ends_ns: list[int] = []
    sigmas: list[float] = []

    def observe(self, date: int, end_ns: int, last: int) -> None:
        """Take the last price of a regular minute ending at `end_ns`; minutes come in order."""
        previous, self.last = self.last, last
        if date != self.date:
            self.date = date
        else:
            self._learn(last / previous - 1.0)
        if self.count >= WARM_UP:
            self.ends_ns.append(end_ns)
            self.sigmas.append(sqrt(self.variance))
        if len(self.ends_ns) > 2 * KEPT:
            del self.ends_ns[:KEPT], self.sigmas[:KEPT]

    def _learn(self, r: float) -> None:
        self.count += 1
        if self.count <= WARM_UP:
            self.variance += (r * r - self.variance) / self.count
            return
        if self.variance > 0.0:  # twenty still minutes must not clip every later one to nothing
            bound = CLIP_SIGMA * sqrt(self.variance)
            r = min(max(r, -bound), bound)
        self.variance = DECAY * self.variance + (1.0 - DECAY) * r * r

    def head(self) -> VolatilityHead:
        """Return all but the past values."""
        first_ns = self.ends_ns[0] if self.ends_ns else 0
        return VolatilityHead(self.date, self.last, self.count, self.variance, first_ns)

    @classmethod
    def rebuilt(cls, head: VolatilityHead, ends_ns: list[int], sigmas: list[float]) -> Volatility:
        """Return the volatility that had this head, from all values still at hand."""
        at = bisect_left(ends_ns, head.first_end_ns)
        past = (ends_ns[at:], sigmas[at:]) if head.first_end_ns else ([], [])
        return cls(head.date, head.last, head.count, head.variance, *past)

    def exactly(self, end_ns: int) -> float | None:
        """Return the value after the minute that ended at `end_ns`; None where it gave none."""
        at = bisect_left(self.ends_ns, end_ns)
        known = at < len(self.ends_ns) and self.ends_ns[at] == end_ns
        return self.sigmas[at] if known else None

    def sigma(self, t_ns: int) -> float | None:
        """Return sigma after the newest minute that ended by `t_ns`; None before the warm-up."""
        at = bisect_right(self.ends_ns, t_ns) - 1
        return self.sigmas[at] if at >= 0 else None
