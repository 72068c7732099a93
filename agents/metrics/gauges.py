"""The market's gauges as text, worked out of views of the engines; twenty a listing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from agents.metrics.declared import OTHER, PREFIX
from agents.metrics.exposition import Family, label
from agents.reacting.view import WINDOWS_S, ListingView
from agents.stages.published_engine import REFUSED, AlertKey, EngineView
from streams.events import PRICE_SCALE, SECOND_NS, Phase

MILLISECOND_NS: Final = 1_000_000
EVENT_TIME_NS: Final = 30 * SECOND_NS  # two servers, or one that missed a scrape, lose nothing
OUTCOMES: Final = ("accepted", *REFUSED)
OF_LISTINGS: Final = (
    "price",
    "previous_close",
    "last_tick_timestamp_seconds",
    "move_ratio",
    "move_max_ratio",
    "listing_open",
)


class MarketView(NamedTuple):
    """Several engines, each between two records, taken together."""

    listings: list[ListingView]
    alerts: Counter[AlertKey]  # open ones
    outcomes: Counter[str]
    clock_ns: int

    @classmethod
    def of(cls, views: Iterable[EngineView], outcomes: Counter[str]) -> MarketView:
        """Return views as one; `outcomes` are those of all engines that this process has had."""
        listings: list[ListingView] = []
        alerts, clock_ns = Counter[AlertKey](), -1
        for view in views:
            listings += view.listings
            alerts.update(view.alerts)
            clock_ns = max(clock_ns, view.clock_ns)
        return cls(listings, alerts, outcomes, clock_ns)


def listing_families(
    listings: Iterable[ListingView], *, points_behind_ns: int | None
) -> Iterator[Family]:
    """Yield the gauges of listings.

    `points_behind_ns`: give prices as points at their own event time, those seconds that nothing so
    late can change any more; None: give the last price.
    """
    lines: dict[str, list[str]] = {name: [] for name in OF_LISTINGS}
    for row in listings:
        for name, text in _samples(row):
            lines[name].append(text)
    if points_behind_ns is not None:
        lines["price"] = [each for row in listings for each in _points(row, points_behind_ns)]
    yield from (_family(name, texts) for name, texts in lines.items())


def alert_families(
    alerts: Counter[AlertKey], raised: Collection[AlertKey], rules: Collection[str]
) -> Iterator[Family]:
    """Yield 1 for each alert that is open and 0 for each that was, so that Prometheus sees its end.

    `raised`: those that took a new state here and have a series of their own. `rules`: those that have.
    """
    lines = (
        f"{{{label(rule=rule, listing=listing, direction=direction)}}} "
        f"{min(alerts[rule, listing, direction], 1)}"
        for rule, listing, direction in sorted(raised)
    )
    yield _family("alert_open", lines)
    of_rules = Counter(dict.fromkeys(rules, 0))
    for (rule, _, _), count in alerts.items():
        of_rules[rule if rule in rules else OTHER] += count
    yield _family("alerts_open", (f"{{{label(rule=r)}}} {n}" for r, n in of_rules.items()))


def engine_families(outcomes: Mapping[str, int], clock_ns: int) -> Iterator[Family]:
    """Yield what became of rows, and the newest Clock if there is any."""
    rows = ((each, outcomes[each]) for each in OUTCOMES)
    yield _family("engine_rows", (f"_total{{{label(outcome=o)}}} {n}" for o, n in rows))
    clock = [f" {clock_ns / SECOND_NS}"] if clock_ns >= 0 else []
    yield _family("event_clock_timestamp_seconds", clock)


def _samples(row: ListingView) -> Iterator[tuple[str, str]]:
    """Yield (metric, sample after its name) of all that is known of a listing."""
    listing = label(listing=row.listing)
    money = f"{label(currency=row.currency)},{listing}"
    yield "listing_open", f"{{{listing}}} {int(row.phase is Phase.regular)}"
    if row.price is not None:
        yield "price", f"{{{money}}} {row.price / PRICE_SCALE}"
    if row.previous_close is not None:
        yield "previous_close", f"{{{money}}} {row.previous_close / PRICE_SCALE}"
    if row.last_tick_ns is not None:
        yield "last_tick_timestamp_seconds", f"{{{listing}}} {row.last_tick_ns / SECOND_NS}"
    moves = {"day": row.day_move(), **{name: row.move(s) for name, s in WINDOWS_S.items()}}
    for window, move in moves.items():
        if move is not None:
            yield "move_ratio", f'{{{listing},window="{window}"}} {move}'
    extreme = row.extreme()
    if extreme is not None:
        yield "move_max_ratio", f"{{{listing}}} {extreme}"


def _points(row: ListingView, behind_ns: int) -> Iterator[str]:
    """Yield the last price of each second of the newest half minute, at its own time."""
    named = label(currency=row.currency, listing=row.listing)
    for ts_ns, price in row.final_points(row.now_ns - EVENT_TIME_NS, behind_ns):
        at_ms = ts_ns // MILLISECOND_NS  # Prometheus's own; rounded, it may lie in the next second
        yield f"{{{named}}} {price / PRICE_SCALE} {at_ms / 1000}"


def _family(name: str, texts: Iterable[str]) -> Family:
    return Family(name, [f"{PREFIX}_{name}{text}" for text in texts])
