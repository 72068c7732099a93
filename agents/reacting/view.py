"""A snapshot view of an engine for metrics and pages: one copied row a listing; it changes nothing.

Copying the rows is short, because no record may be applied meanwhile; prices and moves are worked out
from the copies afterwards. Windows are those of event time: what ends at or before their start is their base.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from agents.reacting.engine import Engine
from agents.reacting.listing_state import ListingState
from agents.reacting.tapes.points import HIGH, LAST, LAST_TS, LOW, SECOND
from streams.events import I64, SECOND_NS, Phase

WINDOWS_S = {"1m": 60, "5m": 300}
MINUTE_S = 60
# At one a second the oldest of so many lies before the base of the longest window.
POINTS = max(WINDOWS_S.values()) + 4


class ListingView(NamedTuple):
    """One listing at one moment; prices in millionths, None = not known."""

    listing: str
    currency: str
    phase: Phase  # by the newest Clock; closed before the first
    now_ns: int  # the newest event time, of a Clock or of the issuer's rows
    price: int | None  # last accepted
    previous_close: int | None  # of the newest trade date with a row
    points: I64  # the newest of the tape (agents/reacting/tapes/points.py), a copy

    @property
    def last_tick_ns(self) -> int | None:
        """Return the event time of the last accepted row; None: there is none."""
        return int(self.points[LAST_TS, -1]) if self.points.shape[1] else None

    def day_move(self) -> float | None:
        """Return the move against the previous close, as a ratio."""
        return self._ratio(self.previous_close)

    def move(self, window_s: int) -> float | None:
        """Return the move over the newest `window_s` seconds (300 at most), as a ratio."""
        newest = (self.now_ns - (window_s + 1) * SECOND_NS) // SECOND_NS
        at = int(np.searchsorted(self.points[SECOND], newest, "right")) - 1
        return self._ratio(int(self.points[LAST, at]) if at >= 0 else self.previous_close)

    def extreme(self) -> float | None:
        """Return the largest move of the newest minute, by absolute value, as a signed ratio.

        Each second's high and low count against the price a minute before that second's end.
        """
        if self.price is None:
            return None
        seconds = self.points[SECOND]
        start = int(np.searchsorted(seconds, self.now_ns // SECOND_NS - MINUTE_S, "right"))
        recent = self.points[:, start:]
        if not recent.shape[1]:
            return 0.0
        at = np.searchsorted(seconds, recent[SECOND] - MINUTE_S, "right") - 1
        base = np.where(at >= 0, self.points[LAST, at], self.previous_close or 0)
        known = base > 0
        if not known.any():
            return None
        base = base[known]
        moves = np.concatenate([recent[HIGH, known] - base, recent[LOW, known] - base])
        ratios = moves / np.concatenate([base, base])
        return float(ratios[np.abs(ratios).argmax()])

    def final_points(self, since_ns: int, lateness_ns: int) -> list[tuple[int, int]]:
        """Return (event time, price) of the last row of each second since, none of which changes."""
        seconds = self.points[SECOND]
        start = int(np.searchsorted(seconds, since_ns // SECOND_NS))
        stop = int(np.searchsorted(seconds, (self.now_ns - lateness_ns) // SECOND_NS))
        part = self.points[:, start : max(start, stop)]
        return list(zip(part[LAST_TS].tolist(), part[LAST].tolist(), strict=True))

    def _ratio(self, base: int | None) -> float | None:
        return (self.price - base) / base if self.price is not None and base else None


def listing_views(engine: Engine, listings: Iterable[int]) -> list[ListingView]:
    """Return the rows of some of the engine's listings, by their numbers."""
    registry = engine.registry
    now = np.maximum(engine.newest_ns, engine.clock_ns)[registry.issuer_of].tolist()
    phases = {
        mic: sessions.phase(engine.clock_ns) if engine.clock_ns >= 0 else Phase.closed
        for mic, sessions in registry.sessions.items()
    }
    lines = registry.lines
    return [_view(lines[i], phases[lines[i].listing.mic], now[i]) for i in listings]


def _view(line: ListingState, phase: Phase, now_ns: int) -> ListingView:
    recent = line.tape.newest_second > now_ns // SECOND_NS - POINTS
    points = line.tape.newest(POINTS if recent else 1)
    price = line.state.last
    if price is None and points.shape[1]:  # not yet on this trade date
        price = int(points[LAST, -1])
    close = line.state.ladder.close
    return ListingView(line.name, line.listing.currency, phase, now_ns, price, close, points)


def open_alerts(engine: Engine) -> Counter[tuple[str, str, str]]:
    """Return how many alerts are open, by rule, listing and direction."""
    alerts = (alert for issuer in engine.registry.issuers for alert in issuer.open_alerts())
    return Counter((each.rule, each.listing, each.direction) for each in alerts)
