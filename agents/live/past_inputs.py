"""What a run reads in its inputs before it does them again: what was set aside, and Clocks of no time."""

from __future__ import annotations

import datetime as dt
import shlex
from pathlib import Path
from typing import Any, Final

from streams.bounds import CLOCK_AHEAD_NS, IMPLAUSIBLE_CLOCK
from streams.codec import TYPE_CODES, decode
from streams.errors import RecordError, StateError
from streams.events import RECORD_CHARS, SECOND_NS, Clock, Headline, Reject
from streams.journal import Journal
from streams.set_aside import SetAside, fault_reject

UNREAD: Final = "decode"  # the stage at which an input is no record
_ASIDE: Final = bytes([TYPE_CODES[SetAside]])
_CLOCK: Final = bytes([TYPE_CODES[Clock]])


def decoded(payload: memoryview, number: int) -> Any:  # noqa: ANN401 - any record of a source
    """Return an input; what is no record that this release reads is a Reject, and stays where it is."""
    try:
        return decode(payload)
    except RecordError as fault:
        return Reject(
            stage=UNREAD,
            reason=fault.reason,
            detail=f"inputs record {number}: {fault.detail}",
            ts_ns=None,
            record=bytes(payload[: RECORD_CHARS // 2]).hex(),
        )


def set_aside_in(inputs: Journal, start: int) -> dict[int, SetAside]:
    """Return what the inputs from `start` on say is set aside, by number."""
    found = {}
    for number, payload in inputs.read(start):
        if payload[:1] == _ASIDE and isinstance(aside := decoded(payload, number), SetAside):
            found[aside.first] = aside
    return found


def implausible_clocks(inputs: Journal, start: int, wall_ns: int) -> list[SetAside]:
    """Return, to be set aside, the Clocks from `start` on that lie too far after the time of day.

    Whatever is applied behind such a one would be late until that time has come.
    """
    known = set_aside_in(inputs, start)
    found = []
    for number, payload in inputs.read(start):
        if payload[:1] != _CLOCK or number in known:
            continue
        clock = decoded(payload, number)
        if isinstance(clock, Clock) and clock.ts_ns > wall_ns + CLOCK_AHEAD_NS:
            reject = Reject(
                stage="react",
                reason=IMPLAUSIBLE_CLOCK,
                detail=f"inputs record {number}: a Clock of {span(clock.ts_ns - wall_ns)} from now",
                ts_ns=clock.ts_ns,
                record=str(clock),
            )
            found.append(SetAside(first=number, last=number, reject=reject))
    return found


def fault_at(inputs: Journal, number: int, what: str) -> SetAside:
    """Return, to be set aside, an input at which a stage failed; `what` says how."""
    record = next(decoded(payload, each) for each, payload in inputs.read(number))
    reject = fault_reject(
        "score" if isinstance(record, Headline) else "react",
        f"inputs record {number}",
        what,
        record,
    )
    return SetAside(first=number, last=number, reject=reject)


def check_clock(clock_ns: int, wall_ns: int, day: Path) -> None:
    """Refuse a state whose newest Clock lies too far after the time of day; `day` holds it.

    StateError: it does, and how to mend it.
    """
    lead_ns = clock_ns - wall_ns
    if lead_ns <= CLOCK_AHEAD_NS:
        return
    moved = ("mv", str(day), f"{day}.ahead")
    raise StateError(
        f"the newest Clock in {day} is {span(lead_ns)} ahead of this machine's clock: every row of "
        "now would be late until then. If this machine's clock is wrong, set it. If it was wrong in "
        f"an earlier run, move that folder away ({shlex.join(moved)}) and start again: the run goes on "
        "from the day before"
    )


def span(ns: int) -> str:
    """Return a length of time as a person reads it."""
    return str(dt.timedelta(seconds=min(ns // SECOND_NS, 10**10)))
