"""The weight of a story in a step: who said it, how plainly, how new, what it is, and when.

A weight is the product R C N E A of the finance guide (section 3), each in [0, 1], times a kernel
in the listing's own traded time, so that no closed or silent stretch costs a story anything.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agents.reacting.explaining import constants as c
from agents.reacting.explaining.path import Step
from streams.events import MINUTE_NS

Scope = Literal["issuer", "peer", "sector", "market"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One story as evidence for one company's move; all factors lie in [0, 1].

    `event_min` is the listing's traded clock at the story's event time, `after_min` how far
    behind the fact its stamp may be. A witness states a move and its cause.
    """

    story_id: str
    headline_id: str
    event_ns: int
    event_min: float
    event_types: tuple[str, ...]
    relevance: float
    source: float
    novelty: float
    direction: float | None
    witness: bool = False
    scope: Scope = "issuer"
    delay_min: float = 0.0


def event_prior(evidence: Evidence) -> float:
    """Return how likely such news is to move a price much: the likeliest of its types."""
    types = evidence.event_types
    if evidence.scope in ("market", "sector"):
        return 1.0
    if not c.SILENT.isdisjoint(types):
        return 0.0
    prior = max((c.EVENT.get(name, c.UNTYPED) for name in types), default=c.UNTYPED)
    if "minor" in types and c.RESULTS.isdisjoint(types):
        prior = min(prior, c.MINOR)
    return max(prior, c.WITNESS) if evidence.witness and evidence.scope == "issuer" else prior


def agreement(evidence: Evidence, sign: int) -> float:
    """Return how well a story's direction fits a move up (1) or down (-1)."""
    along = min(max(sign * (evidence.direction or 0.0) / c.CLEAR, -1.0), 1.0)
    if evidence.scope == "peer":
        rival = not c.RIVALRY.isdisjoint(evidence.event_types) and c.RESULTS.isdisjoint(
            evidence.event_types
        )
        return c.PEER * max(-along if rival else along, 0.0)
    if along >= 0.0:
        return c.UNKNOWN + (c.AGREES - c.UNKNOWN) * along
    opposes = c.OPPOSES if c.RESULTS.isdisjoint(evidence.event_types) else c.RESULTS_OPPOSE
    return c.UNKNOWN + (c.UNKNOWN - opposes) * along


def standing(evidence: Evidence, sign: int) -> float:
    """Return the weight of a story apart from time: R C N E A."""
    return (
        evidence.relevance
        * evidence.source
        * evidence.novelty
        * event_prior(evidence)
        * agreement(evidence, sign)
    )


def kernel(evidence: Evidence, step: Step) -> float:
    """Return how far a step may be put down to a story by its time, in [0, 1]."""
    if evidence.event_ns >= step.end_ns:
        return _after(evidence, step)
    if evidence.event_ns >= step.start_ns:
        return 1.0
    return _before(step.start_min - evidence.event_min, step.end_min - evidence.event_min)


def _before(first_min: float, last_min: float) -> float:
    """Return the fading of news from before the step, in its middle."""
    middle = max((first_min + last_min) / 2.0, 0.0)
    return c.FADE_MIN / (c.FADE_MIN + middle)


def _after(evidence: Evidence, step: Step) -> float:
    """Return the weight of news for what came before it."""
    late = (evidence.event_ns - step.end_ns) / MINUTE_NS - evidence.delay_min
    if late <= 0.0:
        return 1.0
    if evidence.scope == "peer":
        return 0.0
    if evidence.witness:
        return c.WITNESS * c.WITNESS_FADE_MIN / (c.WITNESS_FADE_MIN + late)
    same_phase = evidence.event_min - step.end_min >= late - 1.0
    return c.AFTER * c.AFTER_FADE_MIN / (c.AFTER_FADE_MIN + late) if same_phase else 0.0
