"""Tell a company's figures and forecasts, in whatever words, from notices that they will come."""

from __future__ import annotations

from collections.abc import Sequence

from agents.scoring.lexicon import MOVEMENT, TRANSITIVE

_FIGURES = frozenset(
    "profit profits revenue revenues earnings eps loss losses margins margin income sales orders".split()
)
_PUBLISHED = frozenset("results earnings eps".split())
# What is said of figures once they are known, besides that they moved.
_KNOWN = frozenset(
    "beats beat beating misses miss missed missing tops topped top exceeds exceed exceeded above below estimates"
    " expectations forecast forecasts street view views consensus posts posted swings swung record"
    " disappoint disappoints disappointing strong stronger weak weaker better worse higher lower"
    " doubles triples drives drive boost boosts hurt hurts hit hits help helps".split()
)
_FORECASTS = frozenset(
    "warns warn warned warning sees see expects expect expected forecasts forecast projects predicts guides targets target"
    " cautions slashes trims reaffirms reiterates maintains anticipates".split()
)
_PLANNED = _FIGURES | frozenset(
    "production output spending capex growth guidance outlook capital dividend sign-ups".split()
)
_STUDIES = frozenset(
    "trial trials study studies data survival results endpoint endpoints efficacy placebo approval approves approved reject rejects rejected panel nod setback".split()
)
_MEDICAL = frozenset(
    "drug drugs cancer hepatitis diabetes lymphoma leukemia myeloma melanoma arthritis psoriasis alzheimer's hiv cholesterol sclerosis"
    " fibrosis tumor tumors vaccine stent valve therapy patients clinical obesity asthma stroke medicine fda".split()
)
_AHEAD = frozenset("to will".split())
_ANNOUNCES = frozenset(
    "report announce release issue discuss publish present review webcast disclose post host hold provide".split()
)
_OTHERS_SALES = frozenset(
    "retail home auto car vehicle house housing industry homes sector asset bond share".split()
)
_STATES = frozenset(
    "declares declare announces announce sets approves pays declared approved affirms maintains authorizes".split()
)
_CHANGES = frozenset(
    "raises raise raised increases increase increased boosts hikes hike lifts doubles triples cuts cut slashes suspends suspend suspended"
    " eliminates initiates initiate resumes reinstates special omits halves results earnings buyback repurchase reports".split()
)
_PAYMENTS = frozenset("dividend dividends distribution distributions".split())


def gives_figures(words: Sequence[str]) -> bool:
    """Tell whether a title says how profit, sales and the like have come out."""
    if _FIGURES.isdisjoint(words):
        return False
    for i, word in enumerate(words):
        if word not in _FIGURES or (i and words[i - 1] in _OTHERS_SALES):
            continue
        near = words[max(i - 4, 0) : i + 6]
        if any(w in _KNOWN or w in MOVEMENT or w in TRANSITIVE for w in near):
            return True
    return False


def gives_forecast(words: Sequence[str]) -> bool:
    """Tell whether a title says what profit, sales and the like are going to be."""
    if _FIGURES.isdisjoint(words) and _FORECASTS.isdisjoint(words):
        return False
    for i, word in enumerate(words):
        if word in _FORECASTS and not _PLANNED.isdisjoint(words[i + 1 : i + 8]):
            return True
        if word in _FIGURES and words[i + 1 : i + 2] == ["to"] and _moves(words[i + 2 : i + 3]):
            return True
    return False


def _moves(words: Sequence[str]) -> bool:
    return any(word in MOVEMENT or word in _KNOWN for word in words)


def is_clinical(words: Sequence[str]) -> bool:
    """Tell whether a study of a medicine or device has something to say."""
    return not _STUDIES.isdisjoint(words) and not _MEDICAL.isdisjoint(words)


def announces_date(words: Sequence[str]) -> bool:
    """Tell whether results are only promised: `to report third quarter results on 24 October`."""
    if _AHEAD.isdisjoint(words):
        return False
    for i, word in enumerate(words[:-1]):
        if word in _AHEAD and words[i + 1] in _ANNOUNCES:
            beyond = words[i + 2 : i + 14]
            if not _PUBLISHED.isdisjoint(beyond) or "conference" in beyond:
                return True
    return False


def is_dividend_notice(words: Sequence[str]) -> bool:
    """Tell whether a title declares a dividend, and neither changes it nor says anything else."""
    if _PAYMENTS.isdisjoint(words):
        return False
    return not _STATES.isdisjoint(words) and _CHANGES.isdisjoint(words)
