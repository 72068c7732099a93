"""Paths and evidence for the tests of the division."""

from __future__ import annotations

from hypothesis import strategies as st

from agents.reacting.explaining.path import MeasuredStep, PathPoint, steps_of
from agents.reacting.explaining.weights import Evidence
from streams.events import MINUTE_NS

OPEN_NS = 1_758_720_600 * 1_000_000_000  # 24 September 2025, 13:30 UTC
GAP_NS = 17 * 60 * MINUTE_NS + 30 * MINUTE_NS  # from the close of the day before
TYPES = ("earnings", "guidance", "mna", "clinical", "capex_expansion", "product", "minor")


def story(
    name: str,
    minutes: float,
    *,
    types: tuple[str, ...] = ("mna",),
    direction: float | None = 0.5,
    **parts: object,
) -> Evidence:
    """Return a story told `minutes` after the open, as a wire tells it of its subject."""
    record: dict[str, object] = {
        "story_id": name,
        "headline_id": name,
        "event_ns": OPEN_NS + int(minutes * MINUTE_NS),
        "event_min": max(minutes, 0.0),
        "event_types": types,
        "relevance": 0.9,
        "source": 1.0,
        "novelty": 1.0,
        "direction": direction,
    }
    return Evidence(**{**record, **parts})  # type: ignore[arg-type]


def path(
    prices: list[float],
    benchmark: list[float] | None = None,
    sector: list[float] | None = None,
    *,
    scale: float = 1.0,
) -> list[MeasuredStep]:
    """Return the steps from a previous close over an open to the minutes after it."""
    points = []
    for i, price in enumerate(prices):
        ts_ns = OPEN_NS - GAP_NS if i == 0 else OPEN_NS + (i - 1) * MINUTE_NS
        points.append(
            PathPoint(
                ts_ns,
                float(max(i - 1, 0)),
                price * scale,
                benchmark[i] * scale if benchmark else None,
                sector[i] if sector else None,
            )
        )
    return steps_of(points)


@st.composite
def paths(draw: st.DrawFn) -> list[MeasuredStep]:
    """Draw a path of one to ten steps, with or without benchmark and sector."""
    count = draw(st.integers(2, 11))
    prices = st.lists(st.floats(50.0, 150.0), min_size=count, max_size=count)
    return path(
        draw(prices),
        draw(st.none() | prices),
        draw(st.none() | prices),
    )


@st.composite
def stories(draw: st.DrawFn) -> list[Evidence]:
    """Draw up to ten stories of all kinds and scopes."""
    found = []
    for i in range(draw(st.integers(0, 10))):
        types = tuple(draw(st.lists(st.sampled_from(TYPES), max_size=2, unique=True)))
        found.append(
            story(
                f"s{i}",
                draw(st.integers(-900, 60)),
                types=types,
                direction=draw(st.sampled_from((None, -1.0, -0.3, 0.0, 0.6))),
                relevance=draw(st.sampled_from((0.3, 0.6, 1.0))),
                source=draw(st.sampled_from((0.5, 1.0))),
                witness=draw(st.booleans()),
                scope=draw(st.sampled_from(("issuer", "issuer", "peer", "sector", "market"))),
                about=draw(st.sampled_from(("", "PEER"))),
            )
        )
    return found
