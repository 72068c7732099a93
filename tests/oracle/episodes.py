"""Short stretches of rows in which something happens, for the market logs of the property tests."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.events import MINUTE_NS, SECOND_NS, Flag
from tests.oracle.rows import Row

PLAIN = Flag(0)
MILLISECOND_NS = 1_000_000
EXCHANGES = ("", "N", "Q", "P")
LEVELS_PCT = (3, 5, 8, 10, 15, 20)


@dataclass
class Script:
    """A pen that writes rows of one listing; `arrivals` are (arrival_ns, row)."""

    rng: random.Random
    listing: str
    t_ns: int
    price: int  # millionths: what the listing trades at now
    close: int  # about its previous close
    count: int
    level_pct: int  # signed
    arrivals: list[tuple[int, Row]] = field(default_factory=list)

    def add(self, row: Row, delay_ns: int | None = None) -> None:
        if delay_ns is None:
            delay_ns = self.rng.choice((0, 1, 40, 300)) * MILLISECOND_NS
        self.arrivals.append((row.ts_ns + delay_ns, row))

    def trade(
        self,
        price: int,
        flags: Flag = PLAIN,
        exchange: str | None = None,
        delay_ns: int | None = None,
    ) -> None:
        size = self.rng.choice((1, 100, 100, 250))
        venue = self.rng.choice(EXCHANGES) if exchange is None else exchange
        self.add(Row(self.listing, self.t_ns, max(price, 1), size, flags, venue), delay_ns)

    def wait(self, *choices_s: float) -> None:
        self.t_ns += int(self.rng.choice(choices_s) * SECOND_NS)

    def near(self) -> int:
        """Move the price by up to 0.05 %, and return it."""
        self.price += self.price * self.rng.randint(-5, 5) // 10_000
        return self.price

    def far(self) -> int:
        """Return a price 1 to 12 % away, without moving there."""
        return self.price * (100 + self.rng.choice((-12, -4, -1, 1, 3, 9))) // 100

    def target(self) -> int:
        """Return a price at the level, or a hair beside it."""
        exact = self.close * (100 + self.level_pct) // 100
        return exact + self.rng.choice((-1, 0, 0, 1, 900))


def drift(s: Script) -> None:
    for _ in range(s.count):
        s.trade(s.near())
        s.wait(0, 0.2, 0.7, 1, 3)


def dense(s: Script) -> None:
    for _ in range(2 * s.count):
        s.trade(s.near())
        s.wait(0, 0, 0.001, 0.09)


def sparse(s: Script) -> None:
    for _ in range(min(s.count, 12)):
        s.trade(s.near())
        s.wait(20, 59, 60, 61, 400, 1900)


def minutes(s: Script) -> None:
    """One trade a minute for half an hour and more: enough for a volatility."""
    for _ in range(22 + s.count):
        s.trade(s.near())
        s.wait(58, 60, 61)


def climb(s: Script) -> None:
    """Walk to a level in steps the filter lets through, and stand there."""
    target = s.target()
    for _ in range(40):
        gap = target - s.price
        s.price += max(-s.price * 7 // 1000, min(s.price * 7 // 1000, gap))
        s.trade(s.price)
        s.wait(0.1, 0.5, 1)
        if s.price == target:
            break
    s.trade(s.near())


def bad_print(s: Script) -> None:
    s.trade(s.near())
    for _ in range(1 + s.count % 2):
        s.wait(0.1, 1)
        s.trade(s.far())
    s.wait(0.1, 5, 50)
    s.trade(s.near())


def jump(s: Script) -> None:
    s.trade(s.near())
    s.price = s.target()
    for _ in range(3 + s.count % 4):
        s.wait(0, 0.3, 1, 20)
        s.trade(s.price + s.price * s.rng.randint(0, 4) // 1000)


def one_exchange(s: Script) -> None:
    """Three or more rows of one price on one exchange, known or not; then perhaps another."""
    price, exchange = s.target(), s.rng.choice(("N", ""))
    for _ in range(3 + s.count % 2):
        s.trade(price, exchange=exchange)
        s.wait(0.2, 1)
    if s.count % 3 == 0:
        s.trade(price, exchange="P")
        s.price = price


def expiring(s: Script) -> None:
    """Far rows about a minute apart: they expire, one by one or two together."""
    price = s.target()
    for _ in range(1 + s.count % 4):
        s.trade(price + price * s.rng.choice((0, 0, 9, -20)) // 1000, exchange="N")
        s.wait(25, 59.9, 60, 61, 90)
    s.price = price
    s.wait(1, 61)
    if s.count % 2:
        s.trade(s.near())


def bars(s: Script) -> None:
    """Minute bars, some with trades between, some crossing a border of the day."""
    start = s.t_ns // MINUTE_NS * MINUTE_NS + s.rng.choice((0, 0, 0, 30)) * SECOND_NS
    for k in range(s.count):
        close = s.price if s.rng.random() < 0.3 else s.near()
        high = max(close, s.target() if k == s.count // 2 else close)
        low = min(close, s.target() if k == s.count // 3 else close)
        end = start + MINUTE_NS - 1
        size = s.rng.choice((0, 500))
        s.add(Row(s.listing, end, close, size, Flag.bar, "", close, high, low, start), 1)
        if s.rng.random() < 0.3:
            s.t_ns = start + s.rng.randint(59, 60) * SECOND_NS
            s.trade(s.rng.choice((s.price, s.far())))
        start += MINUTE_NS * s.rng.choice((1, 1, 3))


def official(s: Script) -> None:
    for _ in range(1 + s.count % 3):
        flags = s.rng.choice((Flag.official_close, Flag.official_close, Flag.corrected_close))
        s.trade(s.price + s.rng.randint(-9, 9), flags)
        s.wait(0, 1, 30)
    s.trade(s.price + 7, Flag.official_open)


def volume_only(s: Script) -> None:
    silent = Flag.no_last | Flag.no_range
    for _ in range(min(s.count, 8)):
        kinds = (silent, silent | Flag.no_volume, Flag.extended, Flag.no_volume)
        flags = s.rng.choice(kinds)
        away = silent in flags and s.rng.random() < 0.5
        s.trade(s.far() if away else s.near(), flags)
        s.wait(0, 0.4, 2)


def range_only(s: Script) -> None:
    for _ in range(1 + s.count % 4):
        s.trade(s.rng.choice((s.near(), s.near(), s.far())), Flag.no_last)
        s.wait(0, 0.6, 2)


def first_last(s: Script) -> None:
    for _ in range(1 + s.count % 3):
        s.trade(s.near(), Flag.first_last)
        s.wait(0, 1)


def bad_price(s: Script) -> None:
    s.add(Row(s.listing, s.t_ns, s.rng.choice((0, -5)), 1))
    p = s.price
    s.add(Row(s.listing, s.t_ns, p, 1, Flag.bar, "", p, p - 1, p + 1, s.t_ns - SECOND_NS), 1)


def disorder(s: Script) -> None:
    """Rows that come behind others: within the lateness, on its edge and beyond."""
    for _ in range(s.count):
        s.trade(
            s.near(), delay_ns=s.rng.choice((0, 0, 900, 1900, 2000, 2001, 6000)) * MILLISECOND_NS
        )
        s.wait(0, 0.2, 0.8)


def misplaced(s: Script) -> None:
    """Rows of another time or of nobody: future, past, unknown."""
    s.trade(s.near(), delay_ns=-s.rng.choice((4, 5, 6, 5000)) * SECOND_NS)
    s.add(Row(s.listing, 900_000_000 * SECOND_NS, s.price), s.t_ns - 900_000_000 * SECOND_NS)
    s.add(Row("NOBODY.XNYS", s.t_ns, s.price))


def points(s: Script) -> None:
    """Completed seconds of a broadcast listing, a few wrong, repeated or jumping."""
    second = s.t_ns // SECOND_NS
    for _ in range(s.count):
        shape = s.rng.choice((0, 0, 0, 0, 1, 2, 3))
        price = s.far() if shape == 1 else s.near()
        flags = Flag.point | Flag.bar if shape == 2 else Flag.point
        end = (second + 1) * SECOND_NS - 1
        row = Row(s.listing, end, price, 10, flags, "", price, price, price, second * SECOND_NS)
        for _ in range(2 if shape == 3 else 1):
            s.add(row, 1)
        second += s.rng.choice((1, 1, 1, 2, 30, 61))


EPISODES: dict[str, Callable[[Script], None]] = {
    each.__name__: each
    for each in (
        drift, dense, climb, jump, bad_print, expiring, bars, sparse, minutes, one_exchange,
        official, volume_only, range_only, first_last, bad_price, disorder, misplaced, points,
    )
}  # fmt: skip
