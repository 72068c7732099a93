"""Divide the steps of a path among the market, the sector, events and the unexplained."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agents.reacting.explaining import constants as c
from agents.reacting.explaining.path import Step
from agents.reacting.explaining.weights import Evidence, kernel, standing


class Cause(msgspec.Struct, frozen=True):
    """An event: the stories that tell one thing, the weightiest first, and its share."""

    members: tuple[Evidence, ...]
    share: float


class Division(msgspec.Struct, frozen=True):
    """The shares of a move; all of them sum to 1."""

    market: float
    sector: float
    unexplained: float
    causes: tuple[Cause, ...]
    common: tuple[Evidence, ...]
    against_market: bool


def _event_key(evidence: Evidence) -> str:
    if evidence.scope != "issuer":
        return f"{evidence.scope}:{evidence.story_id}"
    if not c.RESULTS.isdisjoint(evidence.event_types):
        return "results"
    return evidence.story_id


def divide(steps: Sequence[Step], beta: float, evidence: Sequence[Evidence]) -> Division:
    """Divide a move; the order of the evidence does not matter."""
    total = sum(s.listing for s in steps)
    sign = 1 if total >= 0 else -1
    events: dict[str, list[tuple[float, Evidence]]] = {}
    common: list[tuple[float, Evidence]] = []
    for e in evidence:
        w = standing(e, sign)
        if w <= 0.0:
            continue
        if e.scope in ("market", "sector"):
            common.append((w, e))
        else:
            events.setdefault(_event_key(e), []).append((w, e))
    keys = sorted(events)
    parts = {k: 0.0 for k in keys}
    best: dict[str, dict[str, float]] = {k: {} for k in keys}
    market = sector = unexplained = 0.0
    commons: dict[str, float] = {}
    for step in steps:
        m = beta * (step.market or 0.0)
        s = step.sector or 0.0
        rest = step.listing - m - s
        weights = {}
        for k in keys:
            ws = [(w * kernel(e, step), e) for w, e in events[k]]
            weights[k] = max(w for w, _ in ws)
            for w, e in ws:
                best[k][e.headline_id] = best[k].get(e.headline_id, 0.0) + w * abs(rest)
        w_common = {"market": 0.0, "sector": 0.0}
        for w, e in common:
            k = w * kernel(e, step)
            if e.scope == "market":
                k *= min(1.0, max(0.0, m / rest)) if rest else 0.0
            k *= c.COMMON
            commons[e.headline_id] = commons.get(e.headline_id, 0.0) + k * abs(rest)
            w_common[e.scope] = max(w_common[e.scope], k)
        left = 1.0 - max(weights.values(), default=0.0)  # own news explains the common away
        w_common = {k: v * left for k, v in w_common.items()}
        denominator = c.UNEXPLAINED + sum(weights.values()) + sum(w_common.values())
        market += m + rest * w_common["market"] / denominator
        sector += s + rest * w_common["sector"] / denominator
        unexplained += rest * c.UNEXPLAINED / denominator
        for k in keys:
            parts[k] += rest * weights[k] / denominator
    names = {
        "market": market,
        "sector": sector,
        "": unexplained,
        **{"=" + k: v for k, v in parts.items()},
    }
    shares = {k: max(v / total, 0.0) if total else 0.0 for k, v in names.items()}
    whole = sum(shares.values())
    shares = {k: v / whole if whole else float(k == "") for k, v in shares.items()}
    causes = []
    for k in keys:
        members = sorted(
            (e for _, e in events[k]),
            key=lambda e: (-best[k][e.headline_id], e.event_ns, e.headline_id),
        )
        causes.append(Cause(tuple(members), shares["=" + k]))
    causes.sort(key=lambda x: (-x.share, x.members[0].event_ns, x.members[0].headline_id))
    ordered = sorted(
        (e for _, e in common), key=lambda e: (-commons[e.headline_id], e.event_ns, e.headline_id)
    )
    return Division(
        shares["market"],
        shares["sector"],
        shares[""],
        tuple(causes),
        tuple(ordered),
        sum(beta * (s.market or 0) for s in steps) * sign < 0,
    )
