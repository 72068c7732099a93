"""Logs that long property hunts found; each is checked by hand and against the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from agents.reacting import row_pass as row_pass_module
from streams.events import MINUTE_NS, SECOND_NS, Clock, Flag, Move, Reaction, TickFrame
from tests.oracle.closes import DailyRow
from tests.oracle.engine import Record
from tests.reacting.test_parity import check_against_oracle, run
from tests.strategies import LISTINGS, MarketLog, mention

PRE_NS = 1_758_700_800 * SECOND_NS  # 24 September 2025, 08:00 UTC: XNYS pre, XHKG's auction
NEW_YORK, HONG_KONG = LISTINGS[0].listing, LISTINGS[1].listing
CLOSES = (DailyRow(NEW_YORK, 20_354, 163_080_000), DailyRow(HONG_KONG, 20_354, 159_300_000))
DOLLAR = 1_000_000


@pytest.fixture(autouse=True)
def columns_from_the_second_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_pass_module, "SCALAR_ROWS", 1)


class Script:
    """A log under way: rows by seconds after `PRE_NS`, a Clock before each frame."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._seq = 0

    def frame(self, listing: str, *rows: tuple[float, float, bool]) -> None:
        """Add (second, price, is a minute bar that ends there)."""
        ts = [PRE_NS + round(s * SECOND_NS) - bar for s, _, bar in rows]
        start = [t + 1 - MINUTE_NS if bar else t for t, (_, _, bar) in zip(ts, rows, strict=True)]
        price = np.array([round(p * DOLLAR) for _, p, _ in rows], np.int64)
        self.clock(max(s for s, _, _ in rows) // 1)
        self.records.append(
            TickFrame(
                run="r",
                first_seq=self._seq,
                listings=(listing,),
                listing=np.zeros(len(rows), np.int32),
                ts_ns=np.array(ts, np.int64),
                price=price,
                size=np.full(len(rows), 100, np.int64),
                flags=np.array([int(Flag.bar) * bar for _, _, bar in rows], np.int32),
                open=price,
                high=price,
                low=price,
                start_ns=np.array(start, np.int64),
            )
        )
        self._seq += len(rows)

    def clock(self, second: float, *, final: bool = False) -> None:
        self.records.append(Clock(ts_ns=PRE_NS + round(second) * SECOND_NS, final=final))

    def log(self) -> MarketLog:
        return MarketLog(LISTINGS[:2], CLOSES, tuple(self.records))


def test_a_bar_between_two_expiries_ends_their_succession() -> None:
    """Committed in columns, it must do so as well: else a lone bad print opens a level."""
    script = Script()
    script.frame(NEW_YORK, (0, 163.0, False), (1, 163.1, False))
    script.frame(NEW_YORK, (240, 177.9, False))  # held, and expires at 300
    script.frame(NEW_YORK, (420, 163.2, True), (420, 168.1, False))  # held, and expires at 480
    script.frame(NEW_YORK, (600, 163.2, True))
    script.clock(601, final=True)
    _, outputs = run(script.log(), script.records)
    assert not [o for o in outputs if isinstance(o, Move)]
    check_against_oracle(script.log())


def test_two_expiries_in_succession_do_open_a_level() -> None:
    script = Script()
    script.frame(NEW_YORK, (0, 163.0, False), (1, 163.1, False))
    script.frame(NEW_YORK, (240, 177.9, False))
    script.frame(NEW_YORK, (420, 168.1, False))
    script.clock(600)
    script.clock(601, final=True)
    _, outputs = run(script.log(), script.records)
    moves = [(o.level_pct, o.price, o.flags) for o in outputs if isinstance(o, Move)]
    assert moves == [(3, 168.1, ("thin",))]
    check_against_oracle(script.log())


@pytest.mark.parametrize("late", [False, True])
def test_the_session_close_is_the_same_for_a_late_headline(late: bool) -> None:
    """A bar that begins in the auction and ends after the close fell due (08:15) is not in it."""
    script = Script()
    news = mention("h", LISTINGS[1].issuer, PRE_NS - 60 * SECOND_NS)
    script.frame(HONG_KONG, (-90, 159.4, True))
    if not late:
        script.records.append(news)
    script.frame(HONG_KONG, (780, 159.5, True))
    script.frame(HONG_KONG, (930, 159.6, True))  # 08:14:30 to 08:15:30
    script.clock(3600)
    if late:
        script.records.append(news)
    script.clock(3601, final=True)
    _, outputs = run(script.log(), script.records)
    closes = [
        o.price
        for o in outputs
        if isinstance(o, Reaction) and (o.listing, o.horizon) == (HONG_KONG, "session_close")
    ]
    assert closes == [159.5]
    check_against_oracle(script.log())


def test_a_start_waits_for_expiries_that_are_due_before_it() -> None:
    """Held out of order, the last to expire puts its neighbour on the tape a second earlier."""
    script = Script()
    script.records.append(mention("h", LISTINGS[0].issuer, PRE_NS - 2 * SECOND_NS))
    script.frame(NEW_YORK, (1.1, 156.0, False))
    script.frame(NEW_YORK, (1.2, 143.0, False))
    script.frame(NEW_YORK, (0.9, 167.0, False))
    script.frame(NEW_YORK, (6.2, 167.1, False))
    script.clock(7_200)
    script.clock(7_201, final=True)
    _, outputs = run(script.log(), script.records)
    starts = {o.start_ns for o in outputs if isinstance(o, Reaction) and o.listing == NEW_YORK}
    assert starts == {PRE_NS + 60 * SECOND_NS}
    check_against_oracle(script.log())
