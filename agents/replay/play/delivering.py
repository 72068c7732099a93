"""`newsquake replay --deliver`: the alerts of another day to the targets of today."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from agents.delivery.service import OUTBOX, dispatcher_of, outbox_of_run, outboxes_of
from agents.delivery.sinks import Sink
from agents.machine.terminal import say
from agents.metrics.declared import Sheet
from agents.replay.play.watching import Onlooker, Watcher
from streams.errors import UsageError
from streams.events import Alert, Headline, Mention, Output


class Telling(Onlooker):
    """Whoever looks on, and besides him those who are told of alerts."""

    def __init__(self, view: Watcher, sinks: list[Sink]) -> None:
        super().__init__(view)
        self._sinks = sinks

    def record(self, record: Headline | Mention | Output) -> None:
        """Tell of an alert."""
        super().record(record)
        if isinstance(record, Alert):
            for sink in self._sinks:
                sink.deliver(record)


@contextmanager
def delivered(
    view: Watcher, config: Path | None, out: Path, sheet: Sheet, *, deliver: bool
) -> Iterator[Watcher]:
    """Return who looks on; with `deliver` the targets of `config` are told meanwhile.

    UsageError: `config` names no target.
    """
    if not deliver:
        yield view
        return
    out.mkdir(parents=True, exist_ok=True)
    outbox = partial(outbox_of_run, out)
    with dispatcher_of(
        config, outbox, partial(say, "replay"), sheet=sheet, replay=True
    ) as dispatcher:
        if dispatcher is None:
            raise UsageError(
                "--deliver: nobody is to be told; give --config with [[alertmanagers]] or [[webhooks]]"
            )
        yield Telling(view, outboxes_of(dispatcher))
    if not dispatcher.left:  # a replay of the same folder then tells them again
        for path in out.glob(f"{OUTBOX}.*"):
            path.unlink()
