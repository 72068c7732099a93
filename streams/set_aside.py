"""A record at which an engine died or hung, set aside for good: itself a record of the log.

Whoever reads the log again, after a restart or on another machine, finds it there and decides the
same: the record that it names is not applied, and a Reject says so in its place.
"""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Final, Literal

import msgspec

from streams.events import RECORD_CHARS, Reject

ENGINE_FAULT: Final = "engine_fault"  # the reason of its Reject
MOST_DEATHS: Final = 3  # starts in a row that died at one record, before it is set aside
FAULT_CHARS: Final = 300


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """The records `first` to `last` of a log: one of them is at fault.

    With `reject` it is known which (`first` is `last`) and is not applied again. Without it, each of
    them is to be applied alone the next time, so that it becomes known.
    """

    first: int
    last: int
    reject: Reject | None = None


def fault_text(fault: BaseException) -> str:
    """Return what was raised, and where, in one line."""
    frames = traceback.extract_tb(fault.__traceback__)
    where = f" ({PurePath(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(fault).__name__}: {fault}{where}".replace("\n", " ")[:FAULT_CHARS]


def fault_reject(
    stage: Literal["score", "react"], where: str, fault: str, record: object
) -> Reject:
    """Return the Reject of a record at which a stage failed; `where` is its place in the log."""
    text = record if isinstance(record, str) else str(record)
    detail = f"{where}: {fault}"
    return Reject(
        stage=stage, reason=ENGINE_FAULT, detail=detail, ts_ns=None, record=text[:RECORD_CHARS]
    )
