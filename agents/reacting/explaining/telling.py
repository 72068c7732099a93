"""News as evidence: one story is its earliest member that may explain; copies are only counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from agents.reacting.explaining import constants as c
from agents.reacting.explaining.listing_clock import ListingClock
from agents.reacting.explaining.weights import Evidence
from streams.events import DAY_NS, NOVELTY_BASE, Mention

NOVELTY_NS = DAY_NS  # earlier members of a story count within so much


class ToldStory(NamedTuple):
    """A story as evidence, the mention that stands for it, and how many others tell it."""

    evidence: Evidence
    mention: Mention
    copies: int


def told_stories(
    mentions: Iterable[Mention], since_ns: int, clock: ListingClock
) -> list[ToldStory]:
    """Return the stories that may explain a move, from mentions in any order."""
    stories: dict[str, list[Mention]] = defaultdict(list)
    for mention in sorted(mentions, key=lambda m: (m.event_ns, m.headline_id)):
        if mention.action != "deleted":
            stories[mention.story_id].append(mention)
    found = (_told(members, since_ns, clock) for members in stories.values())
    return [story for story in found if story is not None]


def delay_s(mention: Mention) -> int:
    """Return how far behind the fact this feed's stamp may be: declared delay and precision."""
    return mention.delay_s + (mention.precision_s if mention.precision_s > 1 else 0)


def _told(members: list[Mention], since_ns: int, clock: ListingClock) -> ToldStory | None:
    may_explain = (
        m for m in members if m.event_ns >= since_ns and c.SILENT.isdisjoint(m.event_types)
    )
    mention = next(may_explain, None)
    if mention is None:
        return None
    evidence = Evidence(
        story_id=mention.story_id,
        headline_id=mention.headline_id,
        event_ns=mention.event_ns,
        event_min=clock.at(mention.event_ns),
        event_types=mention.event_types,
        relevance=mention.relevance,
        source=c.SOURCE.get(mention.tier, c.UNKNOWN_SOURCE),
        novelty=_novelty(mention, members),
        direction=mention.direction,
        witness=mention.witness,
        delay_min=delay_s(mention) / 60.0,
    )
    return ToldStory(evidence, mention, len(members) - 1)


def _novelty(mention: Mention, members: list[Mention]) -> float:
    key = (mention.event_ns, mention.headline_id)
    since = mention.event_ns - NOVELTY_NS
    earlier = sum(1 for m in members if m.event_ns >= since and (m.event_ns, m.headline_id) < key)
    return float(NOVELTY_BASE**earlier)
