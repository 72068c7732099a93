"""`newsquake ingest`: the sources, and nothing else, into Kafka.

Each source reads on a thread of its own and hands over what came; one thread publishes, keeps the
Clocks and answers signals. A new source is one more object with `run`.
"""

from __future__ import annotations

import enum
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from agents.ingest.group_commit import GroupCommit
from agents.ingest.json_lines import LineItem
from agents.ingest.record_log import RecordLog
from agents.ingest.router import Router
from agents.ingest.source import ItemBatch, Source, nobody_waits
from agents.machine.clock import elapsed_s, now_ns
from agents.machine.terminal import say
from agents.metrics.run import Acknowledged
from agents.stages.observer import NOBODY, Observer
from streams.bounds import CLOCK_AHEAD_NS
from streams.errors import NewsquakeError
from streams.events import SECOND_NS, Status
from streams.logs import logger
from streams.prices.live import LiveFramer

FLUSH_LIMIT_S: Final = 8.0  # a container is given 10 s to end before it is killed
PROGRESS_S: Final = 5.0
CLOCK_WARN_S: Final = 60.0
SILENT_S: Final = 10.0  # without any acknowledgement, before it is said
MOST_WAITING: Final = 16  # batches that sources may be ahead of the publishing


log = logger(__name__)


class _End(enum.Enum):
    """Marks the end of what is to be published."""

    one = enum.auto()  # a source has no more
    all = enum.auto()  # we are to end


class _Routed(NamedTuple):
    """A batch on its way to the publishing thread; `waits`: its source wants to know that it is safe."""

    items: list[LineItem | Status]
    accepted: Callable[[], None]
    waits: bool


class Ingest:
    """The publishing loop: items of all sources and a Clock each second, until every source has ended."""

    def __init__(
        self,
        sources: Sequence[Source],
        log_: RecordLog,
        framer: LiveFramer,
        observer: Observer = NOBODY,
        publisher: Acknowledged | None = None,
    ) -> None:
        """`publisher`: what a broker has not acknowledged yet is told; None: there is no broker."""
        self._sources, self._framer, self._publisher = sources, framer, publisher
        self.router, self._log = Router(log_, framer, observer), log_
        self._commit = GroupCommit(self._fail)
        # Its `put` may interrupt itself, as a signal does.
        self._inbox: queue.SimpleQueue[_Routed | _End] = queue.SimpleQueue()
        self._reading = len(sources)
        self._fault = ""
        self._next_clock_ns = 0
        self._shown_s = self._answered_s = elapsed_s()
        self._acknowledged = publisher.acknowledged if publisher else 0
        self._silent = False
        self._warn_s = 0.0  # when a clock that was set back is told again

    def run(self) -> None:
        """Publish until every source has ended, or SIGTERM or SIGINT; a second one ends at once.

        NewsquakeError: a source or the broker failed for good.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for source in self._sources:
            threading.Thread(target=self._read, args=(source,), daemon=True).start()
        while self._reading:
            self._tick_clock()
            self._take_in()
            self._framer.cut_due(time.monotonic_ns())
        self._framer.close()
        self._commit.close()
        if self._fault:
            raise NewsquakeError(self._fault)

    def _read(self, source: Source) -> None:
        """Run one source on its thread, holding it back while publishing is behind."""
        room = threading.Semaphore(MOST_WAITING)

        def emit(batch: ItemBatch) -> None:
            def accepted() -> None:
                room.release()
                batch.accepted()

            room.acquire()
            waits = batch.accepted is not nobody_waits
            self._inbox.put(_Routed(batch.items, accepted, waits=waits))

        try:
            source.run(emit)
        except (OSError, NewsquakeError) as fault:
            self._fail(f"{source.name} cannot be read: {fault}")
        except Exception as fault:  # the boundary of the thread: it would end in silence
            log.critical("source failed", source=source.name, exc_info=fault)
            self._fail(f"{source.name}: {type(fault).__name__}: {fault}")
        self._inbox.put(_End.one)

    def _take_in(self) -> None:
        """Publish the next batch, if it comes before a Clock or a frame is due."""
        try:
            batch = self._inbox.get(timeout=self._wait_s())
        except queue.Empty:
            return
        if isinstance(batch, _End):
            self._reading = 0 if batch is _End.all else self._reading - 1
            return
        self.router.route(batch.items, time.monotonic_ns())
        if batch.waits:
            self._commit.add(self._log.begin_sync(), batch.accepted)
        else:
            batch.accepted()

    def _fail(self, fault: str) -> None:
        """End the run, from any thread."""
        self._fault = fault
        self._inbox.put(_End.all)

    def _stop(self, _number: int, _frame: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        self._inbox.put(_End.all)

    def _wait_s(self) -> float:
        """Return how long nothing need be done but to listen."""
        until_clock_ns = self._next_clock_ns - now_ns()
        due_ns = self._framer.due_ns
        if due_ns is not None:
            until_clock_ns = min(until_clock_ns, due_ns - time.monotonic_ns())
        return min(max(until_clock_ns, 0), SECOND_NS) / SECOND_NS

    def _tick_clock(self) -> None:
        """Send the Clock of a second that has begun; a clock set back sends none until it is past."""
        second_ns = now_ns() // SECOND_NS * SECOND_NS
        if second_ns + SECOND_NS == self._next_clock_ns:
            return
        self._next_clock_ns = second_ns + SECOND_NS
        self._framer.clock(second_ns)
        self._look_at_clock(second_ns)
        self._look()

    def _look_at_clock(self, second_ns: int) -> None:
        """Say every minute how far a clock that was set back is behind the newest Clock sent."""
        behind_s = (self._framer.clock_ns - second_ns) // SECOND_NS
        if behind_s * SECOND_NS > CLOCK_AHEAD_NS and elapsed_s() >= self._warn_s:
            self._warn_s = elapsed_s() + CLOCK_WARN_S
            log.critical(
                "this machine's clock was set back: no Clock is sent, and rows of now are late",
                behind_s=behind_s,
                mend="set the clock right; if it is, start again",
            )

    def _look(self) -> None:
        """Say how it goes: on a terminal every few seconds, elsewhere when acknowledgements stop."""
        at_s, waits = elapsed_s(), ""
        if self._publisher:
            self._look_at_broker(self._publisher, at_s)
            waits = f"; {self._publisher.backlog:,} wait for the broker"
        if sys.stderr.isatty() and at_s - self._shown_s > PROGRESS_S:
            self._shown_s = at_s
            say("ingest", f"{self.router.summary()}{waits}")

    def _look_at_broker(self, publisher: Acknowledged, at_s: float) -> None:
        """Say when the broker stops to acknowledge what was sent, and when it does again."""
        acknowledged, backlog = publisher.acknowledged, publisher.backlog
        if not backlog or acknowledged != self._acknowledged:
            self._acknowledged, self._answered_s = acknowledged, at_s
        silent = at_s - self._answered_s > SILENT_S
        if silent != self._silent:
            self._silent = silent
            how = f"has acknowledged nothing for {SILENT_S:g} s" if silent else "answers again"
            say("ingest", f"the broker {how}; {backlog:,} records wait")
