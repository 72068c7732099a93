"""The vocabulary: every record that travels, frozen, with its unit in every name.

Times are integer nanoseconds since 1970-01-01 UTC (`_ns`), prices integer millionths of the
currency unit, sizes integer shares. A `None` always means "not known", never zero.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Final, Literal, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from streams.explanation import Attribution, PathStep

PRICE_SCALE = 1_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
NEVER_NS = 2**62  # an instant that no clock reaches (the year 2116)
NOVELTY_BASE = 0.75  # RavenPack's event novelty of a story's members: 100, 75, 56, ... (DESIGN 3)

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]

Action = Literal["created", "updated", "deleted"]
Tier = Literal["regulator", "issuer", "wire", "outlet", "aggregator", "unknown"]
Direction = Literal["up", "down"]
Transition = Literal["opened", "escalated", "updated", "resolved", "retracted"]  # of an alert
TRANSITIONS: Final[tuple[Transition, ...]] = get_args(Transition)


def content_id(*parts: object) -> str:
    """Return 16 hex digits that depend on `parts` alone (BLAKE2b, RFC 7693, 64 bits)."""
    text = "\x1f".join("" if p is None else str(p) for p in parts)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class Phase(enum.IntEnum):
    """The phase of a venue; the names are DESIGN's, the numbers are those of the tables."""

    closed = 0
    pre = 1
    open_auction = 2
    regular = 3
    lunch = 4
    closing_auction = 5
    post = 6
    halted = 7


