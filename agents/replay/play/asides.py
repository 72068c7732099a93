"""What of a replay is set aside: rows and headlines at which a stage raised, hung or died.

Rows are numbered from 0 in the order of the replay, headlines behind them. A stretch of many rows
that fails is first noted as a whole; the next time its rows are applied one by one, so that the one
becomes known. The notes lie beside the journal and belong to its inputs and configuration.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import msgspec

from agents.replay.play.inputs import Inputs
from agents.stages.applying import HUNG_EXIT, ApplyingMark, HangWatch
from streams.errors import EngineFaultError, NewsquakeError
from streams.events import Reject
from streams.files import replace_file
from streams.logs import logger
from streams.set_aside import SetAside, fault_reject, fault_text

FILE: Final = "set-aside"
MARK: Final = "applying"
Made = TypeVar("Made")

log = logger(__name__)


class AsideNotes(msgspec.Struct):
    """The file: of which replay, and what it has set aside."""

    identity: str
    asides: list[SetAside]


class Asides:
    """The notes of one replay, and the guard of its stages."""

    def __init__(self, folder: Path, identity: str, inputs: Inputs) -> None:
        """OSError: the folder cannot be written to."""
        self._path, self._inputs = folder / FILE, inputs
        self._mark = ApplyingMark(folder / MARK)
        self._notes = self._read(identity)
        self._watch = HangWatch(self._hung)
        death = self._mark.death
        if death and (death.is_fault or death.stop - death.number > 1):
            self.note(EngineFaultError(death.stop - 1, death.said(), first=death.number))

    def _read(self, identity: str) -> AsideNotes:
        """Return the notes; those of another replay go, and where it died does not matter."""
        try:
            notes = msgspec.msgpack.decode(self._path.read_bytes(), type=AsideNotes)
        except (OSError, msgspec.DecodeError):
            notes = AsideNotes("", [])
        if notes.identity != identity:
            self._mark.death = None
            notes = AsideNotes(identity, [])
            self._write(notes)
        return notes

    def _write(self, notes: AsideNotes) -> None:
        replace_file(self._path, msgspec.msgpack.encode(notes))

    # -- what is set aside

    def headline(self, index: int) -> int:
        """Return the number of a headline."""
        return len(self._inputs.rows) + index

    def reject(self, number: int) -> Reject | None:
        """Return the Reject that stands in the place of a row or a headline; None: it is sound."""
        found = (x.reject for x in self._notes.asides if x.first == number and x.reject)
        return next(found, None)

    def limit(self, row: int, until: int) -> int:
        """Return how far rows from `row` on may be applied together, `until` at most."""
        for each in self._notes.asides:
            if each.reject is None and each.first <= row <= each.last:
                return row + 1
            if row < each.first < until:
                until = each.first
        return until

    def note(self, fault: EngineFaultError) -> None:
        """Set aside where a stage has failed, for this start and all after it."""
        first, last = fault.first, fault.number
        reject = self._rejected(first, fault.what) if first == last else None
        self._notes.asides.append(SetAside(first=first, last=last, reject=reject))
        self._write(self._notes)
        if reject:
            log.critical(
                "record set aside",
                reason=reject.reason,
                detail=reject.detail,
                record=reject.record,
                exc_info=fault.__cause__,
            )

    def _rejected(self, number: int, what: str) -> Reject:
        rows, index = self._inputs.rows, number - len(self._inputs.rows)
        if index >= 0:
            return fault_reject("score", f"headline {index}", what, self._inputs.headlines[index])
        columns = ("ts_ns", "price", "high", "low", "size", "flags")
        fields = {name: int(getattr(rows, name)[number]) for name in columns}
        named = {"listing": rows.listings[int(rows.listing[number])], **fields}
        return fault_reject("react", f"row {number}", what, msgspec.json.encode(named).decode())

    # -- the guard

    def guarded(self, first: int, stop: int, do: Callable[[], Made]) -> Made:
        """Do what applies the rows or the headline `first` to `stop`.

        EngineFaultError: a stage failed; what it left is half a state.
        """
        self._mark.begin(first, stop)
        self._watch.begin(stop - first)
        try:
            return do()
        except (NewsquakeError, OSError, MemoryError):
            raise
        except Exception as fault:
            raise EngineFaultError(stop - 1, fault_text(fault), first=first) from fault
        finally:
            self._watch.end()
            self._mark.end()

    def close(self) -> None:
        """Watch no more."""
        self._watch.close()
        self._mark.close()

    def _hung(self, place: str) -> NoReturn:
        """End the process: the next start sets the record aside."""
        log.critical("the engine hangs; start the replay again: it goes on without it", at=place)
        self._mark.hang()
        logging.shutdown()
        os._exit(HUNG_EXIT)
