"""Hypothesis strategies that make market logs: small universes, a few days, many troubles."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from streams.events import SECOND_NS, Action, Clock, Listing, Mention, Phase
from streams.reference.calendars import Calendar, calendar_for
from tests.oracle import DailyRow
from tests.oracle.episodes import EPISODES, LEVELS_PCT, Script
from tests.oracle.framing import Record, framed, reframe, repeated
from tests.oracle.rows import Row
from tests.oracle.venue import EPOCH_ORDINAL, Venue, venue_of

__all__ = ["MarketLog", "Record", "calendars", "market_logs", "mention", "reframe"]

DATES = tuple(dt.date(2025, 9, d).toordinal() - EPOCH_ORDINAL for d in (24, 25, 26))
BENCHMARK = "SPY.XNYS"
LISTINGS = tuple(
    Listing(listing=f"{symbol}.{mic}", issuer=issuer, symbol=symbol, mic=mic, currency=currency)
    for symbol, mic, issuer, currency in (
        ("BABA", "XNYS", "ALIBABA", "USD"),
        ("9988", "XHKG", "ALIBABA", "HKD"),
        ("SPY", "XNYS", "SPDR", "USD"),
        ("PENNY", "XHKG", "PENNY", "HKD"),
    )
)
CLOSES = {"BABA.XNYS": 163_080_000, "9988.XHKG": 159_300_000, BENCHMARK: 663_210_000}
PENNY_CLOSE = 480_000  # so low that five price ticks are more than 0.8 %
COMMON = ("minutes", "minutes", "drift", "climb")  # drawn more often: others need them around
REPEATS = ("none", "none", "none", "once")


class MarketLog(NamedTuple):
    """A universe, its daily rows, and a log whose last record is the final Clock."""

    listings: tuple[Listing, ...]
    daily: tuple[DailyRow, ...]
    records: tuple[Record, ...]

    @property
    def benchmark(self) -> str:
        """Return the benchmark's name, empty where the universe has none."""
        return BENCHMARK if any(x.listing == BENCHMARK for x in self.listings) else ""


@dataclass(frozen=True)
class Episode:
    """Where and what: `anchor` picks a border of the listing's day, `offset_s` is counted from it."""

    kind: str
    listing: int
    date: int
    anchor: int
    offset_s: int
    count: int
    level_pct: int


@dataclass(frozen=True)
class News:
    """A headline `before_s` ahead of an episode, known `delay_s` after its event."""

    episode: int
    before_s: int
    delay_s: float
    sequel: str  # none, repeat, update, delete
    both: bool  # the headline names two issuers
    night: bool  # its event lies in the closed hours before the episode's day
    kind: int  # of KINDS


# What a title says, as far as a cause goes.
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"event_types": ("earnings",), "direction": 0.6, "tier": "wire"},
    {"event_types": ("guidance", "minor"), "direction": -0.4, "tier": "outlet"},
    {"event_types": ("mna",), "tier": "issuer", "precision_s": 60},
    {"event_types": ("earnings", "mna"), "witness": True, "direction": -1.0, "delay_s": 600},
    {"event_types": ("price_report",), "direction": 0.9},
    {"event_types": ("analyst", "minor"), "direction": 0.2, "relevance": 0.6},
)


class Item(NamedTuple):
    """Something that arrives; sorted by its first three fields."""

    arrival_ns: int
    rank: int  # a second's Clock first
    number: int
    what: Row | Mention | Clock


def calendars() -> Mapping[str, Calendar]:
    """Return the calendars of the listings, by MIC."""
    return {mic: calendar_for(mic) for mic in ("XNYS", "XHKG")}


def mention(headline_id: str, issuer: str, event_ns: int, **changes: Any) -> Mention:
    """Return a plain Mention."""
    fields: dict[str, Any] = {
        "headline_id": headline_id,
        "revision": 0,
        "issuer": issuer,
        "relevance": 1.0,
        "evidence": ("alias",),
        "vader": None,
        "direction": None,
        "scorer": "test/1",
        "event_types": (),
        "story_id": headline_id,
        "novelty": 1.0,
        "event_ns": event_ns,
        "known_ns": event_ns,
        "published_ns": event_ns,
        "received_ns": None,
        "title": f"title of {headline_id}",
    }
    return Mention(**{**fields, **changes})


def start_of(episode: Episode, venue: Venue) -> int:
    """Return the instant an episode begins."""
    day = DATES[episode.date]
    segments = day_segments(venue, day)
    borders = [venue.bounds[k + 1] for k in segments]
    if episode.kind == "minutes":  # only the regular phase makes a volatility
        borders = [venue.bounds[k] for k in segments if venue.phases[k] is Phase.regular]
    return borders[episode.anchor % len(borders)] + episode.offset_s * SECOND_NS


