"""Weigh stories and divide a path, step by step and story by story (section 10)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from agents.reacting.explaining import constants as c
from streams.events import MINUTE_NS, Mention

SOURCES = c.SOURCE
NOVELTY = 0.75
DAY_NS = 86_400_000_000_000


class Point(NamedTuple):
    ts_ns: int
    clock: float
    price: int
    market: int | None


class Told(NamedTuple):
    """What is compared of an attribution."""

    market: float
    unexplained: float
    causes: list[tuple[str, str, float]]  # story, headline, share
    against: bool


@dataclass
class Story:
    """One story: its candidate, and what it weighs in each step."""

    mention: Mention
    novelty: float
    weights: list[float] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, str]:
        return self.mention.event_ns, self.mention.headline_id

    @property
    def types(self) -> set[str]:
        return set(self.mention.event_types)

    @property
    def results(self) -> bool:
        return bool(self.types & c.RESULTS)


def stories_of(mentions: Sequence[Mention], since_ns: int) -> list[Story]:
    found = []
    standing = sorted(
        (m for m in mentions if m.action != "deleted"), key=lambda m: (m.event_ns, m.headline_id)
    )
    for story_id in dict.fromkeys(m.story_id for m in standing):
        members = [m for m in standing if m.story_id == story_id]
        for place, m in enumerate(members):
            if m.event_ns >= since_ns and not set(m.event_types) & c.SILENT:
                near = [x for x in members[:place] if x.event_ns >= m.event_ns - DAY_NS]
                found.append(Story(m, NOVELTY ** len(near)))
                break
    return sorted(found, key=lambda s: s.key)


def standing_of(story: Story, sign: int) -> float:
    m = story.mention
    prior = max([c.EVENT.get(name, c.UNTYPED) for name in m.event_types], default=c.UNTYPED)
    if "minor" in story.types and not story.results:
        prior = min(prior, c.MINOR)
    if m.witness:
        prior = max(prior, c.WITNESS)
    along = max(-1.0, min(1.0, sign * (m.direction or 0.0) / c.CLEAR))
    if along >= 0:
        agreement = c.UNKNOWN + (c.AGREES - c.UNKNOWN) * along
    else:
        opposes = c.RESULTS_OPPOSE if story.results else c.OPPOSES
        agreement = c.UNKNOWN + (c.UNKNOWN - opposes) * along
    source = SOURCES.get(m.tier, c.UNKNOWN_SOURCE)
    return m.relevance * source * story.novelty * prior * agreement


def kernel(m: Mention, a: Point, b: Point, clock: Callable[[int], float]) -> float:
    if m.event_ns < b.ts_ns:
        if m.event_ns >= a.ts_ns:
            return 1.0
        gone = max(0.0, (a.clock + b.clock) / 2 - clock(m.event_ns))
        return c.FADE_MIN / (c.FADE_MIN + gone)
    delay = (m.delay_s + (m.precision_s if m.precision_s > 1 else 0)) / 60
    late = (m.event_ns - b.ts_ns) / MINUTE_NS - delay
    if late <= 0:
        return 1.0
    if m.witness:
        return c.WITNESS * c.WITNESS_FADE_MIN / (c.WITNESS_FADE_MIN + late)
    if clock(m.event_ns) - b.clock < late - 1.0:
        return 0.0
    return c.AFTER * c.AFTER_FADE_MIN / (c.AFTER_FADE_MIN + late)


def events_of(stories: list[Story]) -> list[list[Story]]:
    groups: dict[str, list[Story]] = {}

    def own(story: Story) -> str:
        return "" if story.results else story.mention.story_id

    for story in stories:
        if not story.mention.witness:
            groups.setdefault(own(story), []).append(story)
    for story in stories:
        if not story.mention.witness:
            continue
        kinds = story.types & set(c.EVENT)
        fits = [
            (group[0].mention.event_ns, -number, name)
            for number, (name, group) in enumerate(groups.items())
            if kinds & group[0].types and group[0].mention.event_ns <= story.mention.event_ns
        ]
        groups.setdefault(max(fits)[2] if fits else own(story), []).append(story)
    return list(groups.values())


def divided(
    points: Sequence[Point],
    mentions: Sequence[Mention],
    since_ns: int,
    clock: Callable[[int], float],
    beta: float,
) -> Told:
    """Return the attribution of a path."""
    pairs = list(pairwise(points))
    returns = [math.log(b.price / a.price) for a, b in pairs]
    market = [
        beta * math.log(b.market / a.market) if a.market and b.market else 0.0 for a, b in pairs
    ]
    rest = [r - m for r, m in zip(returns, market, strict=True)]
    sign = 1 if points[-1].price >= points[0].price else -1
    stories = []
    for story in stories_of(mentions, since_ns):
        weight = standing_of(story, sign)
        story.weights = [weight * kernel(story.mention, a, b, clock) for a, b in pairs]
        if weight > 0:
            stories.append(story)
    events = events_of(stories)
    weights = [[max(s.weights[k] for s in event) for k in range(len(pairs))] for event in events]
    whole = [c.UNEXPLAINED + sum(w[k] for w in weights) for k in range(len(pairs))]

    def share_of(part: Sequence[float]) -> float:
        return max(0.0, sign * math.fsum(part))

    parts = [
        share_of([a * w / x for a, w, x in zip(rest, ws, whole, strict=True)]) for ws in weights
    ]
    by_market = share_of(market)
    left = share_of([a * c.UNEXPLAINED / x for a, x in zip(rest, whole, strict=True)])
    total = by_market + left + sum(parts)
    if not total:
        return Told(0.0, 1.0, [], sign * math.fsum(market) < -1e-12)
    causes = ranked(parts, events, total, rest)
    shown = [cause for cause in causes if cause[2] > 0][:8]
    market_share = math.floor(by_market / total * 1e6) / 1e6
    unexplained = 1.0 - market_share - sum(cause[2] for cause in shown)
    return Told(market_share, unexplained, shown, sign * math.fsum(market) < -1e-12)


def ranked(
    parts: Sequence[float], events: Sequence[list[Story]], total: float, rest: Sequence[float]
) -> list[tuple[str, str, float]]:
    """Return (story, headline, share) of the events, each by the story that stands for it."""
    found = []
    for part, event in zip(parts, events, strict=True):
        first = min(
            event,
            key=lambda s: (
                s.mention.witness,
                -math.fsum(w * abs(a) for w, a in zip(s.weights, rest, strict=True)),
                s.key,
            ),
        )
        found.append((-math.floor(part / total * 1e6) / 1e6, first.key, first.mention))
    found.sort(key=lambda f: f[:2])
    return [(m.story_id, m.headline_id, -share) for share, _, m in found]
