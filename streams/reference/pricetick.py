"""Know the price tick: the smallest step between two prices a venue accepts."""

from __future__ import annotations

import bisect

from streams.events import PRICE_SCALE

# SEC Rule 612 of Regulation NMS (17 CFR 242.612): a cent, and a hundredth of a cent below $1. The
# half-cent quotes that its 2024 amendment plans for some stocks are left out.
US_TICK = PRICE_SCALE // 100
US_SUB_DOLLAR_TICK = PRICE_SCALE // 10_000

# HKEX Rules of the Exchange, Second Schedule, spread table Part A, after phase 1 of the reduction
# of minimum spreads (4 August 2025: HKD 10-20 from 0.02 to 0.01, 20-50 from 0.05 to 0.02). A band
# holds its upper end ("over 0.25 to 0.50"). Phase 2 (HKD 0.50-10 to 0.005) was planned for 2026.
HK_BANDS = (
    (0.25, 0.001),
    (0.5, 0.005),
    (20, 0.01),
    (50, 0.02),
    (100, 0.05),
    (200, 0.1),
    (500, 0.2),
    (1_000, 0.5),
    (2_000, 1),
    (5_000, 2),
    (9_995, 5),
)
HK_UPPER_ENDS = tuple(round(upper * PRICE_SCALE) for upper, _ in HK_BANDS)
HK_TICKS = tuple(round(tick * PRICE_SCALE) for _, tick in HK_BANDS)


def price_tick(mic: str, price: int) -> int:
    """Return the price tick at `price` on a venue; both in millionths of the currency unit.

    A venue without a table of its own is given the US rule. The table is that of 2025 whatever
    the date: before, Hong Kong's ticks between HKD 10 and 50 were 2 to 2.5 times as wide.
    """
    if mic == "XHKG":
        return HK_TICKS[min(bisect.bisect_left(HK_UPPER_ENDS, price), len(HK_TICKS) - 1)]
    return US_TICK if price >= PRICE_SCALE else US_SUB_DOLLAR_TICK
