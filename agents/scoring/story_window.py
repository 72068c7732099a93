"""The headlines of the last 24 h, numbered as they came, and where each of their tokens occurs."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from streams.events import DAY_NS

IndexKey = TypeVar("IndexKey")

WINDOW_NS = DAY_NS
NO_ISSUER = ("",)  # the shelf of headlines that were linked to nobody
MAX_MEMBERS = 60_000  # ten times a busy day of a world wire


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One headline of the window."""

    headline_id: str
    story_id: str
    event_ns: int
    tokens: tuple[str, ...]
    issuers: tuple[str, ...]
    weight: int


class StoryWindow:
    """The members and their indices; it only grows at one end and is forgotten at the other."""

    __slots__ = (
        "_order",
        "by_headline",
        "by_story",
        "frequency",
        "members",
        "newest_ns",
        "next_number",
        "postings",
    )

    def __init__(self, newest_ns: int = 0, first: int = 0, members: Iterable[Member] = ()) -> None:
        """Take members in insertion order, numbered from `first`."""
        self.members: dict[int, Member] = {}
        self.by_headline: dict[str, int] = {}
        self.by_story: dict[str, list[int]] = {}
        # A token's members, apart for each issuer: news of two companies is never one story.
        self.postings: dict[tuple[str, str], list[int]] = {}
        self.frequency: Counter[str] = Counter()
        self._order: deque[int] = deque()
        self.newest_ns = newest_ns
        self.next_number = first
        for member in members:
            self.add(member)

    def weights(self, tokens: Iterable[str]) -> dict[str, int]:
        """Weigh each token by the bits of its rarity: 1 = in every member, +1 at each halving."""
        size, frequency = len(self.members) + 2, self.frequency
        return {token: (size // (frequency[token] + 1)).bit_length() for token in tokens}

    def add(self, member: Member) -> None:
        """Add a member under the next number."""
        number = self.next_number
        self.next_number += 1
        self.members[number] = member
        self.by_headline[member.headline_id] = number
        self.by_story.setdefault(member.story_id, []).append(number)
        for token in member.tokens:
            self.frequency[token] += 1
        for key in _posting_keys(member):
            self.postings.setdefault(key, []).append(number)
        self._order.append(number)

    def expire(self, event_ns: int) -> None:
        """Drop, oldest arrival first, what lies more than a day before the newest event."""
        self.newest_ns = max(self.newest_ns, event_ns)
        horizon = self.newest_ns - WINDOW_NS
        while self._order:
            number = self._order[0]
            if self.members[number].event_ns >= horizon and len(self._order) <= MAX_MEMBERS:
                return
            self._order.popleft()
            self._remove(number)

    def _remove(self, number: int) -> None:
        member = self.members.pop(number)
        self.by_headline.pop(member.headline_id, None)
        _drop(self.by_story, member.story_id, number)
        for token in member.tokens:
            self.frequency[token] -= 1
            if not self.frequency[token]:
                del self.frequency[token]
        for key in _posting_keys(member):
            _drop(self.postings, key, number)


def _posting_keys(member: Member) -> list[tuple[str, str]]:
    """Return the (issuer, token) pairs under which a member is found."""
    issuers = member.issuers or NO_ISSUER
    return [(issuer, token) for issuer in issuers for token in member.tokens]


def _drop(index: dict[IndexKey, list[int]], key: IndexKey, number: int) -> None:
    """Take one number, near the front of its ascending list, out of an index."""
    numbers = index[key]
    numbers.remove(number)
    if not numbers:
        del index[key]
