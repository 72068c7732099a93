"""How large a price and a size may be, and how far ahead a Clock, on every way in and in the engine.

Prices and sizes lie far below what int64 holds, so that whatever is computed of them in numpy fits too:

* `HIGHEST_PRICE`, a thousand million currency units, is 10^15 millionths. The largest multiples that
  integer tests make of a price are 1000 times the gap of two prices (the bad-tick filter) and 120
  times a close (a level of 20 %): 10^18, below 2^63 = 9.2 * 10^18. No share costs as much: the
  dearest, of Berkshire Hathaway, costs less than a million dollars.
* `LARGEST_SIZE`, 10^12 shares in one row, is a thousand times the busiest listing's day. Nine million
  rows of that size can be added up in int64; no listing has as many in the two trade dates that a
  tape reaches back.

Clocks of machines differ, and a Clock makes every row `late` that lies behind it. `CLOCK_AHEAD_NS` is
the difference that Kerberos bears (RFC 4120, 3.1.3: five minutes); what lies further ahead comes
from a clock that is wrong.
"""

from __future__ import annotations

from typing import Final

from streams.events import PRICE_SCALE, SECOND_NS

HIGHEST_PRICE: Final = 10**9 * PRICE_SCALE  # millionths
LARGEST_SIZE: Final = 10**12  # shares
# Half a millionth rounds to nothing: the lowest price there is lies above it. In currency units.
LEAST_PRICE: Final = 0.5 / PRICE_SCALE
CLOCK_AHEAD_NS: Final = 300 * SECOND_NS
IMPLAUSIBLE_CLOCK: Final = "implausible_clock"  # the reason of a Clock's Reject


def price_fault(price: float) -> str:
    """Return why a price in currency units cannot be used, "" if it can; NaN cannot."""
    if LEAST_PRICE < price <= HIGHEST_PRICE / PRICE_SCALE:
        return ""
    return f"price {price} is not above 0 and at most {HIGHEST_PRICE // PRICE_SCALE:,}"


def size_fault(size: int) -> str:
    """Return why a number of shares cannot be used, "" if it can."""
    if 0 <= size <= LARGEST_SIZE:
        return ""
    return f"size {size} is not 0 to {LARGEST_SIZE:,}"