def day_segments(venue: Venue, day: int) -> range:
    first = venue.segment(venue.last_end(venue.days_back(day, 1)))
    return range(first, venue.segment(venue.last_end(day)))


def episodes(kinds: Sequence[str], listings: int, dates: int) -> st.SearchStrategy[Episode]:
    signed = [*LEVELS_PCT, *(-level for level in LEVELS_PCT)]
    return st.builds(
        Episode,
        kind=st.sampled_from(kinds),
        listing=st.integers(0, listings - 1),
        date=st.integers(0, dates - 1),
        anchor=st.integers(0, 7),
        offset_s=st.one_of(st.integers(-90, 90), st.integers(0, 7200)),
        count=st.integers(1, 20),
        level_pct=st.sampled_from(signed),
    )


def news(dates: int) -> st.SearchStrategy[News]:
    """Return headlines; over three dates none so old that a tape's reach would matter."""
    late = (100.0, 1500.0, 3000.0) if dates > 2 else (100.0, 3000.0, 9000.0, 40_000.0)
    return st.builds(
        News,
        episode=st.integers(0, 30),
        before_s=st.one_of(st.integers(-2400, 60), st.integers(-60, 600)),
        delay_s=st.sampled_from((0.0, 0.3, 1.0, 2.5, *late)),
        sequel=st.sampled_from(("none", "none", "repeat", "update", "delete")),
        both=st.booleans(),
        night=st.sampled_from((False, False, False, dates <= 2)),
        kind=st.integers(0, len(KINDS) - 1),
    )


def write_rows(plan: Sequence[Episode], listings: Sequence[Listing], seed: int) -> Iterator[Item]:
    """Yield the rows of all episodes; each listing's price runs on from one to the next."""
    venues = {each.mic: venue_of(calendar_for(each.mic)) for each in listings}
    starts = [start_of(e, venues[listings[e.listing].mic]) for e in plan]
    prices: dict[int, tuple[int, int, int]] = {}  # listing -> date, price, close
    for k in sorted(range(len(plan)), key=lambda k: starts[k]):
        episode = plan[k]
        name = BENCHMARK if episode.kind == "points" else listings[episode.listing].listing
        first = CLOSES.get(name, PENNY_CLOSE)
        date, price, close = prices.get(episode.listing, (episode.date, first, first))
        close = price if episode.date > date else close
        rng = random.Random(f"{seed} {k}")
        start = starts[k] + rng.choice((0, 0, 1, 250_000_000, 999_999_999))
        script = Script(rng, name, start, price, close, episode.count, episode.level_pct)
        EPISODES[episode.kind](script)
        prices[episode.listing] = (episode.date, script.price, close)
        for number, (arrival, row) in enumerate(script.arrivals):
            yield Item(arrival, 1, k * 1000 + number, row)


def write_news(
    items: Sequence[News], plan: Sequence[Episode], listings: Sequence[Listing]
) -> Iterator[Item]:
    for k, item in enumerate(items):
        episode = plan[item.episode % len(plan)]
        listing = listings[episode.listing]
        venue = venue_of(calendar_for(listing.mic))
        event = start_of(episode, venue) - item.before_s * SECOND_NS + (k % 3) * 333_333_333
        if item.night:
            event = venue.bounds[day_segments(venue, DATES[episode.date])[0]] + 3600 * SECOND_NS
        known = event + int(item.delay_s * SECOND_NS)
        issuers = sorted({x.issuer for x in listings}) if item.both else [listing.issuer]
        for number, issuer in enumerate(issuers):
            story = f"h{k - k % 4 // 3}"  # each fourth repeats the one before
            one = mention(
                f"h{k}", issuer, event, known_ns=known, story_id=story, **KINDS[item.kind]
            )
            yield Item(known, 2, 100 * k + number, one)
            yield from sequels(one, item.sequel, 100 * k + number)


def follow(items: Sequence[Item], seed: int) -> Iterator[Item]:
    """Yield a few points of the benchmark about each event and about what falls due after it."""
    told = sorted({i.what.event_ns for i in items if isinstance(i.what, Mention)})
    price, number = CLOSES[BENCHMARK], 0
    for start in sorted(t + s * SECOND_NS for t in told for s in (-3, 56, 297, 896, 3598)):
        script = Script(random.Random(f"{seed} {start}"), BENCHMARK, start, price, price, 3, 3)
        EPISODES["points"](script)
        price = script.price
        for arrival, row in script.arrivals:
            number += 1
            yield Item(arrival, 1, -number, row)


def sequels(one: Mention, sequel: str, number: int) -> Iterator[Item]:
    """Yield the same mention again, revised or deleted, twenty seconds on."""
    if sequel == "none":
        return
    actions: dict[str, Action] = {"repeat": "created", "update": "updated", "delete": "deleted"}
    later = one.known_ns + 20 * SECOND_NS
    revision = 0 if sequel == "repeat" else 1
    again = msgspec.structs.replace(one, known_ns=later, revision=revision, action=actions[sequel])
    yield Item(later, 3, number, again)


