"""The market's metrics: gauges out of the engines' own state when somebody asks, counters of outputs.

Nothing is done per tick. A listing has series while its partition is ours: what another worker has
is that one's to tell. Samples are written as text at once, for there are twenty a listing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from agents.machine.clock import now_ns
from agents.metrics.declared import MOST_LISTINGS, OTHER, PREFIX, Sheet
from agents.metrics.exposition import Family, label
from agents.reacting.config import DAY_LEVELS_PCT, EngineConfig
from agents.reacting.reactions import HORIZONS
from agents.reacting.view import WINDOWS_S, ListingView, listing_views, open_alerts
from agents.stages.shared_engine import REFUSED, SharedEngine, Turns
from streams.events import PRICE_SCALE, SECOND_NS, Alert, Candidate, Move, Phase, Reaction
from streams.topics import partition_of

MILLISECOND_NS: Final = 1_000_000
EVENT_TIME_NS: Final = 30 * SECOND_NS  # two servers, or one that missed a scrape, lose nothing
TRANSITIONS: Final = ("opened", "escalated", "updated", "resolved", "retracted")
OUTCOMES: Final = ("accepted", *REFUSED)
STEPS: Final = [(level, direction) for level in DAY_LEVELS_PCT for direction in ("up", "down")]
GAUGES: Final = (
    "price",
    "previous_close",
    "last_tick_timestamp_seconds",
    "move_ratio",
    "move_max_ratio",
    "listing_open",
)
SLOTS: Final = {step: slot for slot, step in enumerate(STEPS)}


class Look(NamedTuple):
    """What was seen of the engines, all at one moment each."""

    rows: list[ListingView]
    alerts: Counter[tuple[str, str, str]]  # open ones, by rule, listing, direction
    outcomes: Counter[str]
    clock_ns: int


class MarketMeter:
    """The market's part of a sheet, over the engines of the partitions that are `owned`."""

    def __init__(
        self,
        sheet: Sheet,
        config: EngineConfig,
        partitions: int = 1,
        owned: Callable[[], Iterable[int]] = lambda: (0,),
        *,
        event_time: bool = False,
    ) -> None:
        self._sheet, self._owned, self._event_time = sheet, owned, event_time
        self._lateness_ns = config.lateness_ns
        self._turns = Turns()
        self._engines: dict[int, SharedEngine] = {}
        self._outcomes = Counter(dict.fromkeys(OUTCOMES, 0))  # of engines that are gone
        self._homes: dict[int, list[str]] = defaultdict(list)
        self._crossed: dict[str, list[int]] = {}
        self._spoken: dict[str, list[str]] = {}  # a listing's samples up to their values
        self._examples: dict[str, list[str]] = {}  # what follows the values in OpenMetrics
        self._rules = {rule.name for rule in config.rules}
        self._opened: set[tuple[str, str, str]] = set()  # alerts that were open here at any time
        for number, each in enumerate(config.listings):
            if number < MOST_LISTINGS:
                self._homes[partition_of(each.issuer, partitions)].append(each.listing)
                self._begin(each.listing)
            else:
                sheet.count("label_overflow", "price")
                self._begin(OTHER)
        self._show_all()

    def _begin(self, listing: str) -> None:
        if listing not in self._crossed:
            self._crossed[listing] = [0] * len(STEPS)
            name = f"{PREFIX}_level_crossings_total"
            self._spoken[listing] = [
                f"{name}{{{label(listing=listing, level=str(level), direction=direction)}}} "
                for level, direction in STEPS
            ]

    def _show_all(self) -> None:
        for horizon in HORIZONS:
            self._sheet.show("reactions", horizon)
        for rule in self._rules:
            for transition in TRANSITIONS:
                self._sheet.show("alerts", rule, transition)
        for direction in ("up", "down"):
            self._sheet.show("news_to_move_seconds", direction)
        for name in ("price", "level_crossings", "alerts"):
            self._sheet.show("label_overflow", name)

    # -- what the stages tell

    def engine(self, config: EngineConfig, partition: int) -> SharedEngine:
        """Return a new engine for a partition, and look into it from now on."""
        made = self._engines[partition] = SharedEngine(config, self._turns)
        return made

    def released(self) -> None:
        """Keep what the engines have counted, and let go of them."""
        with self._turns:
            for engine in self._engines.values():
                self._outcomes.update(engine.outcomes())
            self._engines.clear()
            self._opened.clear()

    def made(self, record: Move | Alert | Reaction) -> None:
        """Count an output."""
        if isinstance(record, Move):
            listing = self._sheet.among("level_crossings", record.listing, self._crossed)
            self._crossed[listing][SLOTS[record.level_pct, record.direction]] += 1
        elif isinstance(record, Reaction):
            self._sheet.count("reactions", record.horizon)
        else:
            rule = self._sheet.among("alerts", record.rule, self._rules)
            self._sheet.count("alerts", rule, record.transition)
            if record.transition in {"opened", "escalated"} and record.attribution.candidates:
                self._explain(record, record.attribution.candidates[0])

    def _explain(self, alert: Alert, cause: Candidate) -> None:
        """Remember the likeliest headline beside the level that its alert has come to."""
        if alert.listing in self._crossed:
            found = self._examples.setdefault(alert.listing, [""] * len(STEPS))
            named = label(headline_id=cause.headline_id)
            found[SLOTS[alert.level_pct, alert.direction]] = (
                f" # {{{named}}} 1.0 {now_ns() / SECOND_NS:.3f}"
            )
        if alert.transition == "opened" and cause.lag_s >= 0:  # else the price led
            self._sheet.observe(
                "news_to_move_seconds",
                alert.direction,
                seconds=cause.lag_s,
                headline_id=cause.headline_id,
            )

    # -- what a scrape asks

    def families(self, *, openmetrics: bool) -> Iterator[Family]:
        """Yield the families that are not in the sheet's registry, their samples as text."""
        owned = [*self._owned()]
        with self._turns:
            look = self._look(owned)
        yield from self._gauges(look, event_time=openmetrics and self._event_time)
        yield self._crossings(owned, openmetrics=openmetrics)
        open_ = Counter(dict.fromkeys(self._rules, 0))
        for (rule, _, _), count in look.alerts.items():
            open_[rule if rule in self._rules else OTHER] += count
        yield self._alerts(look)
        yield _family("alerts_open", (f"{{{label(rule=r)}}} {n}" for r, n in open_.items()))
        rows = ((o, look.outcomes[o]) for o in OUTCOMES)
        yield _family("engine_rows", (f"_total{{{label(outcome=o)}}} {n}" for o, n in rows))
        clock = [f" {look.clock_ns / SECOND_NS}"] if look.clock_ns >= 0 else []
        yield _family("event_clock_timestamp_seconds", clock)

    def _look(self, owned: Iterable[int]) -> Look:
        """Look into the engines; none of them may be at work."""
        rows: list[ListingView] = []
        alerts, clock_ns = Counter[tuple[str, str, str]](), -1
        outcomes = Counter(self._outcomes)
        for each in self._engines.values():  # the sum may not fall, whoever owns them
            outcomes.update(each.outcomes())
        for partition in owned:
            engine = self._engines.get(partition)
            if engine is None:  # none of its records has come yet
                continue
            names = self._homes[partition]
            rows += listing_views(engine, [engine.listings[name] for name in names])
            alerts += open_alerts(engine)
            clock_ns = max(clock_ns, engine.clock_ns)
        return Look(rows, alerts, outcomes, clock_ns)

    def _alerts(self, look: Look) -> Family:
        """Return a 1 for each alert that is open, and a 0 for each that was: its end is told so."""
        known = (key for key in look.alerts if key[0] in self._rules and key[1] in self._crossed)
        self._opened.update(known)
        lines = (
            f"{{{label(rule=rule, listing=listing, direction=direction)}}} "
            f"{min(look.alerts[rule, listing, direction], 1)}"
            for rule, listing, direction in sorted(self._opened)
        )
        return _family("alert_open", lines)

    def _gauges(self, look: Look, *, event_time: bool) -> Iterator[Family]:
        lines: dict[str, list[str]] = {name: [] for name in GAUGES}
        for row in look.rows:
            for name, text in _samples(row):
                lines[name].append(text)
        if event_time:
            lines["price"] = [each for row in look.rows for each in self._points(row)]
        yield from (_family(name, texts) for name, texts in lines.items())

    def _points(self, row: ListingView) -> Iterator[str]:
        """Yield the last price of each second of the newest half minute, at its own time."""
        named = label(currency=row.currency, listing=row.listing)
        since_ns = row.now_ns - EVENT_TIME_NS
        for ts_ns, price in row.final_points(since_ns, self._lateness_ns):
            at_ms = (
                ts_ns // MILLISECOND_NS
            )  # Prometheus's own; rounded, it may lie in the next second
            yield f"{{{named}}} {price / PRICE_SCALE} {at_ms / 1000}"

    def _crossings(self, owned: Iterable[int], *, openmetrics: bool) -> Family:
        listings = [name for partition in owned for name in self._homes[partition]]
        if OTHER in self._crossed:
            listings.append(OTHER)
        lines: list[str] = []
        for listing in listings:
            own = zip(self._spoken[listing], self._crossed[listing], strict=True)
            texts = [f"{spoken}{count}" for spoken, count in own]
            if openmetrics and listing in self._examples:
                texts = [t + e for t, e in zip(texts, self._examples[listing], strict=True)]
            lines += texts
        return Family("level_crossings", lines)


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


def _family(name: str, texts: Iterable[str]) -> Family:
    return Family(name, [f"{PREFIX}_{name}{text}" for text in texts])
