"""Attribution: the division of a move's path as an alert prints it (docs/semantics.md 10).

```
MoveCase + mentions -> told_stories -> divide -> Attribution: shares, candidates, what stands beside
                                             -> timeline: the parts of each stretch
```
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import fsum
from typing import Final, NamedTuple

from agents.reacting.explaining.betas import Estimate
from agents.reacting.explaining.listing_clock import ListingClock
from agents.reacting.explaining.path import MeasuredStep, borders, steps_of
from agents.reacting.explaining.sharing import Cause, Division, divide
from agents.reacting.explaining.splits import suspect_split
from agents.reacting.explaining.surroundings import Surroundings
from agents.reacting.explaining.telling import ToldStory, delay_s, told_stories
from agents.reacting.explaining.tracing import MoveCase
from agents.reacting.explaining.weights import Evidence, agreement, event_prior, standing
from agents.reacting.listing_state import ListingState
from agents.reacting.news import News
from streams.events import SECOND_NS
from streams.explanation import Attribution, Candidate, CommonStory, PathStep

PRINTED: Final = 8  # candidates; the shares of others are part of the unexplained
PRINTED_COMMON: Final = 10
TIMELINE_LARGEST: Final = 19  # steps that stand alone in a timeline: at most 40 in all
TOLD_SHARE: Final = 0.05  # a change of any share by so much is worth an update
BPS: Final = 10_000.0
Stories = Mapping[str, ToldStory]  # by headline id


class _Divided(NamedTuple):
    """A division, and all that it was made of."""

    case: MoveCase
    steps: list[MeasuredStep]
    beta: Estimate
    stories: Stories
    division: Division
    sign: int  # 1 for a move up, -1 for one down


class Explained(NamedTuple):
    """What is printed of a move; the timeline is made only where an alert is told."""

    attribution: Attribution
    sigmas: float | None
    divided: _Divided
    printed: list[Cause]

    def timeline(self) -> tuple[PathStep, ...]:
        """Return the path by stretches, and what each cause did in it."""
        return _timeline(self.divided, self.printed)


def explain(case: MoveCase, line: ListingState, news: News, around: Surroundings) -> Explained:
    """Explain a move by the mentions known now; their order does not matter."""
    clock = ListingClock(line.tape, line.sessions, case.look_back_ns, case.crossed_ns)
    mentions = (*news.mentions.values(), *around.common_news(line))
    told = told_stories(mentions, case.look_back_ns, clock)
    stories = {story.evidence.headline_id: story for story in told}
    beta = around.beta(line, line.sessions.trade_date(case.crossed_ns))
    steps = steps_of(case.points)
    division = divide(steps, beta.beta, [story.evidence for story in told])
    sign = 1 if case.points[-1].price >= case.points[0].price else -1
    divided = _Divided(case, steps, beta, stories, division, sign)
    printed = [cause for cause in division.causes if cause.share > 0.0][:PRINTED]
    return Explained(_attribution(divided, printed), _sigmas(divided), divided, printed)


def is_worth_telling(told: Attribution, found: Attribution) -> bool:
    """Tell whether an alert is to be updated: another first cause, or a share that changed much."""
    before, after = _shares(told), _shares(found)
    if _first(told) != _first(found):
        return True
    return any(
        abs(before.get(name, 0.0) - after.get(name, 0.0)) >= TOLD_SHARE
        for name in before.keys() | after.keys()
    )


def _first(attribution: Attribution) -> str:
    return attribution.candidates[0].story_id if attribution.candidates else ""


def _shares(attribution: Attribution) -> dict[str, float]:
    return {
        " market": attribution.market_share,
        " sector": attribution.sector_share,
        " unexplained": attribution.unexplained_share,
        **{candidate.story_id: candidate.share for candidate in attribution.candidates},
    }


def _attribution(divided: _Divided, printed: list[Cause]) -> Attribution:
    division, first = divided.division, printed[0] if printed else None
    rest = 1.0 - division.market - division.sector - fsum(cause.share for cause in printed)
    led = first is not None and _is_price_led(divided, first)
    return Attribution(
        market_share=division.market,
        sector_share=division.sector,
        unexplained_share=round(rest, 6),
        beta=round(divided.beta.beta, 6),
        market_return_bps=_market_return(divided.case),
        price_led=led,
        late_feed=first is not None and not led and _is_late(divided, first),
        other_line=divided.case.other_line,
        candidates=tuple(_candidate(divided, cause) for cause in printed),
        market_candidates=tuple(
            _common(divided.stories[e.headline_id]) for e in division.common[:PRINTED_COMMON]
        ),
        flags=_flags(divided),
    )


def _flags(divided: _Divided) -> tuple[str, ...]:
    told = {
        "against_market": divided.division.against_market,
        "beta_assumed": divided.beta.assumed,
        "no_benchmark": not divided.case.market_known,
        "suspect_split": suspect_split(divided.case.points) is not None,
    }
    return tuple(name for name, holds in told.items() if holds)


def _market_return(case: MoveCase) -> float | None:
    first, last = case.points[0].benchmark, case.points[-1].benchmark
    if first is None or last is None or not case.market_known:
        return None
    return round((last / first - 1.0) * BPS, 6)


def _sigmas(divided: _Divided) -> float | None:
    """Return the abnormal move in sigmas of a day; None where the sigma is not known."""
    if not divided.beta.sigma:
        return None
    rest = (s.listing - divided.beta.beta * (s.market or 0.0) for s in divided.steps)
    return round(abs(fsum(rest)) / divided.beta.sigma, 2)


# -- candidates


def _candidate(divided: _Divided, cause: Cause) -> Candidate:
    evidence, *others = cause.members
    story = divided.stories[evidence.headline_id]
    mention = story.mention
    strongest = divided.steps[_strongest(divided, cause)]
    return Candidate(
        story_id=mention.story_id,
        headline_id=mention.headline_id,
        title=mention.title,
        source=mention.source,
        url=mention.url,
        event_ns=mention.event_ns,
        lag_s=round((strongest.end_ns - mention.event_ns) / SECOND_NS, 6),
        share=cause.share,
        event_types=mention.event_types,
        direction=mention.direction,
        factors=_factors(evidence, divided.sign),
        copies=story.copies,
        also=tuple(other.headline_id for other in others),
    )


def _factors(evidence: Evidence, sign: int) -> dict[str, float]:
    factors = {
        "relevance": evidence.relevance,
        "source": evidence.source,
        "novelty": evidence.novelty,
        "event": event_prior(evidence),
        "agreement": agreement(evidence, sign),
        "weight": standing(evidence, sign),
    }
    return {name: round(value, 6) for name, value in factors.items()}


def _common(story: ToldStory) -> CommonStory:
    mention = story.mention
    return CommonStory(
        scope="sector" if story.evidence.scope == "sector" else "market",
        story_id=mention.story_id,
        headline_id=mention.headline_id,
        title=mention.title,
        source=mention.source,
        url=mention.url,
        event_ns=mention.event_ns,
        direction=mention.direction,
    )


def _strongest(divided: _Divided, cause: Cause) -> int:
    """Return the step that a cause explains most of, the first of equals."""
    largest = max(cause.parts) if divided.sign > 0 else min(cause.parts)
    return cause.parts.index(largest)


def _is_price_led(divided: _Divided, cause: Cause) -> bool:
    """Tell whether over half of the move was done before the news, its feed's delay allowed for."""
    since_ns = _earliest_ns(divided, cause)
    whole = fsum(step.listing for step in divided.steps)
    done = fsum(step.listing for step in divided.steps if step.end_ns <= since_ns)
    return 2.0 * divided.sign * done > divided.sign * whole


