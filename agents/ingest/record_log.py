"""Where the records of sources go: the topics of a broker, or the journal of an embedded run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streams.events import Clock, Headline, Reject, Status, TickFrame
from streams.prices.live import FrameLog
from streams.publisher import Sending, nothing
from streams.topics import HEADLINES, MARKET, REJECTS, prefixed

Sync = Callable[[], None]


class RecordLog(FrameLog, Protocol):
    """A log of all that sources say; once a call returns, no crash of this process takes the record.

    A loss of power takes what `begin_sync` was not asked for.
    """

    def send_headline(self, headline: Headline) -> None:
        """Accept a headline, in the one order of all news."""

    def send_reject(self, reject: Reject, source: str) -> None:
        """Accept what a source said and nobody could read."""

    def begin_sync(self) -> Sync:
        """Return what makes all records so far outlive a loss of power, to be called on any thread.

        It raises OSError or NewsquakeError where they do not.
        """


class TopicLog:
    """The topics of a run on a broker."""

    def __init__(
        self,
        send: Sending,
        prefix: str,
        partitions: int,
        sync: Callable[[], Sync] = lambda: nothing,
    ) -> None:
        """`send` and `sync` are the publisher's; `partitions` are those of `market`."""
        self._send, self._partitions, self.begin_sync = send, range(partitions), sync
        self._headlines, self._market = prefixed(prefix, HEADLINES), prefixed(prefix, MARKET)
        self._rejects = prefixed(prefix, REJECTS)

    def send_headline(self, headline: Headline) -> None:
        """Send a headline to `headlines`."""
        self._send(self._headlines, 0, headline, headline.source)

    def send_reject(self, reject: Reject, source: str) -> None:
        """Send a reject to `rejects`."""
        self._send(self._rejects, 0, reject, source)

    def send_frame(self, partition: int, frame: TickFrame) -> None:
        """Send a frame to a partition of `market`."""
        self._send(self._market, partition, frame)

    def send_status(self, partition: int, status: Status) -> None:
        """Send a halt or a resumption to a partition of `market`."""
        self._send(self._market, partition, status)

    def send_clock(self, clock: Clock) -> None:
        """Send a Clock to every partition of `market`, then to `headlines`."""
        for partition in self._partitions:
            self._send(self._market, partition, clock)
        self._send(self._headlines, 0, clock)
