"""Invented trades of 24 September 2025: a random walk pinned to the published levels of that day.

A path runs through hand-set anchors; a seeded walk, bridged so that it vanishes at each anchor,
gives it texture between them; each trade adds its own noise and is rounded to the price tick.
The few prints that must be exact (opens, highs, closes, one bad print) are set by hand.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from streams.events import I64, MINUTE_NS, PRICE_SCALE

F64 = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

DAY_START_NS = 1_758_672_000_000_000_000  # 2025-09-24T00:00:00Z
MILLISECOND_NS = 1_000_000
MINUTES_A_DAY = 1440
TRADE_NOISE = 0.0002  # of the price, one standard deviation: two basis points a trade
MARKET_MINUTE = 0.00010  # one standard deviation of the market's minute return
BAD_PRINT_LEAD_NS = 240 * MILLISECOND_NS  # a bad print comes this long before a good one
ODD_LOT_SHARE = 0.4  # of US trades; about what the consolidated tapes have shown since 2019
SWEEP_SHARE = 0.3  # of regular US trades that are intermarket sweeps (condition F)
US_EXCHANGES = np.array(["N", "P", "Q", "Z", "K", "D", "V"])
EXCHANGE_SHARES = np.array([0.20, 0.14, 0.22, 0.10, 0.08, 0.22, 0.04])


class TradingSpan(msgspec.Struct, frozen=True):
    """A stretch of continuous trading: `trades` of them between two UTC times of day."""

    start: str
    end: str
    trades: int
    shape: str = "u"  # "u": busy at both ends; "rise", "fall": busy towards the end, the start
    extended: bool = False  # pre- and post-market: trades carry condition T


class Burst(msgspec.Struct, frozen=True):
    """Minutes in which trades come `factor` times as often."""

    start: str
    end: str
    factor: float


class Band(msgspec.Struct, frozen=True):
    """The prices an ordinary trade may have between two times of day."""

    start: str
    end: str
    low: float
    high: float


class Print(msgspec.Struct, frozen=True):
    """One trade set by hand."""

    at: str
    price: float
    size: int
    exchange: str
    conditions: str = ""


class ListingDay(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that makes one listing's day."""

    symbol: str
    mic: str
    tape: str  # the sale-condition table: "cta", "utp", or "" where the venue has none
    previous_close: float
    price_tick: float
    minute_noise: float  # standard deviation of its own minute return
    beta: float  # to the common market walk
    phases: tuple[TradingSpan, ...]
    anchors: tuple[tuple[str, float], ...]
    prints: tuple[Print, ...] = ()
    bursts: tuple[Burst, ...] = ()
    bands: tuple[Band, ...] = ()
    bad_print: Print | None = None

    @property
    def listing(self) -> str:
        """Return `SYMBOL.MIC`."""
        return f"{self.symbol}.{self.mic}"


class Trades(msgspec.Struct, frozen=True, eq=False):
    """Columns of one length; prices in millionths of the currency unit."""

    ts_ns: I64
    price: I64
    size: I64
    exchange: Strings
    conditions: Strings


def utc_ns(at: str) -> int:
    """Return the instant of the UTC time of day `HH:MM[:SS[.mmm]]` on the demo day."""
    hours, minutes, *rest = at.split(":")
    milliseconds = round(float(rest[0]) * 1000) if rest else 0
    return DAY_START_NS + (int(hours) * 60 + int(minutes)) * MINUTE_NS + milliseconds * 1_000_000


def market_walk(rng: np.random.Generator) -> F64:
    """Return the minute returns that all listings share, one a minute of the day."""
    return MARKET_MINUTE * rng.standard_normal(MINUTES_A_DAY)


def trades_of(line: ListingDay, market: F64, rng: np.random.Generator) -> pl.DataFrame:
    """Return one listing's trades in time order: time (ns), price, size, exchange, conditions.

    Listings of a venue without sale conditions have no such column. Draws from `rng`, so that the
    order of the calls is part of the result.
    """
    walk = np.cumsum(line.minute_noise * rng.standard_normal(MINUTES_A_DAY) + line.beta * market)
    parts = [_ordinary_trades(line, phase, walk, rng) for phase in line.phases]
    parts.append(_set_trades(line.prints))
    trades = _in_order(parts)
    if line.bad_print is not None:
        trades = _in_order([trades, _bad_trade(line.bad_print, trades.ts_ns)])
    return _frame(trades) if line.tape else _frame(trades).drop("conditions")


def _ordinary_trades(
    line: ListingDay, phase: TradingSpan, walk: F64, rng: np.random.Generator
) -> Trades:
    ts_ns = _arrivals(phase, line.bursts, rng)
    size, exchange, conditions = _marks(line, phase, rng)
    return Trades(ts_ns, _prices(line, ts_ns, walk, rng), size, exchange, conditions)


def _arrivals(phase: TradingSpan, bursts: tuple[Burst, ...], rng: np.random.Generator) -> I64:
    """Draw trade times from the phase's intensity, whole milliseconds, sorted."""
    start_ns, end_ns = utc_ns(phase.start), utc_ns(phase.end)
    edges = np.linspace(start_ns - DAY_START_NS, end_ns - DAY_START_NS, 361)
    centre = (edges[1:] + edges[:-1]) / 2
    weight = _intensity(phase.shape, np.linspace(0.0, 1.0, centre.size))
    for burst in bursts:
        inside = (centre >= utc_ns(burst.start) - DAY_START_NS) & (
            centre < utc_ns(burst.end) - DAY_START_NS
        )
        weight = np.where(inside, weight * burst.factor, weight)
    cumulative = np.concatenate([[0.0], np.cumsum(weight)]) / np.sum(weight)
    offset_ns = np.interp(np.sort(rng.random(phase.trades)), cumulative, edges)
    whole = offset_ns.astype(np.int64) // MILLISECOND_NS * MILLISECOND_NS
    return np.asarray(DAY_START_NS + whole, np.int64)


