"""A span of time as a person reads it."""

from __future__ import annotations

import math


def span(seconds: float | None) -> str:
    """Return seconds in the largest unit that they fill, None as "-", infinity as "over a day"."""
    if seconds is None:
        return "-"
    if math.isinf(seconds):
        return "over a day"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:g} s" if seconds < 1 else f"{seconds:.0f} s"
