"""What is known of one issuer's news: its mentions, newest revision each, by story."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from streams.events import DAY_NS, Mention

KEPT_NS = 9 * DAY_NS  # longer than any look-back: the longest closures of XNYS and XHKG are 6 days


AHEAD_NS = DAY_NS  # that an event may lie after the Clock: clocks of machines differ, not by a day


def untimely(event_ns: int, clock_ns: int) -> str:
    """Return why an event cannot be news at a Clock (below 0: there is none yet), "" if it can.

    One that lies so far back would be forgotten as soon as it is known, so that each repeat of it
    would be news again.
    """
    if clock_ns < 0:
        return ""
    if event_ns > clock_ns + AHEAD_NS:
        return "future"
    return "past" if event_ns < clock_ns - KEPT_NS else ""


class News(msgspec.Struct):
    """The mentions of one issuer. A deletion stays known, so that a late revision cannot undo it."""

    mentions: dict[str, Mention] = {}  # by headline id

    def learn(self, mention: Mention) -> tuple[bool, bool]:
        """Take a mention in; return (it changed something, it is the first of its headline)."""
        known = self.mentions.get(mention.headline_id)
        if known is not None and known.revision >= mention.revision:
            return False, False
        self.mentions[mention.headline_id] = mention
        return True, known is None

    def forget(self, before_ns: int) -> None:
        """Drop mentions whose event lies more than nine days before `before_ns`."""
        oldest = before_ns - KEPT_NS
        stale = [k for k, m in self.mentions.items() if m.event_ns < oldest]
        for key in stale:
            del self.mentions[key]

    def stories(self) -> dict[str, list[Mention]]:
        """Return the members of each story that still stand, by (event time, headline id)."""
        found: dict[str, list[Mention]] = defaultdict(list)
        standing = (m for m in self.mentions.values() if m.action != "deleted")
        for mention in sorted(standing, key=lambda m: (m.event_ns, m.headline_id)):
            found[mention.story_id].append(mention)
        return found