def _is_late(divided: _Divided, cause: Cause) -> bool:
    """Tell whether what the news explains most came before it, within its feed's delay."""
    end_ns = divided.steps[_strongest(divided, cause)].end_ns
    return _earliest_ns(divided, cause) <= end_ns < cause.members[0].event_ns


def _earliest_ns(divided: _Divided, cause: Cause) -> int:
    """Return when a cause may have happened at the earliest: a witness is told by an older story."""
    mentions = (divided.stories[e.headline_id].mention for e in cause.members)
    return min(mention.event_ns - delay_s(mention) * SECOND_NS for mention in mentions)


# -- the timeline


def _timeline(divided: _Divided, printed: list[Cause]) -> tuple[PathStep, ...]:
    cut = borders([step.listing for step in divided.steps], TIMELINE_LARGEST)
    return tuple(_stretch(divided, printed, lo, hi) for lo, hi in pairwise(cut))


def _stretch(divided: _Divided, printed: list[Cause], lo: int, hi: int) -> PathStep:
    steps = divided.steps[lo:hi]
    parts = {cause.members[0].headline_id: _bps(cause.parts[lo:hi]) for cause in printed}
    return PathStep(
        start_ns=steps[0].start_ns,
        end_ns=steps[-1].end_ns,
        return_bps=_bps(step.listing for step in steps),
        market_bps=_bps(divided.beta.beta * (step.market or 0.0) for step in steps),
        sector_bps=_bps(step.sector or 0.0 for step in steps),
        causes={name: part for name, part in parts.items() if part},
    )


def _bps(returns: Iterable[float]) -> float:
    return round(fsum(returns) * BPS, 2) + 0.0
