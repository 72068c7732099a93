"""Make a Headline: its identity, its event time and when it was known."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from streams.errors import RecordError
from streams.events import SECOND_NS, Action, Headline, Tier, content_id
from streams.text import SUMMARY_CHARS, clean_key, clean_text, clean_url
from streams.times import DAY_S, FARTHEST_NS, FIRST_NS, PAST_END_NS

# A publisher's clock may run a little ahead of ours: guides/finance.md 1.6.
EARLIEST_LAG_NS = -5 * SECOND_NS

IMPLAUSIBLE = "published_implausible"
UNPUBLISHED = "no_published"


class HeadlineParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a Headline is made of: texts as they came, times in ns UTC, None = not known."""

    source: str
    source_key: str
    title: str
    feed: str = ""
    summary: str = ""
    url: str = ""
    language: str = ""
    symbols: tuple[str, ...] = ()
    published_ns: int | None
    precision_s: int = 1  # how exact `published_ns` is
    delay_s: float = 0  # the feed's declared delay
    updated_ns: int | None = None
    received_ns: int | None = None
    lateness_bound_s: float = DAY_S
    revision: int = 0
    action: Action = "created"
    tier: Tier


def make_headline(parts: HeadlineParts) -> Headline:
    """Return the Headline of one item; without `source_key` its link, else title and time names it.

    Raises RecordError: `no_title`, `no_time`, `past` (before 2000) or `future` (after 2027).
    """
    title = clean_text(parts.title)
    if not title:
        named = parts.source_key or parts.url
        raise RecordError("no_title", f"nothing is left of the title of {named!r}")
    source, url = clean_text(parts.source), clean_url(parts.url)
    key = clean_key(parts.source_key) or url or content_id(title, parts.published_ns)
    return Headline(
        headline_id=content_id(source, key),
        revision=parts.revision,
        action=parts.action,
        source=source,
        source_key=key,
        feed=parts.feed,
        tier=parts.tier,
        title=title,
        summary=clean_text(parts.summary, SUMMARY_CHARS) if parts.summary else "",
        url=url,
        language=parts.language,
        symbols=parts.symbols,
        **_times(parts),
    )


def _times(parts: HeadlineParts) -> dict[str, Any]:
    published_ns, received_ns = parts.published_ns, parts.received_ns
    event_ns, flags = event_time(published_ns, received_ns, parts.lateness_bound_s)
    check_span(event_ns)
    return {
        "published_ns": _bounded(published_ns),
        "updated_ns": _bounded(parts.updated_ns),
        "received_ns": received_ns,
        "event_ns": event_ns,
        "known_ns": known_time(published_ns, parts.precision_s, parts.delay_s, received_ns),
        "precision_s": parts.precision_s,
        "delay_s": math.ceil(parts.delay_s),
        "flags": flags,
    }


def event_time(
    published_ns: int | None, received_ns: int | None, lateness_bound_s: float
) -> tuple[int, tuple[str, ...]]:
    """Return when it happened and what is doubtful about that (DESIGN 3)."""
    if received_ns is None:
        if published_ns is None:
            raise RecordError("no_time", "neither a publication nor a receipt time is known")
        return published_ns, ()
    if published_ns is None:
        return received_ns, (UNPUBLISHED,)
    lag_ns = received_ns - published_ns
    if EARLIEST_LAG_NS <= lag_ns <= lateness_bound_s * SECOND_NS:
        return min(published_ns, received_ns), ()
    return received_ns, (IMPLAUSIBLE,)


def known_time(
    published_ns: int | None, precision_s: int, delay_s: float, received_ns: int | None
) -> int:
    """Return when a decision could first use it (DESIGN 4.4).

    A stamp coarser than a second was known at the end of its minute (or day) at the latest, so
    nothing leaks from the future; a second's stamp is taken as exact.
    """
    if received_ns is not None:
        return received_ns
    if published_ns is None:
        raise RecordError("no_time", "neither a publication nor a receipt time is known")
    coarse_s = precision_s if precision_s > 1 else 0
    return published_ns + round(delay_s * SECOND_NS) + coarse_s * SECOND_NS


def check_span(instant_ns: int) -> None:
    """Raise RecordError `past` or `future` for an instant outside the shipped calendars."""
    if instant_ns < FIRST_NS:
        raise RecordError("past", f"{instant_ns} ns is before 2000-01-01")
    if instant_ns >= PAST_END_NS:
        raise RecordError("future", f"{instant_ns} ns is after 2027-12-31")


def _bounded(instant_ns: int | None) -> int | None:
    """Drop an instant that 64 bits cannot hold: with a receipt the item itself is good."""
    return None if instant_ns is None or abs(instant_ns) > FARTHEST_NS else instant_ns
