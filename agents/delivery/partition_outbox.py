"""Where the alerts of one partition are put: a sink like any other, which waits for no target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from agents.delivery.handover import PendingDelivery
from agents.delivery.outbox import Outbox
from agents.delivery.target import Target
from agents.machine.clock import now_ns
from streams.events import Alert
from streams.logs import logger

log = logger(__name__)


class PartitionOutbox:
    """The outbox of one partition, until the dispatcher releases all partitions."""

    def __init__(
        self,
        outbox: Outbox,
        targets: Mapping[str, Target],
        partition: int,
        notify: Callable[[], None],
    ) -> None:
        """`notify` has the dispatcher look at the outbox."""
        self._outbox, self._targets, self._partition = outbox, targets, partition
        self._notify, self._term = notify, outbox.lease.term

    def acquire(self) -> None:
        """Deliver what is pending for the partition, of an earlier process too."""
        self._outbox.lease.acquire(self._partition, self._term)
        self._notify()

    def deliver(self, alert: Alert) -> None:
        """Return once the alert is in the outbox. OSError: the disk does not take it."""
        wanted = {}
        for label, target in self._targets.items():
            if target.wants(alert):
                wanted[label] = target.newest_only
            else:
                about = {"alert": alert.alert_id, "transition": alert.transition}
                log.debug("alert not told: the target's filters", target=label, **about)
        self._outbox.put(alert, wanted, self._partition, now_ns())
        self.acquire()

    def pending(self) -> list[PendingDelivery]:
        """Return what is to be handed to whoever has the partition next."""
        return self._outbox.pending(self._partition)

    def restore(self, pending: Iterable[PendingDelivery]) -> None:
        """Go on with what the checkpoint of the partition says, for targets that there still are."""
        known = [each for each in pending if each.target in self._targets]
        self._outbox.restore(self._partition, known, now_ns())
        log.debug("pending deliveries restored", partition=self._partition, states=len(known))
        self.acquire()
