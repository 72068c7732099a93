"""`newsquake replay --deliver`: the alerts of another day to the targets of today."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from agents.delivery.service import QUEUE, boxes_of, courier_of, queue_of_run
from agents.delivery.sinks import Sink
from agents.metrics.declared import Sheet
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
                sink.tell(record)


@contextmanager
def delivering(config: Path | None, out: Path, sheet: Sheet) -> Iterator[DeliveringWatcher]:
    """Deliver to the targets of `config` what the watcher sees; wait for them at the end.

    UsageError: `config` names no target.
    """
    out.mkdir(parents=True, exist_ok=True)
    queue = partial(queue_of_run, out)
    with courier_of(config, queue, _say, sheet=sheet, replay=True) as courier:
        if courier is None:
            raise UsageError(
                "--deliver: nobody is to be told; give --config with [[alertmanagers]] or [[webhooks]]"
            )
        yield DeliveringWatcher(boxes_of(courier))
    if not courier.left:  # a replay of the same folder then tells them again
        for path in out.glob(f"{QUEUE}.*"):
            path.unlink()


def _say(text: str) -> None:
    sys.stderr.write(f"newsquake replay: {text}\n")
    sys.stderr.flush()
