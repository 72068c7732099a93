"""Group headlines into stories: one report and its revisions, copies and rewrites in 24 h.

Similarity is a token Jaccard and containment, weighted by how rare each token is in the window
at hand, minus a penalty for distance in time and for numbers that disagree. All weights are
integers and the window is rebuilt in insertion order, so a restored index goes on alike.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agents.scoring.story_tokens import story_tokens
from agents.scoring.story_window import NO_ISSUER, WINDOW_NS, Member, StoryWindow
from streams.events import DAY_NS, content_id

# Chosen on threads of a 2013 wire: pairwise F1 is flat from .46 to .56.
THRESHOLD = 0.5
CONTAINMENT_SHARE = 0.3  # the rest of the similarity is Jaccard
DAY_PENALTY = 0.5  # an equal title a whole day later is only just the same story
NUMBER_PENALTY = 0.1
# Below this Jaccard even full containment stays under the threshold.
JACCARD_FLOOR = (THRESHOLD - CONTAINMENT_SHARE) / (1 - CONTAINMENT_SHARE)
MAX_POSTING = 400  # the newest members looked at for one token


class StoryIndex:
    """The window of recent headlines, searchable by their rarest tokens."""

    def __init__(self) -> None:
        self._window = StoryWindow()

    def __len__(self) -> int:
        return len(self._window.members)

    def assign(
        self, headline_id: str, title: str, issuers: tuple[str, ...], event_ns: int
    ) -> tuple[str, int]:
        """Return the headline's story and how many members of it came before.

        A headline already in the window keeps its story, whatever its new title says.
        """
        known = self._window.by_headline.get(headline_id)
        if known is not None:
            member = self._window.members[known]
            return member.story_id, self._rank(member.story_id, member.event_ns, headline_id)
        # Two headlines without a title have nothing in common.
        tokens = story_tokens(title) if title.strip() else (headline_id,)
        weights = self._window.weights(tokens)
        story = self._closest(tokens, weights, issuers or NO_ISSUER, event_ns)
        story_id = story or content_id("story", headline_id)
        rank = self._rank(story_id, event_ns, headline_id)
        self._window.add(
            Member(headline_id, story_id, event_ns, tokens, issuers, sum(weights.values()))
        )
        self._window.expire(event_ns)
        return story_id, rank

    def issuers_of(self, headline_id: str) -> tuple[str, ...]:
        """Return the issuers a headline of the window was linked to."""
        number = self._window.by_headline.get(headline_id)
        return self._window.members[number].issuers if number is not None else ()

    def snapshot(self) -> bytes:
        """Return the window as msgpack, in insertion order."""
        return msgspec.msgpack.encode((self._window.newest_ns, list(self._window.members.values())))

    def restore(self, data: bytes) -> None:
        """Replace the window by a snapshot's; raises msgspec.DecodeError on damaged bytes."""
        newest_ns, members = msgspec.msgpack.decode(data, type=tuple[int, list[Member]])
        self.refill(newest_ns, 0, members)

    def refill(self, newest_ns: int, first: int, members: Iterable[Member]) -> None:
        """Replace the window by these members, in insertion order, numbered from `first`."""
        self._window = StoryWindow(newest_ns, first, members)

    @property
    def newest_ns(self) -> int:
        """Return the newest event time seen: the window ends there."""
        return self._window.newest_ns

    @property
    def numbers(self) -> range:
        """Return the numbers of the members, which have no gap."""
        stop = self._window.next_number
        return range(stop - len(self._window.members), stop)

    def members(self, numbers: range) -> list[Member]:
        """Return members by number."""
        return [self._window.members[number] for number in numbers]

    def _candidates(self, weights: dict[str, int], issuer: str) -> dict[int, int]:
        """Return an issuer's members that share enough rare tokens, and the weight they share."""
        total = rest = sum(weights.values())
        shared: dict[int, int] = {}
        for token in sorted(weights, key=lambda token: (-weights[token], token)):
            weight = weights[token]
            posting = self._window.postings.get((issuer, token), ())[-MAX_POSTING:]
            if rest >= JACCARD_FLOOR * total:
                for number in posting:
                    shared[number] = shared.get(number, 0) + weight
            else:
                # What shares only common tokens cannot reach the floor: no new candidates.
                for number in posting if shared else ():
                    if number in shared:
                        shared[number] += weight
            rest -= weight
        return shared

    def _closest(
        self,
        tokens: tuple[str, ...],
        weights: dict[str, int],
        issuers: tuple[str, ...],
        event_ns: int,
    ) -> str | None:
        """Return the story whose members are most alike, or None under the threshold."""
        total = sum(weights.values())
        numbers = {token for token in tokens if token[:1].isdigit()}
        likeness: dict[str, list[float]] = {}
        candidates: dict[int, int] = {}
        for issuer in issuers:
            candidates.update(self._candidates(weights, issuer))
        enough = JACCARD_FLOOR * total
        for number, shared in candidates.items():
            if shared < enough:
                continue
            member = self._window.members[number]
            gap_ns = abs(event_ns - member.event_ns)
            if gap_ns > WINDOW_NS:
                continue
            score = _similarity(shared, total, member.weight)
            score -= DAY_PENALTY * gap_ns / DAY_NS
            if numbers and _numbers_disagree(numbers, member.tokens):
                score -= NUMBER_PENALTY
            likeness.setdefault(member.story_id, []).append(score)
        return self._best(likeness)

    def _best(self, likeness: dict[str, list[float]]) -> str | None:
        """Return the story with the best mean of its closest and its average member."""
        best: tuple[float, str] | None = None
        for story_id, scores in likeness.items():
            closest = max(scores)
            average = sum(scores) / len(self._window.by_story[story_id])
            score = (closest + max(average, 0.0)) / 2 if closest < 0.9 else closest
            if score >= THRESHOLD and (best is None or (score, story_id) > best):
                best = (score, story_id)
        return best[1] if best else None

    def _rank(self, story_id: str, event_ns: int, headline_id: str) -> int:
        """Count the story's members that come before (event time, headline id)."""
        numbers = self._window.by_story.get(story_id, ())
        members = (self._window.members[number] for number in numbers)
        return sum((m.event_ns, m.headline_id) < (event_ns, headline_id) for m in members)


def _similarity(shared: int, mine: int, theirs: int) -> float:
    """Blend weighted Jaccard with containment in the smaller title, in [0, 1]."""
    jaccard = shared / max(mine + theirs - shared, shared)
    contained = min(shared / max(min(mine, theirs), 1), 1.0)
    return (1 - CONTAINMENT_SHARE) * jaccard + CONTAINMENT_SHARE * contained


def _numbers_disagree(numbers: set[str], tokens: tuple[str, ...]) -> bool:
    """Tell whether two titles both give numbers and neither set holds the other."""
    theirs = {token for token in tokens if token[:1].isdigit()}
    return bool(theirs) and not (numbers <= theirs or theirs <= numbers)
