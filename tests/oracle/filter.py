"""The bad-tick filter's two questions (section 3)."""

from __future__ import annotations

from collections.abc import Sequence

from streams.events import SECOND_NS
from streams.reference.pricetick import price_tick
from tests.oracle.rows import Row

EXPIRY_NS = 60 * SECOND_NS


def is_far(mic: str, price: int, reference: int | None) -> bool:
    """Say whether a price is more than 0.8 % and more than five price ticks away."""
    if reference is None:
        return False
    distance = abs(price - reference)
    return distance * 1000 > 8 * reference and distance > 5 * price_tick(mic, reference)


def agree(mic: str, rows: Sequence[Row]) -> bool:
    """Say whether the rows lie within 0.5 % or two price ticks of their lowest."""
    low, high = min(r.price for r in rows), max(r.price for r in rows)
    return (high - low) * 1000 <= 5 * low or high - low <= 2 * price_tick(mic, low)


def one_print(rows: Sequence[Row]) -> bool:
    """Say whether all rows have one price and one known exchange."""
    first = rows[0]
    same = all((r.price, r.exchange) == (first.price, first.exchange) for r in rows)
    return same and first.exchange != ""  # "" is the unknown exchange


def released(mic: str, held: Sequence[Row]) -> int | None:
    """Return where the released suffix of the held rows begins; None = all stay held."""
    for start in range(len(held)):
        suffix = held[start:]
        if agree(mic, suffix):
            return start if len(suffix) >= 3 and not one_print(suffix) else None
    return None
