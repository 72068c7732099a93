from __future__ import annotations

import pytest

from streams.events import PRICE_SCALE
from streams.reference.pricetick import price_tick


@pytest.mark.parametrize(
    ("mic", "price", "tick"),
    [
        ("XNYS", 163.08, 0.01),
        ("XNAS", 1.0, 0.01),
        ("XNYS", 0.9999, 0.0001),
        ("XNYS", 0.0001, 0.0001),
        ("XLON", 12.0, 0.01),
        ("XHKG", 0.0, 0.001),
        ("XHKG", 0.25, 0.001),
        ("XHKG", 0.251, 0.005),
        ("XHKG", 0.5, 0.005),
        ("XHKG", 0.51, 0.01),
        ("XHKG", 15.0, 0.01),
        ("XHKG", 20.0, 0.01),
        ("XHKG", 20.02, 0.02),
        ("XHKG", 50.0, 0.02),
        ("XHKG", 50.05, 0.05),
        ("XHKG", 100.0, 0.05),
        ("XHKG", 174.0, 0.1),
        ("XHKG", 500.0, 0.2),
        ("XHKG", 650.5, 0.5),
        ("XHKG", 1_500.0, 1),
        ("XHKG", 3_000.0, 2),
        ("XHKG", 9_995.0, 5),
        ("XHKG", 20_000.0, 5),
    ],
)
def test_the_tick_follows_the_price(mic: str, price: float, tick: float) -> None:
    assert price_tick(mic, round(price * PRICE_SCALE)) == round(tick * PRICE_SCALE)
