"""How many items a feed usually brings at each hour of the week, and so what its silence means.

A wire says little at night and much at eight in New York, so that ten quiet minutes are normal on
a Sunday and a dead socket on a Monday. Each hour of the week has its own rate, learned week by
week; before there is one, the rate that the feed's kind is known for stands in.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from streams.events import SECOND_NS

HOUR_NS: Final = 3_600 * SECOND_NS
WEEK_HOURS: Final = 168
NEWEST_SHARE: Final = 0.3  # of a rate: what the newest such hour said
BUSY: Final = range(
    7, 19
)  # hours of a working day in which wires speak (guides/finance.md: 07-19 ET)
# A feed of independent items is silent through 9.2 expected ones once in 10,000 times (exp(-9.2)).
SILENT_ITEMS: Final = 9.2
MOST_PER_HOUR: Final = 1_000_000  # items; no feed says so much
MOST_HOURS: Final = 2 * WEEK_HOURS  # of absence that are looked at


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items an hour that are expected before a feed's own rhythm is known."""

    busy_per_hour: float = 0.0
    quiet_per_hour: float = 0.0
    zone: str = "America/New_York"

    def __post_init__(self) -> None:
        for key in ("busy_per_hour", "quiet_per_hour"):
            if not 0 <= getattr(self, key) <= MOST_PER_HOUR:
                raise ValueError(f"{key}: it must be from 0 to {MOST_PER_HOUR:,} items")
        try:
            ZoneInfo(self.zone)
        except (KeyError, OSError, ValueError) as fault:
            raise ValueError(
                f'zone: "{self.zone}" is no time zone; write one such as "America/New_York"'
            ) from fault


class Learned(msgspec.Struct):
    """What is kept over restarts; None: that hour of the week was never seen whole."""

    rates: list[float | None] = msgspec.field(default_factory=lambda: [None] * WEEK_HOURS)
    hour: int | None = None  # since 1970, the one that is being counted
    count: int = 0
    whole: bool = False  # it was counted from its beginning


class Rhythm:
    """The rates of one feed. Times are ns UTC and must not run backwards by more than an hour."""

    def __init__(self, expect: Expect | None = None, state: bytes | None = None) -> None:
        """`state` is what `snapshot` gave. msgspec.DecodeError: it is not."""
        self._expect = expect or Expect()
        self._zone = ZoneInfo(self._expect.zone)
        self._learned = msgspec.msgpack.decode(state, type=Learned) if state else Learned()

    def note(self, at_ns: int, items: int) -> None:
        """Count items that came at that instant; 0 tells only that it was listened to until then."""
        hour = at_ns // HOUR_NS
        learned = self._learned
        if learned.hour is None or hour < learned.hour or hour > learned.hour + 1:
            learned.hour, learned.count, learned.whole = hour, 0, False  # we were away
        elif hour == learned.hour + 1:
            self._close()
            learned.hour, learned.count, learned.whole = hour, 0, True
        learned.count += items

    def expected(self, from_ns: int, until_ns: int) -> float:
        """Return how many items should have come between two instants."""
        from_ns = max(from_ns, until_ns - MOST_HOURS * HOUR_NS)
        total = 0.0
        while from_ns < until_ns:
            end_ns = min((from_ns // HOUR_NS + 1) * HOUR_NS, until_ns)
            total += self.rate_per_hour(from_ns) * (end_ns - from_ns) / HOUR_NS
            from_ns = end_ns
        return total

    def silent(self, last_ns: int, now_ns: int) -> bool:
        """Tell whether a feed that brought nothing since `last_ns` is probably broken."""
        return self.expected(last_ns, now_ns) > SILENT_ITEMS

    def rate_per_hour(self, at_ns: int) -> float:
        """Return the expected rate at an instant, in items an hour."""
        local = dt.datetime.fromtimestamp(at_ns // SECOND_NS, self._zone)
        learned = self._learned.rates[local.weekday() * 24 + local.hour]
        if learned is not None:
            return learned
        busy = local.weekday() < 5 and local.hour in BUSY
        return self._expect.busy_per_hour if busy else self._expect.quiet_per_hour

    def snapshot(self) -> bytes:
        """Return what must be kept over restarts."""
        return msgspec.msgpack.encode(self._learned)

    def restore(self, state: bytes) -> None:
        """Go on from what `snapshot` gave. msgspec.DecodeError: it is not."""
        self._learned = msgspec.msgpack.decode(state, type=Learned)

    def _close(self) -> None:
        learned = self._learned
        if not learned.whole or learned.hour is None:
            return
        local = dt.datetime.fromtimestamp(learned.hour * 3_600, self._zone)
        slot = local.weekday() * 24 + local.hour
        before = learned.rates[slot]
        fresh = float(learned.count)
        rate = (
            fresh
            if before is None
            else math.fsum((before * (1 - NEWEST_SHARE), fresh * NEWEST_SHARE))
        )
        learned.rates[slot] = rate