def with_clocks(items: Sequence[Item], step_s: int, quiet: Iterable[int]) -> list[Item]:
    """Add a Clock before the first item of a second; at most one in `step_s`, 0 = none at all."""
    seconds = sorted({i.arrival_ns // SECOND_NS for i in items} | set(quiet))
    kept: list[int] = []
    for second in seconds if step_s else ():
        if not kept or second - kept[-1] >= step_s:
            kept.append(second)
    clocks = [Item(s * SECOND_NS, 0, 0, Clock(ts_ns=s * SECOND_NS)) for s in kept]
    return sorted([*items, *clocks], key=lambda i: i[:3])


@st.composite
def market_logs(
    draw: st.DrawFn, kinds: Sequence[str] = tuple(EPISODES), *, clean_end: bool = False
) -> MarketLog:
    """Draw a market log; `clean_end` puts an ordinary Clock of the same time before the final one.

    Hypothesis picks what happens, where and how often; a seeded generator writes the rows.
    """
    listings = LISTINGS[: draw(st.sampled_from((3, 2, 3, 4)), label="listings")]
    dates = draw(st.integers(1, 3), label="dates")
    usable = [k for k in (*kinds, *COMMON) if k in kinds and (k != "points" or len(listings) > 2)]
    plan = draw(st.lists(episodes(usable, len(listings), dates), min_size=1, max_size=14))
    told = draw(st.lists(news(dates), max_size=8))
    seed = draw(st.integers(0, 2**32 - 1), label="seed")
    items = [*write_rows(plan, listings, seed), *write_news(told, plan, listings)]
    if len(listings) > 2 and "points" in kinds and draw(st.integers(0, 4), label="followed"):
        items += list(follow(items, seed))
    quiet = [
        i.arrival_ns // SECOND_NS + s for i in items if i.rank == 2 for s in (3, 64, 905, 3605)
    ]
    step = draw(st.sampled_from((1, 1, 1, 4, 0)), label="clock step")
    items = with_clocks(items, step, quiet if draw(st.booleans()) else ())
    sizes = draw(st.lists(st.integers(1, 60), min_size=1, max_size=4), label="frame sizes")
    whats = [i.what for i in items]
    records = list(framed(whats, sizes, draw(st.integers(1, 2), label="runs")))
    if draw(st.sampled_from(REPEATS)) == "once":
        records = repeated(records, draw(st.integers(0, 50)), draw(st.integers(0, 5)))
    tail_s = draw(st.sampled_from((0, 1, 3, 100, 3700, 30_000, 200_000)), label="tail")
    end = (max(i.arrival_ns for i in items) // SECOND_NS + 1 + tail_s) * SECOND_NS
    records += [Clock(ts_ns=end)] if clean_end or draw(st.booleans()) else []
    return MarketLog(listings, draw(daily_rows(listings)), (*records, Clock(ts_ns=end, final=True)))


def history(name: str, close: int, seed: int) -> list[DailyRow]:
    """Return closes of some weeks before the first day, with a share of a common movement."""
    common, own = random.Random(0), random.Random(seed)
    first, loading = DATES[0] - 1, own.uniform(-1.0, 3.0)
    prices = [
        round(close * math.exp(loading * common.gauss(0, 0.01) + own.gauss(0, 0.01)))
        for _ in range(own.randint(19, 30))
    ]
    return [DailyRow(name, first - 1 - n, price) for n, price in enumerate(prices)]


@st.composite
def daily_rows(draw: st.DrawFn, listings: Sequence[Listing]) -> tuple[DailyRow, ...]:
    """Draw closes before the first day (the benchmark: for every day), splits and dividends."""
    rows: list[DailyRow] = []
    for each in listings:
        name, close = each.listing, CLOSES.get(each.listing, PENNY_CLOSE)
        kind = draw(st.sampled_from(("close", "close", "every", "split", "dividend", "none")))
        before = [DATES[0] - 1, *DATES] if kind == "every" else [DATES[0] - 1]
        if name == BENCHMARK and kind != "none":
            before, kind = [DATES[0] - 1, *DATES], "every"
        rows += [DailyRow(name, day, close) for day in before if kind != "none"]
        if draw(st.booleans()):
            rows += history(name, close, draw(st.integers(0, 2**32)))
        if kind == "split":
            factor = draw(st.sampled_from((0.97, 1.05, 2.0)))
            rows.append(DailyRow(name, DATES[draw(st.integers(0, 1))], None, factor))
        if kind == "dividend":
            rows.append(DailyRow(name, DATES[draw(st.integers(0, 1))], None, None, close // 50 + 1))
    return tuple(rows)
