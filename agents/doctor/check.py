"""What the doctor finds, and how long it waits to find it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")
State = Literal["ok", "warning", "wrong", "skipped"]


class Check(msgspec.Struct, frozen=True):
    """One thing looked at: how it is, and how to mend it where it is not well."""

    area: str
    name: str
    state: State
    detail: str
    mend: str = ""


class Started(Generic[T]):
    """Work begun in a thread of its own, which is left behind where it takes too long.

    Some of what the doctor calls (a name server, a client library) knows no time limit.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._outcome: Future[T] = Future()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def result(self, limit_s: float) -> T:
        """Return or raise what the work did; TimeoutError: it is not done within `limit_s`."""
        return self._outcome.result(limit_s)

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._outcome.set_result(work())
        except BaseException as fault:  # noqa: BLE001 - raised again where the result is waited for
            self._outcome.set_exception(fault)


def within(limit_s: float, work: Callable[[], T]) -> T:
    """Return or raise what `work` does; TimeoutError: it is not done within `limit_s`."""
    return Started(work).result(limit_s)