def _intensity(shape: str, x: F64) -> F64:
    """Return relative trade rates at positions `x` in [0, 1] of a phase."""
    if shape == "rise":
        return np.asarray(0.4 + 2.0 * x**3, np.float64)
    if shape == "fall":
        return np.asarray(0.3 + 2.0 * (1 - x) ** 4, np.float64)
    return np.asarray(0.6 + 2.2 * np.abs(2 * x - 1) ** 3, np.float64)  # open and close 2-4x noon


def _prices(line: ListingDay, ts_ns: I64, walk: F64, rng: np.random.Generator) -> I64:
    """Return the path's price at each time with its trade noise, on the price grid, in its band."""
    path = _path(line, ts_ns, walk) * (1 + TRADE_NOISE * rng.standard_normal(ts_ns.size))
    grid = round(line.price_tick * PRICE_SCALE)
    price = np.rint(path * PRICE_SCALE / grid).astype(np.int64) * grid
    for band in line.bands:
        inside = (ts_ns >= utc_ns(band.start)) & (ts_ns < utc_ns(band.end))
        clipped = np.clip(price, round(band.low * PRICE_SCALE), round(band.high * PRICE_SCALE))
        price = np.where(inside, clipped, price)
    return price


def _path(line: ListingDay, ts_ns: I64, walk: F64) -> F64:
    """Return the anchored path: log-linear between anchors plus the walk's bridge."""
    knots_ns = np.array([utc_ns(at) for at, _ in line.anchors], np.float64) - DAY_START_NS
    levels = np.log(np.array([price for _, price in line.anchors]))
    minutes_ns = np.arange(MINUTES_A_DAY) * float(MINUTE_NS)
    at_ns = (ts_ns - DAY_START_NS).astype(np.float64)
    at_knots = np.interp(knots_ns, minutes_ns, walk)
    bridge = np.interp(at_ns, minutes_ns, walk) - np.interp(at_ns, knots_ns, at_knots)
    return np.asarray(np.exp(np.interp(at_ns, knots_ns, levels) + bridge), np.float64)


def _marks(
    line: ListingDay, phase: TradingSpan, rng: np.random.Generator
) -> tuple[I64, Strings, Strings]:
    """Draw size, exchange and sale conditions of the phase's trades."""
    lots = 1 + np.floor(rng.standard_exponential(phase.trades) ** 2).astype(np.int64)
    if not line.tape:  # Hong Kong: board lots of 100, one venue, no sale conditions
        return lots * 100, np.full(phase.trades, line.mic), np.full(phase.trades, "")
    odd = rng.random(phase.trades) < ODD_LOT_SHARE
    size = np.where(odd, 1 + (rng.random(phase.trades) * 99).astype(np.int64), lots * 100)
    drawn = np.searchsorted(np.cumsum(EXCHANGE_SHARES), rng.random(phase.trades))
    exchange = US_EXCHANGES[np.minimum(drawn, US_EXCHANGES.size - 1)]  # a sum of shares below 1
    if phase.extended:
        exchange = np.where(exchange == "N", "P", exchange)  # the floor trades regular hours only
    sweep = (rng.random(phase.trades) < SWEEP_SHARE) & (not phase.extended)
    base = np.where(sweep, "F", "@T" if phase.extended else "@")
    return size, exchange, np.where(odd, np.strings.add(base, "I"), base)


def _set_trades(prints: tuple[Print, ...]) -> Trades:
    return Trades(
        np.array([utc_ns(p.at) for p in prints], np.int64),
        np.array([round(p.price * PRICE_SCALE) for p in prints], np.int64),
        np.array([p.size for p in prints], np.int64),
        np.array([p.exchange for p in prints], np.str_),
        np.array([p.conditions for p in prints], np.str_),
    )


def _bad_trade(bad: Print, ts_ns: I64) -> Trades:
    """Return the bad print, moved to just before the first trade after its nominal time."""
    following = int(np.searchsorted(ts_ns, utc_ns(bad.at) + BAD_PRINT_LEAD_NS))
    return msgspec.structs.replace(
        _set_trades((bad,)), ts_ns=ts_ns[following : following + 1] - BAD_PRINT_LEAD_NS
    )


def _in_order(parts: list[Trades]) -> Trades:
    """Join the parts and sort them by time; trades of one instant keep their order."""
    ts_ns = np.concatenate([part.ts_ns for part in parts])
    order = np.argsort(ts_ns, kind="stable")
    return Trades(
        ts_ns[order],
        np.concatenate([part.price for part in parts])[order],
        np.concatenate([part.size for part in parts])[order],
        np.concatenate([part.exchange for part in parts])[order],
        np.concatenate([part.conditions for part in parts])[order],
    )


def _frame(trades: Trades) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "time": trades.ts_ns,
            "price": trades.price / PRICE_SCALE,
            "size": trades.size,
            "exchange": trades.exchange.tolist(),
            "conditions": trades.conditions.tolist(),
        }
    )
