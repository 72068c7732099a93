"""A tape in parts, for checkpoints: the points that are final are handed over once, the rest each time.

| part | what it is | where it is kept |
|---|---|---|
| `take_seconds` | seconds that are final and not handed over yet | pages `seconds/N` |
| `take_minutes` | minutes folded since the last call, each with its sigma | pages `minutes/N` |
| `loose` | the seconds that may still change, and the cursors | the cell of the listing |

`rebuilt` makes the tape of all parts ever handed over and the newest `loose`.
"""

from __future__ import annotations

import numpy as np

from agents.reacting.sessions import Sessions
from agents.reacting.tapes.minute_fold import MINUTE_S
from agents.reacting.tapes.points import SECOND, Loose, points_from
from agents.reacting.tapes.tape import FINE_NS, SLACK_NS, Tape
from agents.reacting.tapes.volatility import Volatility
from streams.events import I64, SECOND_NS


def take_seconds(tape: Tape, final_ns: int) -> I64:
    """Return the seconds that end by `final_ns` and were not returned before; none changes."""
    return tape.by_second.save(tape.by_second.place(final_ns // SECOND_NS))


def take_minutes(tape: Tape) -> I64 | None:
    """Return the minutes folded since the last call, and their sigmas as a seventh row."""
    minutes = tape.by_minute
    part = minutes.save(len(minutes))
    if not part.shape[1]:
        return None
    known = minutes.volatility
    ends = ((part[SECOND] + MINUTE_S) * SECOND_NS).tolist()
    sigmas = [known.exactly(end) if known else None for end in ends]
    row = np.array([np.nan if s is None else s for s in sigmas], np.float64)
    return np.vstack((part, row.view(np.int64)))


def loose(tape: Tape) -> Loose:
    """Return what `rebuilt` needs beside all that was taken."""
    seconds, minutes = tape.by_second, tape.by_minute
    return Loose(
        seconds.points(seconds.saved, len(seconds)).tobytes(),
        int(seconds.column(SECOND)[minutes.folded - 1]) if minutes.folded else -1,
        minutes.volatility.head() if minutes.volatility else None,
    )


def rebuilt(sessions: Sessions, seconds: I64, minutes: I64, rest: Loose) -> Tape:
    """Return the tape whose taken seconds (6 x n) and minutes (7 x n) these are, each rising."""
    tape = Tape(sessions)
    fine, coarse = tape.by_second, tape.by_minute
    fine.extend(seconds)
    fine.saved = seconds.shape[1]
    fine.extend(points_from(rest.tail))
    coarse.extend(minutes[:-1])
    coarse.saved = minutes.shape[1]
    coarse.folded = fine.place(rest.folded_second, "right")
    tape.newest_second = int(fine.column(SECOND)[-1]) if tape else -1
    if rest.volatility is not None:
        sigmas = np.ascontiguousarray(minutes[-1]).view(np.float64)
        known = ~np.isnan(sigmas)
        ends = (minutes[SECOND][known] + MINUTE_S) * SECOND_NS
        coarse.volatility = Volatility.rebuilt(
            rest.volatility, ends.tolist(), sigmas[known].tolist()
        )
    return tape


def needs(tape: Tape, sessions: Sessions, watermark_ns: int) -> tuple[int, int]:
    """Return the oldest second and minute that a reading from now on can reach.

    Older ones may be forgotten, but for the newest of the older seconds.
    """
    second = sessions.retreat(watermark_ns, FINE_NS + SLACK_NS) // SECOND_NS
    minute = sessions.reach(watermark_ns) // SECOND_NS
    known = tape.by_minute.volatility
    if known and known.ends_ns:
        minute = min(minute, known.ends_ns[0] // SECOND_NS - MINUTE_S)
    return second, minute


def newest_before(tape: Tape, second: int) -> I64:
    """Return the newest point before `second` (6 x 1), or none (6 x 0)."""
    at = tape.by_second.place(second)
    return tape.by_second.points(at - min(at, 1), at)
