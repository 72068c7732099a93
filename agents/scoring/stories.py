"""Group headlines into stories: one report and its revisions, copies and rewrites in 24 h.

Similarity is a token Jaccard and containment, weighted by how rare each token is in the window
at hand, minus a penalty for distance in time and for numbers that disagree. All weights are
integers and the window is rebuilt in insertion order, so a restored index goes on alike.
"""

from __future__ import annotations

import functools
import re
from collections import Counter, deque
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from agents.scoring.text import clean, fold, strip_wire
from streams.events import DAY_NS, content_id

Key = TypeVar("Key")

WINDOW_NS = DAY_NS
NO_ISSUER = ("",)  # the shelf of headlines that were linked to nobody
# Chosen on threads of a 2013 wire: pairwise F1 is flat from .46 to .56.
THRESHOLD = 0.5
CONTAINMENT_SHARE = 0.3  # the rest of the similarity is Jaccard
DAY_PENALTY = 0.5  # an equal title a whole day later is only just the same story
NUMBER_PENALTY = 0.1
# Below this Jaccard even full containment stays under the threshold.
JACCARD_FLOOR = (THRESHOLD - CONTAINMENT_SHARE) / (1 - CONTAINMENT_SHARE)
MAX_POSTING = 400  # the newest members looked at for one token
MAX_MEMBERS = 60_000  # ten times a busy day of a world wire

