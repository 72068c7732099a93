"""Beta and residual sigma from daily returns."""

from __future__ import annotations

from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.reacting.closes import DailyTable
from agents.reacting.config import DailyRow
from agents.reacting.explaining.betas import beta_before, beta_of
from agents.reacting.explaining.constants import FEWEST_DAYS


def days(beta: float, count: int, noise: float, seed: int = 7) -> tuple[list[float], list[float]]:
    random = Random(seed)
    market = [random.gauss(0.0, 0.01) for _ in range(count)]
    return [beta * m + random.gauss(0.0, noise) for m in market], market


def test_a_long_quiet_history_gives_its_beta() -> None:
    found = beta_of(*days(1.8, 250, 0.002))
    assert found.beta == pytest.approx(1.8, abs=0.05)
    assert found.sigma == pytest.approx(0.002, abs=0.0003)
    assert not found.assumed


def test_a_short_noisy_one_is_drawn_towards_one() -> None:
    noisy, market = days(2.5, 25, 0.03)
    raw = beta_of(noisy, market, prior=0.0).beta
    assert abs(beta_of(noisy, market).beta - 1.0) < 1.5
    assert raw < beta_of(noisy, market).beta


def test_too_little_is_assumed_and_says_so() -> None:
    short, market = days(2.0, FEWEST_DAYS - 1, 0.001)
    assert beta_of(short, market).beta == 1.0
    assert beta_of(short, market).assumed
    assert beta_of(short, market, prior=-2.0).beta == -2.0
    still = [0.0] * 60
    assert beta_of(still, still).assumed


def test_an_old_event_does_not_bend_it() -> None:
    own, market = days(1.0, 120, 0.005)
    bent = own.copy()
    bent[60] += 0.4
    assert beta_of(bent, market).beta == pytest.approx(beta_of(own, market).beta, abs=0.35)


@given(st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(-0.1, 0.1)), min_size=20, max_size=80))
def test_any_history_gives_a_finite_beta(pairs: list[tuple[float, float]]) -> None:
    found = beta_of([a for a, _ in pairs], [b for _, b in pairs])
    assert abs(found.beta) < 100.0


FIRST = 20_000  # a trade date


def table(name: str, returns: list[float], split: int = 0) -> DailyTable:
    """Return closes from FIRST on, the price halved at the date of the split."""
    price, rows = 100.0, [DailyRow(listing=name, date=FIRST, close=100_000_000)]
    for number, value in enumerate(returns, 1):
        price *= exp(value) / (2.0 if number == split else 1.0)
        rows.append(DailyRow(listing=name, date=FIRST + number, close=round(price * 1e6)))
    if split:
        rows.append(DailyRow(listing=name, date=FIRST + split, split=(2, 1)))
    return DailyTable(rows)


def test_the_beta_of_a_date_is_of_the_days_before_it() -> None:
    own, market = days(1.5, 60, 0.0001)
    crash = [*own, -0.5]
    tables = table("A", crash), table("M", [*market, 0.01])
    event = FIRST + 61
    assert beta_before(*tables, event).beta == pytest.approx(1.5, abs=0.01)
    assert beta_before(*tables, event).observations == 60
    assert beta_before(*tables, event + 1).observations == 61
    assert beta_before(*tables, FIRST + FEWEST_DAYS).assumed


def test_a_split_is_no_return() -> None:
    own, market = days(1.5, 60, 0.0001)
    found = beta_before(table("A", own, split=30), table("M", market), FIRST + 99)
    assert found.beta == pytest.approx(1.5, abs=0.01)


def test_days_that_one_of_both_lacks_are_left_out() -> None:
    own, market = days(1.5, 60, 0.0001)
    holiday = DailyTable([r for r in rows_of(market) if r.date != FIRST + 30])
    found = beta_before(table("A", own), holiday, FIRST + 99)
    assert found.observations == 58
    assert found.beta == pytest.approx(1.5, abs=0.01)


def rows_of(returns: list[float]) -> list[DailyRow]:
    closes = [100.0 * exp(sum(returns[:n])) for n in range(len(returns) + 1)]
    return [
        DailyRow(listing="M", date=FIRST + n, close=round(c * 1e6)) for n, c in enumerate(closes)
    ]
