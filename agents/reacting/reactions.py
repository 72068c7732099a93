"""Reactions: opened at their event, started by the market, measured from the tape alone."""

from __future__ import annotations

from math import sqrt

import msgspec

from agents.reacting.benchmark import Benchmark
from agents.reacting.listing_state import ListingState
from agents.reacting.sessions import SESSION_CLOSE_DELAY_NS
from agents.reacting.tapes.points import Path
from streams.events import MINUTE_NS, PRICE_SCALE, SECOND_NS, Phase, Reaction

SESSION_CLOSE = "session_close"
HORIZONS_NS = {"1m": MINUTE_NS, "5m": 5 * MINUTE_NS, "15m": 15 * MINUTE_NS, "60m": 60 * MINUTE_NS}
HORIZONS = (*HORIZONS_NS, SESSION_CLOSE)
STALE_REGULAR_NS, STALE_EXTENDED_NS = 5 * MINUTE_NS, 30 * MINUTE_NS
DRIFT_NS = 30 * MINUTE_NS
BASELINE_NS = 60 * MINUTE_NS


class OpenReaction(msgspec.Struct):
    """One mention on one listing, from its arrival until its last horizon is written.

    What is None is not known: fixed at the event by `open_reaction`, `start_ns` at the first trade.
    """

    headline_id: str
    listing: int  # index
    event_ns: int
    arrived_ns: int  # the watermark when it came: what a late read is as of
    open_left: int = len(HORIZONS)
    start_ns: int | None = None
    reference: int | None = None
    reference_age_s: float | None = None
    drift_bps: float | None = None
    baseline: float | None = None  # shares a trading minute
    sigma: float | None = None
    market: int | None = None  # the benchmark's price at the event
    flags: tuple[str, ...] = ()


class Reading(msgspec.Struct, frozen=True):
    """What the tape says of one horizon at its end; `until_ns` is how far it is read."""

    horizon: str
    due_ns: int
    until_ns: int
    as_of_ns: int
    price: int
    path: Path
    coarse: bool


class Figures(msgspec.Struct, frozen=True):
    """What is measured over one horizon, as the Reaction prints it; None = not known."""

    price: float | None = None
    return_bps: float | None = None
    abnormal_bps: float | None = None
    z: float | None = None
    volume_surge: float | None = None
    path_high_bps: float | None = None
    path_low_bps: float | None = None


NOT_TRADED = Figures()


