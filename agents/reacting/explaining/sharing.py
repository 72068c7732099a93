"""Divide the steps of a path among the market, the sector, events and the unexplained."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, fsum
from typing import NamedTuple

import msgspec
import numpy as np

from agents.reacting.explaining import constants as c
from agents.reacting.explaining.path import Step
from agents.reacting.explaining.weights import (
    F64,
    Evidence,
    StepColumns,
    is_results,
    kernel,
    standing,
)

DIGITS = 1e6  # shares are given to one part in a million, rounded down


class Cause(msgspec.Struct, frozen=True):
    """An event: the stories that tell it, the weightiest first, its share and its part of each step."""

    members: tuple[Evidence, ...]
    share: float
    parts: tuple[float, ...]


class Division(msgspec.Struct, frozen=True):
    """The shares of a move; market, sector, unexplained and all causes sum to 1.

    `common` are the titles behind the market's and the sector's share, the weightiest first.
    """

    market: float
    sector: float
    unexplained: float
    causes: tuple[Cause, ...]
    common: tuple[Evidence, ...]
    against_market: bool


class _Event(NamedTuple):
    """The stories of one event, best first, and its weight in each step."""

    members: tuple[Evidence, ...]
    weight: F64
    is_peer: bool


def divide(steps: Sequence[Step], beta: float, evidence: Sequence[Evidence]) -> Division:
    """Divide a move with at least one step; the order of the evidence does not matter."""
    sign = 1 if fsum(step.listing for step in steps) >= 0.0 else -1
    at = StepColumns.of(steps)
    market = np.array([beta * (step.market or 0.0) for step in steps])
    sector = np.array([step.sector or 0.0 for step in steps])
    rest = np.array([step.listing for step in steps]) - market - sector
    against = fsum(market.tolist()) * sign < 0.0
    standings = ((e, standing(e, sign)) for e in sorted(evidence, key=_order))
    weighed = [(e, weight * kernel(e, at)) for e, weight in standings if weight > 0.0]
    events = _peers_as_one(_events(weighed, np.abs(rest)))
    own = _largest([event.weight for event in events if not event.is_peer], len(steps))
    common = [(e, weight) for e, weight in weighed if e.scope in ("market", "sector")]
    by_market, by_sector = (
        _largest([weight for e, weight in common if e.scope == scope], len(steps))
        * c.COMMON
        * (1.0 - own)
        for scope in ("market", "sector")
    )
    by_market = np.zeros(len(steps)) if against else by_market * _reach(market, rest)
    whole = c.UNEXPLAINED + by_market + by_sector
    for event in events:
        whole = whole + event.weight
    sums = [
        fsum((market + rest * by_market / whole).tolist()),
        fsum((sector + rest * by_sector / whole).tolist()),
        fsum((rest * c.UNEXPLAINED / whole).tolist()),
    ]
    parts = [(rest * event.weight / whole).tolist() for event in events]
    shares = _shares([*sums, *(fsum(part) for part in parts)], sign)
    causes = [
        Cause(event.members, share, tuple(part))
        for event, share, part in zip(events, shares[3:], parts, strict=True)
    ]
    causes.sort(key=lambda cause: (-cause.share, _order(cause.members[0])))
    return Division(
        market=shares[0],
        sector=shares[1],
        unexplained=shares[2],
        causes=tuple(causes),
        common=_best_first(_standing_behind(common, shares[0], shares[1]), np.abs(rest)),
        against_market=against,
    )


def _order(evidence: Evidence) -> tuple[int, str]:
    return evidence.event_ns, evidence.headline_id


def _events(weighed: list[tuple[Evidence, F64]], sizes: F64) -> list[_Event]:
    """Group stories into events: all figures and forecasts of a company are one, a story is one."""
    groups: dict[tuple[str, str], list[tuple[Evidence, F64]]] = {}
    for e, weight in weighed:
        if e.scope in ("issuer", "peer"):
            one = e.scope == "issuer" and is_results(e)
            groups.setdefault("results" if one else f"{e.scope} {e.story_id}", []).append(
                (e, weight)
            )
    return [
        _Event(
            _best_first(group, sizes),
            _largest([weight for _, weight in group], len(sizes)),
            group[0][0].scope == "peer",
        )
        for group in groups.values()
    ]


def _best_first(weighed: list[tuple[Evidence, F64]], sizes: F64) -> tuple[Evidence, ...]:
    """Return stories by what they weigh over the whole path, then by time."""
    weights = {e.headline_id: fsum((weight * sizes).tolist()) for e, weight in weighed}
    ranked = sorted((e for e, _ in weighed), key=lambda e: (-weights[e.headline_id], _order(e)))
    return tuple({e.headline_id: e for e in ranked}.values())


def _standing_behind(
    common: list[tuple[Evidence, F64]], market: float, sector: float
) -> list[tuple[Evidence, F64]]:
    """Return titles with their weight times the share that they stand behind, if there is one."""
    share = {"market": market, "sector": sector}
    return [(e, weight * share[e.scope]) for e, weight in common if share[e.scope] > 0.0]


def _largest(weights: list[F64], count: int) -> F64:
    """Return the largest weight of each step, 0 where there is none."""
    found = np.zeros(count)
    for weight in weights:
        found = np.maximum(found, weight)
    return found


def _peers_as_one(events: list[_Event]) -> list[_Event]:
    """Scale the peers' events so that together they weigh as much as the weightiest of them."""
    peers = [event.weight for event in events if event.is_peer]
    if len(peers) < 2:
        return events
    total = np.zeros(len(peers[0]))
    for weight in peers:
        total = total + weight
    scale = np.divide(
        _largest(peers, len(total)), total, out=np.ones(len(total)), where=total > 0.0
    )
    return [
        event._replace(weight=event.weight * scale) if event.is_peer else event for event in events
    ]


def _reach(market: F64, rest: F64) -> F64:
    """Return how much of the rest of each step the market may have moved beyond its beta.

    An estimate of beta is wrong by about as much as it is large, so at most the market's own part.
    """
    ratio = np.divide(market, rest, out=np.zeros(len(rest)), where=rest != 0.0)
    return np.minimum(np.maximum(ratio, 0.0), 1.0)


def _shares(sums: list[float], sign: int) -> list[float]:
    """Turn parts into shares: negative ones are 0, the rest sum to 1, the third takes what is left."""
    positive = [max(sign * part, 0.0) for part in sums]
    total = fsum(positive)
    if total <= 0.0:
        return [0.0, 0.0, 1.0, *(0.0 for _ in sums[3:])]
    shares = [floor(part / total * DIGITS) / DIGITS for part in positive]
    others = fsum(share for i, share in enumerate(shares) if i != 2)
    shares[2] = round(1.0 - others, 6)
    return shares
