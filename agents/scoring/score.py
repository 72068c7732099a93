"""The walk of one headline through this room: links, story, sentiment, types -> Mentions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agents.scoring.decisions import LinkDecision, decision_of
from agents.scoring.linking import ROLE, IssuerLink, Linker, Refusal
from agents.scoring.sentiment import SCORER, direction_at, evidence, masked
from agents.scoring.stories import StoryIndex
from agents.scoring.taxonomy import TitleReading, read_events
from agents.scoring.text import prepare
from streams.events import NOVELTY_BASE, Headline, Mention
from streams.reference.universe import Universe

NOVELTY_DIGITS = 6
NO_NEWS = "no_news"


class Scorer:
    """Score headlines one by one; only the story window is remembered between them."""

    def __init__(self, universe: Universe, compound: Callable[[str], float | None]) -> None:
        """`compound` returns vaderSentiment's compound of a title, None where it failed; it never raises."""
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
        if not links:  # `decision` says why
            return []
        issuers = tuple(link.issuer for link in links)
        story_id, rank = self._stories.assign(
            headline.headline_id, headline.title, issuers, headline.event_ns
        )
        spans = [link.span for link in links if link.span is not None]
        pieces = evidence(masked(title.words, spans))
        common = _Common(
            vader=self._compound(headline.title),
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

    def decision(self, headline: Headline) -> LinkDecision:
        """Return to whom a headline is linked, what was refused, and why; remembers nothing.

        It links the title a second time, so ask only where the answer is written down.
        """
        refused: list[Refusal] = []
        links = self._linker.link(prepare(headline.title), headline.symbols, refused)
        former = headline.action == "deleted" and not links
        if former:
            links = self._former_links(headline.headline_id)
        return decision_of(headline.headline_id, links, refused, former=former)

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

    def _former_links(self, headline_id: str) -> list[IssuerLink]:
        """Return the issuers a headline had before its deletion, which may come without a title."""
        issuers = self._stories.issuers_of(headline_id)
        return [
            IssuerLink(issuer, self._order[issuer], 0.0, ("deleted",), None)
            for issuer in issuers
            if issuer in self._order
        ]


class _Common(NamedTuple):
    """What holds for every company of a headline."""

    vader: float | None
    reading: TitleReading
    story_id: str
    novelty: float


def _mention(
    headline: Headline, link: IssuerLink, common: _Common, direction: float | None
) -> Mention:
    """Write down what the headline says of one issuer."""
    types, witness = common.reading.of(link.span)
    if ROLE in link.evidence:  # to who rates another company it is no news
        types, witness = (*(name for name in types if name != NO_NEWS), NO_NEWS), False
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