def ceil_second(t_ns: int) -> int:
    """Return `t_ns` rounded up to a whole second."""
    return -(-t_ns // SECOND_NS) * SECOND_NS


def open_reaction(reaction: OpenReaction, line: ListingState, benchmark: Benchmark | None) -> None:
    """Fix what was known at the event: reference, drift, baseline volume, volatility, market."""
    event = reaction.event_ns
    as_of = max(ceil_second(event), reaction.arrived_ns)
    sessions, tape = line.sessions, line.tape
    price = tape.at(event, as_of)
    if (
        price is None
    ):  # nothing on the tape: the previous close, flagged (DESIGN 3, Reference price)
        reaction.reference = line.previous_close(sessions.trade_date(event))
        reaction.flags += ("previous_close_reference",) if reaction.reference is not None else ()
    else:
        reaction.reference = price.price
        age = sessions.trading_time(event) - sessions.trading_time(price.end_ns)
        reaction.reference_age_s = round(age / SECOND_NS, 6)
        regular = sessions.phase(event) is Phase.regular
        stale = age > (STALE_REGULAR_NS if regular else STALE_EXTENDED_NS)
        reaction.flags += ("stale_reference",) * stale + ("coarse",) * price.coarse
    _look_back(reaction, line, as_of)
    if benchmark is not None:
        market = benchmark.tape.at(event, as_of)
        reaction.market = benchmark.previous_close(event) if market is None else market.price
        reaction.flags += ("coarse",) * (market is not None and market.coarse)
    if sessions.phase(event) is Phase.regular:
        reaction.start_ns = event
    else:  # outside `regular` it starts at the first trade at or after its event (DESIGN 3, Reaction)
        _start_coarsely(reaction, line, as_of)


def _start_coarsely(reaction: OpenReaction, line: ListingState, as_of: int) -> None:
    """Start an old reaction at the first minute that traded after its event, if there is one."""
    start_ns = line.tape.first_minute_after(reaction.event_ns, as_of)
    if start_ns is not None:
        reaction.start_ns = max(reaction.event_ns, start_ns)
        reaction.flags += ("coarse",)


def _look_back(reaction: OpenReaction, line: ListingState, as_of: int) -> None:
    """Fix the drift of the 30 min before, the volume of the hour before, and the volatility."""
    event, sessions = reaction.event_ns, line.sessions
    before = line.tape.at(sessions.retreat(event, DRIFT_NS), as_of)
    if (
        before is not None
        and reaction.reference_age_s is not None
        and reaction.reference is not None
    ):
        reaction.drift_bps = _bps(reaction.reference, before.price)
        reaction.flags += ("coarse",) * before.coarse
    hour = line.tape.path(sessions.retreat(event, BASELINE_NS), event, as_of)
    reaction.baseline = hour.volume / (BASELINE_NS // MINUTE_NS) if hour.points else None
    reaction.sigma = line.tape.sigma(event)


def try_start(reaction: OpenReaction, line: ListingState, watermark_ns: int) -> bool:
    """Start a reaction that waits for the first trade at or after its event."""
    as_of = max(ceil_second(reaction.event_ns), reaction.arrived_ns)
    end_ns = line.tape.first_end_after(reaction.event_ns, as_of)
    if end_ns is None or end_ns > watermark_ns:
        return False
    reaction.start_ns = max(reaction.event_ns, end_ns - SECOND_NS)
    return True


def dues(reaction: OpenReaction, line: ListingState) -> list[tuple[int, str]]:
    """Return (due instant, horizon) of every horizon of a started reaction."""
    assert reaction.start_ns is not None
    due = [(line.sessions.advance(reaction.start_ns, h), name) for name, h in HORIZONS_NS.items()]
    regular = line.sessions.next_regular_end(reaction.start_ns)
    if regular is not None:
        due.append((regular[1] + SESSION_CLOSE_DELAY_NS, SESSION_CLOSE))
    else:
        due.append((line.sessions.end_ns, SESSION_CLOSE))
    return due


def measure(
    reaction: OpenReaction,
    line: ListingState,
    benchmark: Benchmark | None,
    horizon: str,
    due_ns: int,
) -> Reaction:
    """Return the reaction over one horizon that has fallen due (docs/semantics.md 7)."""
    reading = _reading(reaction, line, horizon, due_ns)
    if reading is None:
        return no_trade(reaction, line, horizon, due_ns)
    return _measured(reaction, line, benchmark, reading)


def _reading(
    reaction: OpenReaction, line: ListingState, horizon: str, due_ns: int
) -> Reading | None:
    """Read the tape at the end of a horizon; None: there is no price, so nothing is measured."""
    until = ceil_second(due_ns)
    as_of = max(until, reaction.arrived_ns)
    if horizon == SESSION_CLOSE:
        # the close by rules (2)-(4) of DESIGN 3, as it is known 15 minutes after the regular phase
        until = due_ns - SESSION_CLOSE_DELAY_NS
        close = line.session_close(line.sessions.trade_date(until - 1))
        if close is None:
            return None
        path = line.tape.path(reaction.event_ns, until, as_of)
        return Reading(horizon, due_ns, until, as_of, close, path, path.coarse)
    price = line.tape.at(until, as_of)
    if price is None:
        return None
    path = line.tape.path(reaction.event_ns, until, as_of)
    return Reading(horizon, due_ns, until, as_of, price.price, path, path.coarse or price.coarse)


def _measured(
    reaction: OpenReaction, line: ListingState, benchmark: Benchmark | None, reading: Reading
) -> Reaction:
    assert reaction.start_ns is not None
    price, path, reference = reading.price, reading.path, reaction.reference
    # in trading time: horizons do not run in lunch, halts or closed phases (DESIGN 3, Reaction)
    ended = min(reading.until_ns, reading.due_ns)
    elapsed = line.sessions.trading_time(ended) - line.sessions.trading_time(reaction.start_ns)
    minutes = max(elapsed / MINUTE_NS, 1.0)
    # without a reference price (nothing on the tape, no previous close) there is no return
    raw = None if reference is None else _bps(price, reference)
    after = None if benchmark is None else benchmark.tape.at(reading.until_ns, reading.as_of_ns)
    # no benchmark, or no price of it at the event or now: no abnormal return, flagged
    market = None if after is None or not reaction.market else _bps(after.price, reaction.market)
    flags = {*reaction.flags}
    if reading.coarse or (after is not None and after.coarse):
        flags.add("coarse")  # older than 90 trading minutes: read from minutes (DESIGN 7, Tape)
    if not path.points:
        flags.add("untraded")  # the price is the one before the event
    if market is None:
        flags.add("no_benchmark")
    figures = Figures(
        price=price / PRICE_SCALE,
        return_bps=raw,
        abnormal_bps=None if raw is None or market is None else round(raw - market, 6),
        z=_z(raw, reaction.sigma, minutes),
        volume_surge=_surge(path, reaction.baseline, minutes),
        path_high_bps=_bps(path.high, reference) if path.points and reference else None,
        path_low_bps=_bps(path.low, reference) if path.points and reference else None,
    )
    return _record(reaction, line, reading.horizon, reading.due_ns, flags, figures)


def no_trade(
    reaction: OpenReaction, line: ListingState, horizon: str, due_ns: int | None
) -> Reaction:
    """Return a reaction that never came to a price: null, and flagged so."""
    return _record(reaction, line, horizon, due_ns, {*reaction.flags, "no_trade"}, NOT_TRADED)


def _record(
    reaction: OpenReaction,
    line: ListingState,
    horizon: str,
    due_ns: int | None,
    flags: set[str],
    figures: Figures,
) -> Reaction:
    reference = reaction.reference
    return Reaction(
        headline_id=reaction.headline_id,
        issuer=line.listing.issuer,
        listing=line.name,
        horizon=horizon,
        event_ns=reaction.event_ns,
        start_ns=reaction.start_ns,
        due_ns=due_ns,
        reference_price=None if reference is None else reference / PRICE_SCALE,
        reference_age_s=reaction.reference_age_s,
        price=figures.price,
        return_bps=figures.return_bps,
        abnormal_bps=figures.abnormal_bps,
        z=figures.z,
        volume_surge=figures.volume_surge,
        path_high_bps=figures.path_high_bps,
        path_low_bps=figures.path_low_bps,
        drift_bps=reaction.drift_bps,
        flags=tuple(sorted(flags)),
    )


def _bps(price: int, reference: int) -> float:
    return round((price - reference) / reference * 10_000, 6)


def _z(raw_bps: float | None, sigma: float | None, minutes: float) -> float | None:
    if raw_bps is None or not sigma:
        return None
    return round(raw_bps / 10_000 / (sigma * sqrt(minutes)), 6)


def _surge(path: Path, baseline: float | None, minutes: float) -> float | None:
    if not baseline:
        return None
    return round(path.volume / (baseline * minutes), 6)
