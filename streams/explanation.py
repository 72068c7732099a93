"""How a move is explained, as an alert carries it: shares, ranked causes, and the path that they divide."""

from __future__ import annotations

from typing import Literal

import msgspec


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A story that may explain a move, with every factor of its share."""

    story_id: str
    headline_id: str
    title: str
    source: str
    url: str
    event_ns: int
    lag_s: float  # end of the step it explains most, minus event: positive = the news came first
    share: float
    event_types: tuple[str, ...]
    direction: float | None
    factors: dict[str, float]
    copies: int  # further members of the story
    also: tuple[str, ...] = ()  # headline ids of other stories of the same event


class CommonStory(msgspec.Struct, frozen=True, kw_only=True):
    """News of the market or of a sector that stands behind its share."""

    scope: Literal["market", "sector"]
    story_id: str
    headline_id: str
    title: str
    source: str
    url: str
    event_ns: int
    direction: float | None


class OtherLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the issuer's other listing had done when this one's alert opened."""

    listing: str
    leader: str | None  # the listing that passed the level first; None = neither has
    lag_s: float | None  # how much earlier the leader passed it
    move_bps: float | None  # the other line's move against its own previous close


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """The ranked causes of a move; the shares of all parts sum to 1."""

    market_share: float
    sector_share: float = 0.0
    unexplained_share: float
    beta: float = 1.0
    market_return_bps: float | None = None  # the benchmark's over the path; None = not known
    price_led: bool
    late_feed: bool
    other_line: OtherLine | None
    candidates: tuple[Candidate, ...]
    market_candidates: tuple[CommonStory, ...] = ()
    flags: tuple[str, ...] = ()


class PathStep(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of a move's path, in logarithmic returns: what moved in it, and with which stories.

    `causes` are the parts of the candidates by headline id; the rest of the return is the market's, the
    sector's, and unexplained.
    """

    start_ns: int
    end_ns: int
    return_bps: float
    market_bps: float
    sector_bps: float
    causes: dict[str, float]
