"""The weight of a story in a step: who said it, how plainly, how new, what it is, and when.

A weight is the product R C N E A of the finance guide (section 3), each in [0, 1], times a kernel
in the listing's own clock, so that no closed or silent stretch costs a story anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from agents.reacting.explaining import constants as c
from agents.reacting.explaining.path import MeasuredStep
from streams.events import I64, MINUTE_NS

F64 = npt.NDArray[np.float64]
Scope = Literal["issuer", "peer", "sector", "market"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One story as evidence for one company's move: its earliest member that may explain.

    Relevance, source and novelty lie in [0, 1], the direction in [-1, 1]. `event_min` is the
    listing's clock at the story's event time, `delay_min` how far behind the fact its stamp may
    be. A witness states the move of this company's price and its cause. `scope` says whose news
    it is: the company's, a peer's, or that of the whole sector or market.
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
    about: str = ""  # the peer, the sector or the market whose news it is
    delay_min: float = 0.0


def event_prior(evidence: Evidence) -> float:
    """Return how likely such news is to move a price much: the likeliest of its types."""
    types = evidence.event_types
    if evidence.scope in ("market", "sector"):
        return 1.0
    if not c.SILENT.isdisjoint(types):
        return 0.0
    prior = max((c.EVENT.get(name, c.UNTYPED) for name in types), default=c.UNTYPED)
    if "minor" in types and not is_results(evidence):
        prior = min(prior, c.MINOR)
    return max(prior, c.WITNESS) if is_own_witness(evidence) else prior


def is_results(evidence: Evidence) -> bool:
    """Tell whether a story tells a company's figures or forecasts."""
    return not c.RESULTS.isdisjoint(evidence.event_types)


def is_own_witness(evidence: Evidence) -> bool:
    """Tell whether a story is a witness of this company's price: a peer's is its news."""
    return evidence.witness and evidence.scope != "peer"


def agreement(evidence: Evidence, sign: int) -> float:
    """Return how well a story's direction fits a move up (1) or down (-1)."""
    along = min(max(sign * (evidence.direction or 0.0) / c.CLEAR, -1.0), 1.0)
    if evidence.scope == "peer":
        rival = not c.RIVALRY.isdisjoint(evidence.event_types) and not is_results(evidence)
        return c.PEER * max(-along if rival else along, 0.0)
    if along >= 0.0:
        return c.UNKNOWN + (c.AGREES - c.UNKNOWN) * along
    opposes = c.RESULTS_OPPOSE if is_results(evidence) else c.OPPOSES
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


class StepColumns(msgspec.Struct, frozen=True):
    """The times of the steps of a path as columns."""

    start_ns: I64
    end_ns: I64
    middle_min: F64
    end_min: F64

    @classmethod
    def of(cls, steps: Sequence[MeasuredStep]) -> StepColumns:
        """Return the columns of these steps."""
        return cls(
            np.array([step.start_ns for step in steps], np.int64),
            np.array([step.end_ns for step in steps], np.int64),
            np.array([(step.start_min + step.end_min) / 2.0 for step in steps]),
            np.array([step.end_min for step in steps]),
        )


def kernels(evidence: Sequence[Evidence], at: StepColumns) -> F64:
    """Return, by story and step, how far the step may be put down to it by its time, in [0, 1].

    News from within a step stands wholly; news from before fades with the clock from it to the
    step's middle; news from after it explains little, but for a witness. Only products, sums and
    quotients of single elements, which IEEE 754 fixes to the last bit.
    """
    event_ns = np.array([[e.event_ns] for e in evidence], np.int64).reshape(-1, 1)
    event_min = np.array([[e.event_min] for e in evidence]).reshape(-1, 1)
    gone = np.maximum(at.middle_min - event_min, 0.0)
    found: F64 = np.where(event_ns >= at.start_ns, 1.0, c.FADE_MIN / (c.FADE_MIN + gone))
    for row, e in zip(found, evidence, strict=True):
        if e.event_ns >= at.end_ns[0]:
            ended = int(np.searchsorted(at.end_ns, e.event_ns, side="right"))
            row[:ended] = _after(e, at.end_ns[:ended], at.end_min[:ended])
    return found


def _after(evidence: Evidence, end_ns: I64, end_min: F64) -> F64:
    """Return the weight of news for steps that ended before it.

    Within the delay of its stamp it stands wholly. Beyond, a witness fades slowly; a peer's news
    is nothing; other news counts only where the clock went on, so that what comes out after the
    close explains nothing of the day.
    """
    if evidence.scope == "peer":
        return np.zeros(len(end_ns))
    late = (evidence.event_ns - end_ns) / MINUTE_NS - evidence.delay_min
    beyond = np.maximum(late, 0.0)
    if is_own_witness(evidence):
        faded = c.WITNESS * c.WITNESS_FADE_MIN / (c.WITNESS_FADE_MIN + beyond)
    else:
        went_on = evidence.event_min - end_min >= late - 1.0
        faded = c.AFTER * c.AFTER_FADE_MIN / (c.AFTER_FADE_MIN + beyond) * went_on
    found: F64 = np.where(late <= 0.0, 1.0, faded)
    return found
