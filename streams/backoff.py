"""Waits that double: before a server is asked again, or a silence is taken for a fault."""

from __future__ import annotations

from typing import Final

DOUBLINGS_MAX: Final = 60  # beyond any longest wait; a float cannot hold 2 ** 2000
Span = tuple[float, float]  # (first, longest): what a wait begins with and what it doubles up to


def doubled_s(span: Span, times: int) -> float:
    """Return the first wait of a span, doubled so often, at most its longest."""
    first_s, longest_s = span
    return min(first_s * 2.0 ** min(times, DOUBLINGS_MAX), longest_s)