_WORD = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_][^\W_]*(?:[&'.][^\W_]+)*|%")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STOP = frozenset(
    "a an the of to in on for and or as at by with from is are was were be been its it s after"
    " over says say said sees amid this that will has have had u us new but not than their his"
    " her our your who which into out up".split()
)
_SAME = {
    "mln": "million",
    "bln": "billion",
    "bn": "billion",
    "tln": "trillion",
    "pct": "%",
    "percent": "%",
    "stg": "pound",
    "govt": "government",
    "centres": "center",
    "centers": "center",
    "vs": "versus",
    "qtr": "quarter",
    "qtrly": "quarter",
    "quarterly": "quarter",
    "yr": "year",
}
_ENDINGS = ("ings", "ing", "ies", "ed", "es", "s")


@functools.lru_cache(maxsize=50_000)
def _content(word: str) -> str:
    """Return the token that stands for a word, empty for a stop word."""
    word = word.removesuffix("'s").replace(",", "")
    word = _SAME.get(word, word)
    return "" if word in _STOP else _stem(word)


def _stem(word: str) -> str:
    """Cut a common English ending, keeping at least three letters."""
    for ending in _ENDINGS if word[-1] in "sgd" else ():
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def story_tokens(title: str) -> tuple[str, ...]:
    """Return a title's content tokens, sorted, without what wires add and stop words."""
    folded = fold(strip_wire(clean(title))).replace("u.s.", "us").replace("u.k.", "uk")
    found = set(map(_content, _WORD.findall(folded)))
    found.discard("")
    found.update(_CJK.findall(folded) if not folded.isascii() else ())
    return tuple(sorted(found)) or (folded,)


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One headline of the window."""

    headline_id: str
    story_id: str
    event_ns: int
    tokens: tuple[str, ...]
    issuers: tuple[str, ...]
    weight: int


class StoryIndex:
    """The window of recent headlines, searchable by their rarest tokens."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}
        self._next = 0
        self._by_headline: dict[str, int] = {}
        self._by_story: dict[str, list[int]] = {}
        # A token's members, apart for each issuer: news of two companies is never one story.
        self._postings: dict[tuple[str, str], list[int]] = {}
        self._frequency: Counter[str] = Counter()
        self._order: deque[int] = deque()
        self._newest_ns = 0

    def __len__(self) -> int:
        return len(self._members)

    def assign(
        self, headline_id: str, title: str, issuers: tuple[str, ...], event_ns: int
    ) -> tuple[str, int]:
        """Return the headline's story and how many members of it came before.

        A headline already in the window keeps its story, whatever its new title says.
        """
        known = self._by_headline.get(headline_id)
        if known is not None:
            member = self._members[known]
            return member.story_id, self._rank(member.story_id, member.event_ns, headline_id)
        # Two headlines without a title have nothing in common.
        tokens = story_tokens(title) if title.strip() else (headline_id,)
        weights = {token: self._weight(token) for token in tokens}
        story = self._closest(tokens, weights, issuers or NO_ISSUER, event_ns)
        story_id = story or content_id("story", headline_id)
        rank = self._rank(story_id, event_ns, headline_id)
        self._add(Member(headline_id, story_id, event_ns, tokens, issuers, sum(weights.values())))
        self._expire(event_ns)
        return story_id, rank

    def issuers_of(self, headline_id: str) -> tuple[str, ...]:
        """Return the issuers a headline of the window was linked to."""
        number = self._by_headline.get(headline_id)
        return self._members[number].issuers if number is not None else ()

    def snapshot(self) -> bytes:
        """Return the window as msgpack, in insertion order."""
        return msgspec.msgpack.encode((self._newest_ns, list(self._members.values())))

    def restore(self, data: bytes) -> None:
        """Replace the window by a snapshot's; raises msgspec.DecodeError on damaged bytes."""
        newest_ns, members = msgspec.msgpack.decode(data, type=tuple[int, list[Member]])
        self.refill(newest_ns, 0, members)

    def refill(self, newest_ns: int, first: int, members: Iterable[Member]) -> None:
        """Replace the window by these members, in insertion order, numbered from `first`."""
        fresh = StoryIndex()
        fresh._next = first
        for member in members:
            fresh._add(member)
        fresh._newest_ns = newest_ns
        self.__dict__ = fresh.__dict__

    @property
    def newest_ns(self) -> int:
        """Return the newest event time seen: the window ends there."""
        return self._newest_ns

    @property
    def numbers(self) -> range:
        """Return the numbers of the members, which have no gap."""
        return range(self._next - len(self._members), self._next)

    def members(self, numbers: range) -> list[Member]:
        """Return members by number."""
        return [self._members[number] for number in numbers]

    def _weight(self, token: str) -> int:
        """Weigh a token by the bits of its rarity: 1 = in every member, +1 at each halving."""
        return ((len(self._members) + 2) // (self._frequency[token] + 1)).bit_length()

    def _candidates(self, weights: dict[str, int], issuer: str) -> dict[int, int]:
        """Return an issuer's members that share enough rare tokens, and the weight they share."""
        total = rest = sum(weights.values())
        shared: dict[int, int] = {}
        for token in sorted(weights, key=lambda token: (-weights[token], token)):
            weight = weights[token]
            posting = self._postings.get((issuer, token), ())[-MAX_POSTING:]
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
            member = self._members[number]
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
            average = sum(scores) / len(self._by_story[story_id])
            score = (closest + max(average, 0.0)) / 2 if closest < 0.9 else closest
            if score >= THRESHOLD and (best is None or (score, story_id) > best):
                best = (score, story_id)
        return best[1] if best else None

    def _rank(self, story_id: str, event_ns: int, headline_id: str) -> int:
        """Count the story's members that come before (event time, headline id)."""
        numbers = self._by_story.get(story_id, ())
        members = (self._members[number] for number in numbers)
        return sum((m.event_ns, m.headline_id) < (event_ns, headline_id) for m in members)

    def _add(self, member: Member) -> None:
        number = self._next
        self._next += 1
        self._members[number] = member
        self._by_headline[member.headline_id] = number
        self._by_story.setdefault(member.story_id, []).append(number)
        for token in member.tokens:
            self._frequency[token] += 1
        for key in _posting_keys(member):
            self._postings.setdefault(key, []).append(number)
        self._order.append(number)

    def _expire(self, event_ns: int) -> None:
        """Drop, oldest arrival first, what lies more than a day before the newest event."""
        self._newest_ns = max(self._newest_ns, event_ns)
        horizon = self._newest_ns - WINDOW_NS
        while self._order:
            number = self._order[0]
            if self._members[number].event_ns >= horizon and len(self._order) <= MAX_MEMBERS:
                return
            self._order.popleft()
            self._remove(number)

    def _remove(self, number: int) -> None:
        member = self._members.pop(number)
        self._by_headline.pop(member.headline_id, None)
        _drop(self._by_story, member.story_id, number)
        for token in member.tokens:
            self._frequency[token] -= 1
            if not self._frequency[token]:
                del self._frequency[token]
        for key in _posting_keys(member):
            _drop(self._postings, key, number)


def _posting_keys(member: Member) -> list[tuple[str, str]]:
    """Return the (issuer, token) pairs under which a member is found."""
    issuers = member.issuers or NO_ISSUER
    return [(issuer, token) for issuer in issuers for token in member.tokens]


def _drop(index: dict[Key, list[int]], key: Key, number: int) -> None:
    """Take one number, near the front of its ascending list, out of an index."""
    numbers = index[key]
    numbers.remove(number)
    if not numbers:
        del index[key]


def _similarity(shared: int, mine: int, theirs: int) -> float:
    """Blend weighted Jaccard with containment in the smaller title, in [0, 1]."""
    jaccard = shared / max(mine + theirs - shared, shared)
    contained = min(shared / max(min(mine, theirs), 1), 1.0)
    return (1 - CONTAINMENT_SHARE) * jaccard + CONTAINMENT_SHARE * contained


def _numbers_disagree(numbers: set[str], tokens: tuple[str, ...]) -> bool:
    """Tell whether two titles both give numbers and neither set holds the other."""
    theirs = {token for token in tokens if token[:1].isdigit()}
    return bool(theirs) and not (numbers <= theirs or theirs <= numbers)
