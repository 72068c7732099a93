"""Beta and residual sigma from daily returns."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.reacting.explaining.betas import beta_of
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
