"""What an attack is: a small function with a name, what must hold, and a limit of time."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

# One file a kind; each registers its attacks when it is imported.
KINDS: Final = (
    "lines", "records", "documents", "embargoes", "connections", "hosts", "clock", "files",
    "replays", "state", "remedies", "power", "kills", "net", "redirects", "delivery", "kafka",
)  # fmt: skip
LIMIT_S: Final = 60.0

Play = Callable[[Path], str | None]


class BrokenError(Exception):
    """What must hold did not; the text says how, in one line."""


class NotPlayedError(Exception):
    """The attack cannot be played on this machine; the text says what is lacking."""


class Attack(NamedTuple):
    """One attack; `play` gets an empty folder, may return a remark, raises where it does not hold."""

    name: str
    kind: str
    item: str  # of the list of issue 11: 1 to 9, or "low" for the medium and low ones
    holds: str
    limit_s: float
    ci: bool  # short and sure enough for the part that every change is checked with
    play: Play


REGISTERED: Final[dict[str, Attack]] = {}


def attack(
    item: int | str, holds: str, *, limit_s: float = LIMIT_S, ci: bool = False
) -> Callable[[Play], Play]:
    """Register a function as an attack, under its own name."""

    def register(play: Play) -> Play:
        kind = play.__module__.rpartition(".")[2]
        name = f"{kind}-{play.__name__.replace('_', '-')}"
        REGISTERED[name] = Attack(name, kind, str(item), holds, limit_s, ci, play)
        return play

    return register


def attacks() -> list[Attack]:
    """Return all attacks, by kind."""
    for kind in KINDS:
        importlib.import_module(f"tests.attack.{kind}")
    return sorted(REGISTERED.values(), key=lambda each: KINDS.index(each.kind))


def hold(true: object, how: str) -> None:
    """Raise where something did not hold; `how` says what was seen instead."""
    if not true:
        raise BrokenError(how)