class Flag(enum.IntFlag):
    """What a tick row is and what it may set; sale conditions are folded into these."""

    bar = 1  # open, high, low, close over [start_ns, ts_ns]; bypasses the bad-tick filter
    point = 2  # a completed second of a broadcast listing: read as benchmark only
    no_last = 4  # may not set the last price
    no_range = 8  # may not set high or low
    no_volume = 16  # does not count as volume
    official_close = 32  # the venue's closing price; sets nothing else
    official_open = 64  # the venue's opening price; sets nothing else
    corrected_close = 128  # replaces the official close
    extended = 256  # Form T: volume only in the regular phase, a full trade outside it
    first_last = 512  # may set last only as the first trade of the day


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """One published item, at one revision."""

    headline_id: str
    revision: int = 0
    action: Action = "created"
    source: str
    source_key: str  # the source's own id of the item
    feed: str = ""
    tier: Tier = "unknown"
    title: str
    summary: str = ""
    url: str = ""
    language: str = ""
    symbols: tuple[str, ...] = ()
    published_ns: int | None
    precision_s: int = 1  # how exact `published_ns` is: its instant lies in [published, +precision)
    delay_s: int = 0  # the feed's declared delay between publication and receipt
    updated_ns: int | None = None
    received_ns: int | None = None
    event_ns: int  # when it happened, for measuring
    known_ns: int  # when a decision could first use it
    flags: tuple[str, ...] = ()


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One tradeable line of an issuer on one venue, written `SYMBOL.MIC`."""

    listing: str
    issuer: str
    symbol: str
    mic: str
    currency: str
    shares_per_unit: float = 1.0  # ordinary shares one unit stands for: 8 for BABA's ADS
    isin: str = ""
    benchmark: str = ""  # the listing its abnormal return is measured against


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """The company; the key of state and of partitions."""

    issuer: str
    name: str
    aliases: tuple[str, ...] = ()
    listings: tuple[Listing, ...] = ()
    cik: str = ""
    sector: str = ""


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """A headline as it concerns one issuer: the only news the reacting stage sees."""

    headline_id: str
    revision: int
    action: Action = "created"
    issuer: str
    relevance: float  # [0, 1]
    evidence: tuple[str, ...]  # how it was linked, such as "exchange:NYSE: BABA", "alias:Qwen"
    vader: float | None  # vaderSentiment's compound, [-1, 1]; None = the scorer failed
    direction: float | None  # finance-aware score for this issuer, [-1, 1]; None = no evidence
    scorer: str
    event_types: tuple[str, ...]
    story_id: str
    novelty: float  # NOVELTY_BASE ** (earlier members of the story)
    event_ns: int
    known_ns: int
    published_ns: int | None
    received_ns: int | None
    precision_s: int = 1
    delay_s: int = 0
    title: str
    url: str = ""
    source: str = ""
    tier: Tier = "unknown"
    flags: tuple[str, ...] = ()
    witness: bool = False  # states a move of the price and its cause: evidence of earlier steps


class TickFrame(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The columns of many consecutive tick rows; all arrays have one length.

    `listing` indexes `listings`, `exchange` indexes `exchanges` (0 = unknown). `open`, `high`,
    `low` and `start_ns` are None where the frame holds trades only. Rows are numbered
    `first_seq`, `first_seq + 1`, ... within `run`, so that a repeat is recognised.
    """

    run: str
    first_seq: int
    listings: tuple[str, ...]
    listing: I32
    ts_ns: I64
    price: I64  # millionths; a bar's close
    size: I64  # shares; a bar's volume
    flags: I32  # Flag
    exchanges: tuple[str, ...] = ("",)
    exchange: I32 | None = None
    open: I64 | None = None
    high: I64 | None = None
    low: I64 | None = None
    start_ns: I64 | None = None  # a bar's first instant, for its session; a trade's own time


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """Wall time as an event: the only way time enters the engine."""

    ts_ns: int
    final: bool = False  # the log ends here: whatever is open is closed


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A halt or a resumption of one listing."""

    listing: str
    ts_ns: int
    action: Literal["halt", "resume"]
    reason: str = ""


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A cancelled or corrected trade, by the venue's trade id."""

    listing: str
    ts_ns: int
    exchange: str
    trade_id: str
    price: int | None = None  # None = cancelled
    size: int | None = None


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """What one listing did after one mention, over one horizon; returns in basis points."""

    headline_id: str
    issuer: str
    listing: str
    horizon: str  # 1m, 5m, 15m, 60m, session_close
    event_ns: int
    start_ns: int | None  # when the horizon began to run; None = it never did
    due_ns: int | None
    reference_price: float | None
    reference_age_s: float | None  # trading time
    price: float | None
    return_bps: float | None
    abnormal_bps: float | None
    z: float | None
    volume_surge: float | None
    path_high_bps: float | None
    path_low_bps: float | None
    drift_bps: float | None
    flags: tuple[str, ...]


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A listing passing one level, once per trade date and direction."""

    move_id: str
    listing: str
    issuer: str
    trade_date: str
    kind: Literal["day", "fast"]
    direction: Direction
    level_pct: int
    ts_ns: int
    session: str
    price: float
    reference_price: float
    return_bps: float
    flags: tuple[str, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """The firing of a rule, in its newest state; `transition` says what made it newest."""

    alert_id: str
    rule: str
    listing: str
    issuer: str
    trade_date: str
    direction: Direction
    state: Literal["open", "resolved", "retracted"]
    transition: Transition
    severity: str
    opened_ns: int
    updated_ns: int
    session: str
    level_pct: int
    price: float
    return_bps: float
    reference_price: float
    attribution: Attribution
    sentence: str
    flags: tuple[str, ...] = ()
    sigmas: float | None = None  # the move in daily standard deviations; None = not known
    timeline: tuple[PathStep, ...] = ()  # the path that the attribution divides


RECORD_CHARS = 2_000  # of a record that could not be used, kept in its Reject


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be used: where, why, and the record itself."""

    stage: Literal["read", "decode", "score", "react", "deliver"]
    reason: str
    detail: str
    ts_ns: int | None
    record: str  # its text, cut to RECORD_CHARS


Output = Reaction | Move | Alert | Reject
MarketRecord = TickFrame | Mention | Clock | Status | Correction
