"""What becomes of a held row that no other has confirmed or refuted within 60 s (DESIGN 7)."""

from __future__ import annotations

from agents.reacting.badtick import HELD_NS, Trade
from agents.reacting.listing_state import ListingState
from agents.reacting.moves import Crossing
from streams.events import SECOND_NS


def expire(line: ListingState) -> list[Crossing]:
    """Let the oldest held row expire, as of its time + 60 s; return the levels that this passes.

    It becomes the last price but sets no extreme. The rows still held are judged again, in order.
    """
    state = line.state
    due_ns = state.filter.held[0].ts_ns + HELD_NS
    line.enter(due_ns)
    before = state.last
    trade, rest, expired = state.filter.expire()
    state.set_last(trade.price, line.sessions.phase(trade.ts_ns), late=due_ns > line.close_due_ns)
    if line.tape.newest_second < due_ns // SECOND_NS:
        edge = trade.price if before is None else before
        line.tape.add(due_ns, trade.price, edge, edge, 0)
    crossings: list[Crossing] = []
    if expired is not None:
        crossings = state.ladder.cross_thin(due_ns, expired, trade.price, line.phase)
    for held in rest:
        crossings += line.settle(state.filter.judge(held, state.reference()), due_ns)
    return crossings


def give_way(line: ListingState) -> None:
    """Let the oldest held row become the last price and nothing else: a benchmark's expiry.

    A point on the tape would lie in the past of whoever has read it by now.
    """
    state = line.state
    trade, rest, _ = state.filter.expire()
    _set_last(line, trade)
    for held in rest:
        for freed in state.filter.judge(held, state.reference()).accepted:
            _set_last(line, freed)


def _set_last(line: ListingState, trade: Trade) -> None:
    late = trade.ts_ns > line.close_due_ns
    line.state.set_last(trade.price, line.sessions.phase(trade.ts_ns), late=late)
