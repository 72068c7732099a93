"""The walk of one headline through this room: links, story, sentiment, types -> Mentions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agents.scoring.linking import ROLE, Link, Linker
from agents.scoring.sentiment import SCORER, direction_at, evidence, masked
from agents.scoring.stories import StoryIndex
from agents.scoring.taxonomy import Reading, read_events
from agents.scoring.text import prepare
from streams.events import Headline, Mention
from streams.reference.universe import Universe

NOVELTY_BASE = 0.75  # RavenPack's event novelty: 100, 75, 56, ...
NOVELTY_DIGITS = 6
NO_NEWS = "no_news"


class Scorer:
    """Score headlines one by one; only the story window is remembered between them."""

    def __init__(self, universe: Universe, compound: Callable[[str], float | None]) -> None:
        """`compound` gives vaderSentiment's compound of a title, or None where it failed."""
        issuers = list(universe.issuers.values())
        self._order = {issuer.issuer: index for index, issuer in enumerate(issuers)}
        self._linker = Linker(issuers)
        self._compound = compound
        self._stories = StoryIndex()

    def score(self, headline: Headline) -> list[Mention]:
        """Return one Mention per linked issuer, in the universe's order."""
        title = prepare(headline.title)
        links = self._linker.link(title, headline.symbols)
        if headline.action == "deleted" and not links:
            links = self._former_links(headline.headline_id)
        if not links:
            return []
        issuers = tuple(link.issuer for link in links)
        story_id, rank = self._stories.assign(
            headline.headline_id, headline.title, issuers, headline.event_ns
        )
        spans = [link.span for link in links if link.span is not None]
        pieces = evidence(masked(title.words, spans))
        common = _Common(
            vader=self._vader(headline.title),
            reading=read_events(title.words, spans),
            story_id=story_id,
            novelty=round(NOVELTY_BASE**rank, NOVELTY_DIGITS),
        )
        alone = len(links) == 1
        return [
            _mention(
                headline, link, common, direction_at(title.words, pieces, link.span, alone=alone)
            )
            for link in links
        ]

    @property
    def stories(self) -> StoryIndex:
        """Return the story window: all that is remembered."""
        return self._stories

    def snapshot(self) -> bytes:
        """Return the story window as msgpack."""
        return self._stories.snapshot()

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot; raises msgspec.DecodeError on damaged bytes."""
        self._stories.restore(data)

    def _vader(self, title: str) -> float | None:
        """Return the compound, None where the scorer refused the text (never 0)."""
        try:
            return self._compound(title)
        except (ValueError, KeyError, IndexError, TypeError, ZeroDivisionError):
            return None

    def _former_links(self, headline_id: str) -> list[Link]:
        """Return the issuers a headline had before its deletion, which may come without a title."""
        issuers = self._stories.issuers_of(headline_id)
        return [
            Link(issuer, self._order[issuer], 0.0, ("deleted",), None)
            for issuer in issuers
            if issuer in self._order
        ]


class _Common(NamedTuple):
    """What holds for every company of a headline."""

    vader: float | None
    reading: Reading
    story_id: str
    novelty: float


def _mention(headline: Headline, link: Link, common: _Common, direction: float | None) -> Mention:
    """Write down what the headline says of one issuer."""
    types, witness = common.reading.of(link.span)
    if ROLE in link.evidence:  # to who rates another company it is no news
        types, witness = (*types, NO_NEWS), False
    return Mention(
        headline_id=headline.headline_id,
        revision=headline.revision,
        action=headline.action,
        issuer=link.issuer,
        relevance=link.relevance,
        evidence=link.evidence,
        vader=common.vader,
        direction=direction,
        scorer=SCORER,
        event_types=types,
        witness=witness,
        story_id=common.story_id,
        novelty=common.novelty,
        event_ns=headline.event_ns,
        known_ns=headline.known_ns,
        published_ns=headline.published_ns,
        received_ns=headline.received_ns,
        precision_s=headline.precision_s,
        delay_s=headline.delay_s,
        title=headline.title,
        url=headline.url,
        source=headline.source,
        tier=headline.tier,
        flags=headline.flags,
    )
