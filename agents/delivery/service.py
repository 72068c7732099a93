"""The dispatcher of a process: opened where newsquake.toml names targets, closed at the process's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agents.config.newsquake import load_config
from agents.delivery.dispatcher import Dispatcher
from agents.delivery.outbox import Outbox
from agents.delivery.sinks import Sink
from agents.delivery.targets import targets_of
from agents.metrics.declared import ProcessMetrics

LINGER_S: Final = 10.0  # that what is pending has at the end of a run
OUTBOX: Final = "outbox"  # the file's name, without its endings
Say = Callable[[str], None]


@contextmanager
def dispatcher_of(
    config: Path | None,
    open_: Callable[[], Outbox],
    say: Say,
    *,
    sheet: ProcessMetrics | None = None,
    leased: bool = False,
    replay: bool = False,
    linger_s: float = LINGER_S,
) -> Iterator[Dispatcher | None]:
    """Deliver meanwhile, and for `linger_s` more, to the targets of newsquake.toml; None: it names none.

    ConfigError: a secret is not set. JournalError: another process has the outbox.
    """
    targets = targets_of(load_config(config), config, replay=replay)
    if not targets:
        yield None
        return
    dispatcher = Dispatcher(open_(), targets, say, sheet=sheet, leased=leased)
    dispatcher.start()
    try:
        yield dispatcher
    finally:
        dispatcher.close(linger_s)
        if dispatcher.left:
            say(
                f"{dispatcher.left:,} alert states are not delivered yet; the next run goes on with them"
            )


def outbox_of_run(folder: Path) -> Outbox:
    """Return the outbox of an embedded run or a replay: a file beside its journal."""
    return Outbox(folder / f"{OUTBOX}.sqlite")


def outboxes_of(dispatcher: Dispatcher | None) -> list[Sink]:
    """Return the dispatcher as a sink of a run that has all alerts, earlier ones of it too."""
    if dispatcher is None:
        return []
    outbox = dispatcher.outbox_of()
    outbox.acquire()
    return [outbox]
