"""Reactions: opened at their event, started by the market, measured from the tape alone."""

from __future__ import annotations

from math import sqrt

import msgspec

from agents.reacting.benchmark import Benchmark
from agents.reacting.listing_state import ListingState
from agents.reacting.points import Path
from agents.reacting.sessions import SESSION_CLOSE_DELAY_NS
from streams.events import MINUTE_NS, PRICE_SCALE, SECOND_NS, Phase, Reaction

SESSION_CLOSE = "session_close"
HORIZONS_NS = {"1m": MINUTE_NS, "5m": 5 * MINUTE_NS, "15m": 15 * MINUTE_NS, "60m": 60 * MINUTE_NS}
HORIZONS = (*HORIZONS_NS, SESSION_CLOSE)
STALE_REGULAR_NS, STALE_EXTENDED_NS = 5 * MINUTE_NS, 30 * MINUTE_NS
DRIFT_NS = 30 * MINUTE_NS
BASELINE_NS = 60 * MINUTE_NS


class OpenReaction(msgspec.Struct):
    """One mention on one listing, from its arrival until its last horizon is written."""

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


def ceil_second(t_ns: int) -> int:
    """Return `t_ns` rounded up to a whole second."""
    return -(-t_ns // SECOND_NS) * SECOND_NS


def open_reaction(reaction: OpenReaction, line: ListingState, benchmark: Benchmark | None) -> None:
    """Fix what was known at the event: reference, drift, baseline volume, volatility, market."""
    event = reaction.event_ns
    as_of = max(ceil_second(event), reaction.arrived_ns)
    sessions, tape = line.sessions, line.tape
    price = tape.at(event, as_of)
    if price is None:
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
    else:
        _start_coarsely(reaction, line, as_of)


def _start_coarsely(reaction: OpenReaction, line: ListingState, as_of: int) -> None:
    """Start an old reaction at the first minute that traded after its event, if there is one."""
    start_ns = line.tape.first_minute_after(reaction.event_ns, as_of)
    if start_ns is not None:
        reaction.start_ns = max(reaction.event_ns, start_ns)
        reaction.flags += ("coarse",)


def _look_back(reaction: OpenReaction, line: ListingState, as_of: int) -> None:
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
    """Return the reaction over one horizon that has fallen due."""
    assert reaction.start_ns is not None
    until = ceil_second(due_ns)
    as_of = max(until, reaction.arrived_ns)
    if horizon == SESSION_CLOSE:
        return _measure_close(reaction, line, benchmark, due_ns, as_of)
    price = line.tape.at(until, as_of)
    path = line.tape.path(reaction.event_ns, until, as_of)
    flags = ("coarse",) * (price is not None and price.coarse)
    value = None if price is None else price.price
    return _reaction(reaction, line, benchmark, horizon, due_ns, until, as_of, value, path, flags)


def _measure_close(
    reaction: OpenReaction, line: ListingState, benchmark: Benchmark | None, due_ns: int, as_of: int
) -> Reaction:
    regular_end = due_ns - SESSION_CLOSE_DELAY_NS
    date = line.sessions.trade_date(regular_end - 1)
    price = line.session_close(date)
    if price is None:
        return no_trade(reaction, line, SESSION_CLOSE, due_ns)
    path = line.tape.path(reaction.event_ns, regular_end, as_of)
    return _reaction(
        reaction, line, benchmark, SESSION_CLOSE, due_ns, regular_end, as_of, price, path, ()
    )


def _reaction(
    reaction: OpenReaction,
    line: ListingState,
    benchmark: Benchmark | None,
    horizon: str,
    due_ns: int,
    until: int,
    as_of: int,
    price: int | None,
    path: Path,
    flags: tuple[str, ...],
) -> Reaction:
    reference, start = reaction.reference, reaction.start_ns
    assert start is not None
    if price is None:
        return no_trade(reaction, line, horizon, due_ns)
    ended = min(until, due_ns)
    elapsed = line.sessions.trading_time(ended) - line.sessions.trading_time(start)
    minutes = max(elapsed / MINUTE_NS, 1.0)
    raw = None if reference is None else _bps(price, reference)
    after = None if benchmark is None else benchmark.tape.at(until, as_of)
    market = None if after is None or not reaction.market else _bps(after.price, reaction.market)
    coarse = path.coarse or (after is not None and after.coarse)
    notes = {*reaction.flags, *flags, *(("coarse",) if coarse else ())}
    notes |= {"untraded"} if not path.points else set()
    notes |= {"no_benchmark"} if market is None else set()
    return _record(
        reaction,
        line,
        horizon,
        due_ns,
        notes,
        price=price / PRICE_SCALE,
        return_bps=raw,
        abnormal_bps=None if raw is None or market is None else round(raw - market, 6),
        z=_z(raw, reaction.sigma, minutes),
        volume_surge=_surge(path, reaction.baseline, minutes),
        path_high_bps=_bps(path.high, reference) if path.points and reference else None,
        path_low_bps=_bps(path.low, reference) if path.points and reference else None,
    )


def no_trade(
    reaction: OpenReaction, line: ListingState, horizon: str, due_ns: int | None
) -> Reaction:
    """Return a reaction that never came to a price: null, and flagged so."""
    return _record(reaction, line, horizon, due_ns, {*reaction.flags, "no_trade"})


def _record(
    reaction: OpenReaction,
    line: ListingState,
    horizon: str,
    due_ns: int | None,
    flags: set[str],
    price: float | None = None,
    return_bps: float | None = None,
    abnormal_bps: float | None = None,
    z: float | None = None,
    volume_surge: float | None = None,
    path_high_bps: float | None = None,
    path_low_bps: float | None = None,
) -> Reaction:
    return Reaction(
        headline_id=reaction.headline_id,
        issuer=line.listing.issuer,
        listing=line.name,
        horizon=horizon,
        event_ns=reaction.event_ns,
        start_ns=reaction.start_ns,
        due_ns=due_ns,
        reference_price=None if reaction.reference is None else reaction.reference / PRICE_SCALE,
        reference_age_s=reaction.reference_age_s,
        price=price,
        return_bps=return_bps,
        abnormal_bps=abnormal_bps,
        z=z,
        volume_surge=volume_surge,
        path_high_bps=path_high_bps,
        path_low_bps=path_low_bps,
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
