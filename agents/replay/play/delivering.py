"""`newsquake replay --deliver`: the alerts of another day to the targets of today."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from agents.delivery.service import OUTBOX, dispatcher_of, outbox_of_run, outboxes_of
from agents.delivery.sinks import Sink
from agents.machine.terminal import say
from agents.metrics.declared import ProcessMetrics
from agents.replay.play.watching import Watcher
from streams.errors import UsageError
from streams.events import Alert, Headline, Mention, Output


class DeliveringWatcher(Watcher):
    """Gives each state of an alert to the sinks."""

    def __init__(self, sinks: list[Sink]) -> None:
        self._sinks = sinks

    def record(self, record: Headline | Mention | Output) -> None:
        """Give an alert to every sink."""
        if isinstance(record, Alert):
            for sink in self._sinks:
                sink.deliver(record)


@contextmanager
def delivering(
    config: Path | None, out: Path, sheet: ProcessMetrics
) -> Iterator[DeliveringWatcher]:
    """Deliver to the targets of `config` what the watcher sees; wait for them at the end.

    UsageError: `config` names no target.
    """
    out.mkdir(parents=True, exist_ok=True)
    open_, tell = partial(outbox_of_run, out), partial(say, "replay")
    with dispatcher_of(config, open_, tell, sheet=sheet, replay=True) as dispatcher:
        if dispatcher is None:
            raise UsageError(
                "--deliver: nobody is to be told; give --config with [[alertmanagers]] or [[webhooks]]"
            )
        yield DeliveringWatcher(outboxes_of(dispatcher))
    if not dispatcher.left:  # a replay of the same folder then tells them again
        for end in ("sqlite", "sqlite-wal", "sqlite-shm", "lock"):
            (out / f"{OUTBOX}.{end}").unlink(missing_ok=True)
