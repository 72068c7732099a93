"""A machine that gives an engine any records in any order: it never raises, loops or says a thing twice.

It knows nothing of what the outputs must be (the oracle does); only that there is an end to each
record, that restoring a snapshot changes nothing, and that a reaction, a move or a state of an
alert comes once.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from agents.reacting.config import DailyRow, EngineConfig
from agents.reacting.engine import Engine
from streams.codec import encode
from streams.events import (
    SECOND_NS,
    Alert,
    Clock,
    Correction,
    Flag,
    MarketRecord,
    Move,
    Output,
    Reaction,
    Status,
    TickFrame,
)
from streams.reference.calendars import Calendar
from tests.attack.bounds import TooLongError, seconds, steps
from tests.strategies import BENCHMARK, CLOSES, LISTINGS, calendars, mention

# A record of at most 40 rows, 4 listings and 3 issuers: 1,000 calls a row and more for what falls
# due after days of silence. Sound logs of this machine take 20,000 at most.
STEPS = 200_000
SECONDS = 5.0
START_NS = 1_758_720_600_000_000_000  # Wednesday 24 September 2025, 13:30 UTC: New York opens
NAMES = (*(each.listing for each in LISTINGS), "NOBODY.XNYS")
ISSUERS = ("ALIBABA", "SPDR", "PENNY", "NOBODY")
LOWEST, HIGHEST = -(2**63), 2**63 - 1


def _of_this_year(calendar: Calendar) -> Calendar:
    """Return 2025 and 2026 of a calendar: an engine over all of it takes longer to make than to play."""
    begin, end = np.searchsorted(calendar.dates, (20_089, 20_819)).tolist()
    first, last = np.searchsorted(calendar.session_dates, (20_089, 20_819)).tolist()
    names = (
        "session_dates", "first_ns", "regular_start_ns", "regular_end_ns", "last_end_ns",
        "utc_offset_ns",
    )  # fmt: skip
    return Calendar(
        name=calendar.name,
        zone=calendar.zone,
        bounds_ns=calendar.bounds_ns[begin : end + 1],
        phases=calendar.phases[begin:end],
        dates=calendar.dates[begin:end],
        **{name: getattr(calendar, name)[first:last] for name in names},
    )


CONFIG = EngineConfig(
    listings=LISTINGS,
    calendars={mic: _of_this_year(each) for mic, each in calendars().items()},
    benchmark=BENCHMARK,
    daily=tuple(DailyRow(listing=name, date=20_354, close=close) for name, close in CLOSES.items()),
)

edges = st.sampled_from((LOWEST, -1, 0, 1, 2**31, 2**53, 2**62 - 1, 2**62, 2**62 + 1, HIGHEST))
mostly = 12  # to one: how much oftener a usual number is drawn than an edge


def usual(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[int]:
    """Draw a usual number, now and then an edge of int64."""
    return st.integers(0, mostly).flatmap(lambda n: numbers if n else edges)


aside_s = usual(st.integers(-4 * 3600, 4) | st.integers(-20 * 86_400, 20 * 86_400))
steps_s = st.sampled_from((1, 1, 2, 5, 60, 300, 3600, 6 * 3600, 86_400, 4 * 86_400, 10 * 86_400))
# 1 % and more about the closes, prices of nothing, and the edges
prices = usual(st.sampled_from((0.001, 0.5, 0.9, 0.97, 1.0, 1.0, 1.01, 1.031, 1.06, 1.12, 1.3, 9.0)).map(lambda x: round(x * 160_000_000)))  # fmt: skip
flags = st.sampled_from((0, 0, 0, 0, 0, *Flag, Flag.bar | Flag.point, 2**31 - 1, -(2**31)))
rows = st.tuples(
    st.integers(0, len(NAMES) - 1), aside_s, prices, usual(st.integers(0, 1000)), flags
)


def bounded(ns: int) -> int:
    return min(max(ns, LOWEST), HIGHEST)


def frame_of(at_ns: int, drawn: Sequence[tuple[int, int, int, int, int]], **more: Any) -> TickFrame:
    """Return drawn rows as a frame; `ts` is aside of `at_ns` by seconds, or is an edge itself."""
    listing, aside, price, size, flag = zip(*drawn, strict=True)
    columns: dict[str, Any] = {
        "listing": np.array(listing, np.int32),
        "ts_ns": np.array([_instant(at_ns, each, n) for n, each in enumerate(aside)], np.int64),
        "price": np.array(price, np.int64),
        "size": np.array(size, np.int64),
        "flags": np.array([int(each) for each in flag], np.int32),
        "exchanges": ("", "N", "P", "Q"),
        "exchange": np.array([n % 4 for n in range(len(drawn))], np.int32),
    }
    return TickFrame(**{"run": "", "first_seq": 0, "listings": NAMES, **columns, **more})


def _instant(at_ns: int, aside: int, number: int = 0) -> int:
    near = abs(aside) <= 30 * 86_400
    return bounded(at_ns + aside * SECOND_NS + number if near else aside)


class EngineMachine(RuleBasedStateMachine):
    """One engine, the wall clock beside it, and all that it has said."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine(CONFIG)
        self.now_ns = START_NS
        self.given: list[MarketRecord] = []
        self.said: Counter[tuple[object, ...]] = Counter()

    # -- records

    @rule(step_s=steps_s)
    def clock(self, step_s: int) -> None:
        self.now_ns = bounded(self.now_ns + step_s * SECOND_NS)
        self.give(Clock(ts_ns=self.now_ns // SECOND_NS * SECOND_NS))

    @rule(aside=aside_s, final=st.integers(0, 19))
    def clock_of_another_time(self, aside: int, final: int) -> None:
        self.give(Clock(ts_ns=_instant(self.now_ns, aside), final=not final))

    @rule(drawn=st.lists(rows, min_size=1, max_size=40))
    def frame(self, drawn: list[tuple[int, int, int, int, int]]) -> None:
        self.give(frame_of(self.now_ns, drawn))

    @rule(
        listing=st.integers(0, len(NAMES) - 1), price=prices, count=st.integers(1, 4),
        flag=st.sampled_from((0, 0, 0, Flag.point)),
    )  # fmt: skip
    def rows_of_now(self, listing: int, price: int, count: int, flag: int) -> None:
        self.give(frame_of(self.now_ns, [(listing, 0, price, 100, flag)] * count))

    @rule(drawn=st.lists(rows, min_size=1, max_size=20), first=usual(st.integers(0, 60)))
    def numbered_frame(self, drawn: list[tuple[int, int, int, int, int]], first: int) -> None:
        self.give(frame_of(self.now_ns, drawn, run="r", first_seq=max(first, 0)))

    @rule(drawn=st.lists(rows, min_size=1, max_size=10), three=st.tuples(prices, prices, prices), start=aside_s)  # fmt: skip
    def bars(
        self, drawn: list[tuple[int, int, int, int, int]], three: tuple[int, int, int], start: int
    ) -> None:
        column = lambda number: np.full(len(drawn), number, np.int64)  # noqa: E731
        open_, high, low = map(column, three)
        start_ns = column(_instant(self.now_ns, start))
        self.give(frame_of(self.now_ns, drawn, open=open_, high=high, low=low, start_ns=start_ns))

    @rule(
        number=st.integers(0, 3), issuer=st.sampled_from(ISSUERS), aside=aside_s,
        revision=usual(st.integers(0, 3)), action=st.sampled_from(("created", "updated", "deleted")),
    )  # fmt: skip
    def mention(self, number: int, issuer: str, aside: int, revision: int, action: str) -> None:
        at_ns = _instant(self.now_ns, aside)
        own = mention(f"h{number}", issuer, at_ns, revision=revision, action=action)
        self.give(own)

    @rule(number=st.integers(0, 3), issuer=st.sampled_from(ISSUERS[:3]))
    def mention_of_now(self, number: int, issuer: str) -> None:
        self.give(mention(f"h{number}", issuer, self.now_ns))

    @rule(listing=st.sampled_from(NAMES), aside=aside_s, action=st.sampled_from(("halt", "resume")))
    def status(self, listing: str, aside: int, action: Any) -> None:
        self.give(Status(listing=listing, ts_ns=_instant(self.now_ns, aside), action=action))

    @rule(listing=st.sampled_from(NAMES), aside=aside_s, price=st.none() | prices)
    def correction(self, listing: str, aside: int, price: int | None) -> None:
        at_ns = _instant(self.now_ns, aside)
        self.give(Correction(listing=listing, ts_ns=at_ns, exchange="N", trade_id="1", price=price))

    @rule(back=st.integers(1, 30))
    def one_of_before_again(self, back: int) -> None:
        if len(self.given) >= back:
            self.give(self.given[-back], new=False)

    @rule()
    def restored(self) -> None:
        """Another engine goes on from a snapshot, and has the same one."""
        snapshot = self.engine.snapshot()
        self.engine = Engine(CONFIG)
        self.engine.restore(snapshot)
        assert self.engine.snapshot() == snapshot, "what was restored is another state"

    # -- what must hold

    def give(self, record: MarketRecord, *, new: bool = True) -> None:
        if new:
            self.given.append(record)
        try:
            with seconds(SECONDS), steps(STEPS):
                outputs = self.engine.apply(record)
        except TooLongError as fault:
            raise AssertionError(f"{fault}: {str(record)[:500]}") from None
        for output in outputs:
            encode(output)  # what travels fits its columns
            self.once(output)

    def once(self, output: Output) -> None:
        key = key_of(output)
        if key is not None:
            self.said[key] += 1
            assert self.said[key] == 1, f"twice: {key}"


def key_of(output: Output) -> tuple[object, ...] | None:
    """Return by what an output is known; None: it may come again.

    A headline that comes back when it has been forgotten, nine days after, at another event, is
    another one.
    """
    if isinstance(output, Reaction):
        return "reaction", output.headline_id, output.event_ns, output.listing, output.horizon
    if isinstance(output, Move):
        return "move", output.move_id
    if isinstance(output, Alert):
        return "alert", output.alert_id, encode(output)
    return None


DEEP = settings(max_examples=300, stateful_step_count=60, deadline=None)


def test_nothing_harms_the_engine() -> None:
    run_state_machine_as_test(EngineMachine, settings=settings(DEEP, max_examples=150))


if __name__ == "__main__":  # python -m tests.reacting.test_engine_machine 100000
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    run_state_machine_as_test(EngineMachine, settings=settings(DEEP, max_examples=count))
    print(f"{count:,} histories of {DEEP.stateful_step_count} records at most: held")
