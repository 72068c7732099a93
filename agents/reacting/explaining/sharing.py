"""Divide the steps of a path among the market, the sector, events and the unexplained."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, fsum
from typing import NamedTuple

import msgspec
import numpy as np

from agents.reacting.explaining import constants as c
from agents.reacting.explaining.path import MeasuredStep
from agents.reacting.explaining.weights import (
    F64,
    Evidence,
    StepColumns,
    is_own_witness,
    is_results,
    kernels,
    standing,
)

STILL = 1e-12  # a market that came back to its close differs from it by rounding
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


class _Measured(NamedTuple):
    """The returns of the steps: the market's and the sector's by beta, and the abnormal rest."""

    market: F64
    sector: F64
    rest: F64
    sign: int  # of the whole move

    @classmethod
    def of(cls, steps: Sequence[MeasuredStep], beta: float) -> _Measured:
        """Measure the steps of a path."""
        market = np.array([beta * (step.market or 0.0) for step in steps])
        sector = np.array([step.sector or 0.0 for step in steps])
        listing = np.array([step.listing for step in steps])
        sign = 1 if fsum(listing.tolist()) >= 0.0 else -1
        return cls(market, sector, listing - market - sector, sign)

    @property
    def against_market(self) -> bool:
        """Tell whether the market went the other way over the whole path."""
        return fsum(self.market.tolist()) * self.sign < -STILL


Weighed = list[tuple[Evidence, F64]]  # stories and their weight in each step


def divide(steps: Sequence[MeasuredStep], beta: float, evidence: Sequence[Evidence]) -> Division:
    """Divide a move with at least one step; the order of the evidence does not matter."""
    measured = _Measured.of(steps, beta)
    weighed = _weighed(steps, evidence, measured.sign)
    sizes = np.abs(measured.rest)
    events = _peers_as_one(_events(weighed, sizes))
    by_market, by_sector = _common_weights(weighed, events, measured)
    whole = c.UNEXPLAINED + by_market + by_sector
    for event in events:
        whole = whole + event.weight
    rest = measured.rest
    parts = [
        (measured.market + rest * by_market / whole).tolist(),
        (measured.sector + rest * by_sector / whole).tolist(),
        (rest * c.UNEXPLAINED / whole).tolist(),
        *((rest * event.weight / whole).tolist() for event in events),
    ]
    market, sector, unexplained, *shares = _shares([fsum(p) for p in parts], measured.sign)
    causes = [
        Cause(event.members, share, tuple(part))
        for event, share, part in zip(events, shares, parts[3:], strict=True)
    ]
    causes.sort(key=lambda cause: (-cause.share, _order(cause.members[0])))
    return Division(
        market=market,
        sector=sector,
        unexplained=unexplained,
        causes=tuple(causes),
        common=_best_first(_standing_behind(weighed, market, sector), sizes),
        against_market=measured.against_market,
    )


def _weighed(steps: Sequence[MeasuredStep], evidence: Sequence[Evidence], sign: int) -> Weighed:
    """Return the stories that may explain anything, with their weights, in order of time."""
    standings = [(e, standing(e, sign)) for e in _earliest(evidence)]
    standings = [(e, weight) for e, weight in standings if weight > 0.0]
    rows = kernels([e for e, _ in standings], StepColumns.of(steps))
    return [(e, weight * row) for (e, weight), row in zip(standings, rows, strict=True)]


def _common_weights(weighed: Weighed, events: list[_Event], measured: _Measured) -> tuple[F64, F64]:
    """Return what news of the market and of the sector weigh: what own news leaves to them."""
    count = len(measured.rest)
    left = 1.0 - _largest([event.weight for event in events if not event.is_peer], count)
    by_market, by_sector = (
        _largest([weight for e, weight in weighed if e.scope == scope], count) * c.COMMON * left
        for scope in ("market", "sector")
    )
    if measured.against_market:
        return np.zeros(count), by_sector
    return by_market * _reach(measured.market, measured.rest), by_sector


def _earliest(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the earliest telling of each story, in order of time: copies are never weighed."""
    found: dict[tuple[str, str, str], Evidence] = {}
    for e in sorted(evidence, key=_order):
        found.setdefault((e.scope, e.about, e.story_id), e)
    return list(found.values())


def _order(evidence: Evidence) -> tuple[int, str]:
    return evidence.event_ns, evidence.headline_id


def _events(weighed: Weighed, sizes: F64) -> list[_Event]:
    """Group stories into events, and witnesses with the event whose kind they name.

    All figures and forecasts of a company are one event, any other story is one by itself.
    """
    told = [(e, weight) for e, weight in weighed if e.scope in ("issuer", "peer")]
    groups: dict[tuple[str, str], Weighed] = {}
    for e, weight in told:
        if not is_own_witness(e):
            groups.setdefault(_event_of(e), []).append((e, weight))
    for e, weight in told:
        if is_own_witness(e):
            groups.setdefault(_witnessed(e, groups), []).append((e, weight))
    return [
        _Event(
            _best_first(group, sizes),
            _largest([weight for _, weight in group], len(sizes)),
            group[0][0].scope == "peer",
        )
        for group in groups.values()
    ]


def _event_of(e: Evidence) -> tuple[str, str]:
    return e.about, "" if is_results(e) else e.story_id


def _witnessed(witness: Evidence, groups: dict[tuple[str, str], Weighed]) -> tuple[str, str]:
    """Return the newest event before a witness that is of a kind it names, else one of its own."""
    kinds = set(witness.event_types) & c.EVENT.keys()
    found, newest = _event_of(witness), -1
    for key, members in groups.items():
        first = members[0][0]
        fits = key[0] == witness.about and not kinds.isdisjoint(first.event_types)
        if fits and newest < first.event_ns <= witness.event_ns:
            found, newest = key, first.event_ns
    return found


def _best_first(weighed: Weighed, sizes: F64) -> tuple[Evidence, ...]:
    """Return stories by what they weigh over the whole path, then by time; witnesses come last."""
    weights = {e.headline_id: fsum((weight * sizes).tolist()) for e, weight in weighed}
    ranked = sorted(
        (e for e, _ in weighed),
        key=lambda e: (is_own_witness(e), -weights[e.headline_id], _order(e)),
    )
    return tuple({e.headline_id: e for e in ranked}.values())


def _standing_behind(weighed: Weighed, market: float, sector: float) -> Weighed:
    """Return common news with its weight times the share that it stands behind, if there is one."""
    share = {"market": market, "sector": sector}
    common = [(e, weight) for e, weight in weighed if share.get(e.scope, 0.0) > 0.0]
    return [(e, weight * share[e.scope]) for e, weight in common]


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
