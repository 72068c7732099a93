"""What is to be delivered: each state of an alert once for each target, oldest first.

A row is one state of an alert for one target and stays until the target has it, so that a crash at
any point leads to a repeat with the same id, never to a loss. There is one truth of what is pending:

* an embedded run and a replay keep it in a file; a row is committed before `put` returns;
* a deliver worker keeps it in memory: its checkpoint has what is pending (agents/workers/deliver.py),
  and a record of `alerts` is acknowledged only after the checkpoint that follows from it.

Rows belong to a partition of `alerts`, and only those of partitions that are ours are handed out:
another worker may have the others, and two senders would contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from agents.delivery import handover
from agents.delivery.database import END, HEADS, INSERT, ITEM, OURS, SUPERSEDE, OutboxDatabase
from agents.delivery.earlier import alert_json
from agents.delivery.handover import PartitionLease, PendingDelivery
from streams.codec import decode_json, encode_json
from streams.errors import CodecError
from streams.events import DAY_NS, Alert, Reject
from streams.logs import logger

KEPT_NS: Final = 3 * DAY_NS  # that a row is remembered after it is over, against repeats
PRUNE_NS: Final = DAY_NS // 24

log = logger(__name__)


class QueuedDelivery(NamedTuple):
    """A state of an alert on its way to a target."""

    number: int
    id: str  # of the state: the same at each try, in each process
    alert: Alert
    put_ns: int
    tries: int  # that failed since it was put, or delivered last
    delivered: bool  # at least once
    known: bool  # the target was told of the alert, in this state or an earlier one


class DeadLetter(NamedTuple):
    """A state that was given up, as a record of `rejects`."""

    number: int
    target: str
    reject: Reject


class Outbox:
    """The states that are to be delivered, in a file or in memory; any thread may call."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` None: in memory.

        JournalError: another process has the file. StateError: it cannot be opened, or is none of
        ours.
        """
        self._base = OutboxDatabase(path)
        self.lease = PartitionLease()
        self._pruned_ns = 0
        self._unrecorded: dict[int, handover.Held] = {}  # by the number of the dead letter

    def close(self) -> None:
        """Let others open the file."""
        self._base.close()

    # -- in

    def put(self, alert: Alert, targets: Mapping[str, bool], partition: int, now_ns: int) -> None:
        """Keep a state for its targets; what was put before is left as it is.

        True of a target: the state takes the place of the alert's earlier ones. OSError: the disk
        is full, say.
        """
        body = alert_json(alert)
        with self._base.change() as change:
            for target, newest_only in targets.items():
                pending = PendingDelivery(target, alert.alert_id, body, now_ns, known=False)
                added = change.execute(INSERT, handover.row_of(pending, partition, now_ns))
                superseded = 0
                if newest_only and added.rowcount:
                    row = target, alert.alert_id, added.lastrowid
                    superseded = change.execute(SUPERSEDE, row).rowcount
                _log_put(alert, target, new=bool(added.rowcount), superseded=superseded)
            if now_ns - self._pruned_ns > PRUNE_NS:
                change.execute("DELETE FROM item WHERE put_ns < ?", (now_ns - KEPT_NS,))
                self._pruned_ns = now_ns

    # -- out

    def due(self, target: str, now_ns: int, limit: int) -> list[QueuedDelivery]:
        """Return what is to be sent now, the longest due first; of each alert one state."""
        rows = self._of_ours(
            f"{ITEM} {HEADS} AND due_ns <= :now ORDER BY due_ns, number LIMIT :limit",
            target=target,
            now=now_ns,
            limit=limit,
        )
        return self._decoded(target, rows)

    def next_due_ns(self, target: str) -> int | None:
        """Return when something is to be sent next, None where nothing is."""
        ((due_ns,),) = self._of_ours(f"SELECT min(due_ns) {HEADS}", target=target)
        return None if due_ns is None else int(due_ns)

    def older_than(self, target: str, put_ns: int) -> list[QueuedDelivery]:
        """Return what was put before an instant and is not over, delivered or not."""
        rows = self._of_ours(
            f"{ITEM} FROM item WHERE target = :target AND body IS NOT NULL AND put_ns < :put"
            f" AND {OURS} ORDER BY number",
            target=target,
            put=put_ns,
        )
        return self._decoded(target, rows)

    def backlog(self, target: str) -> int:
        """Return how many states have not been delivered to the target yet."""
        ((count,),) = self._of_ours(
            f"SELECT count(*) FROM item WHERE {OURS} AND target = :target AND body IS NOT NULL"  # noqa: S608 - our own text
            " AND NOT told",
            target=target,
        )
        return int(count)

    def postpone(self, item: QueuedDelivery, due_ns: int, *, delivered: bool) -> None:
        """Send it again at `due_ns`: it failed, or was delivered and has to be sent again."""
        with self._base.change() as change:
            change.execute(
                "UPDATE item SET due_ns = ?, tries = ?, told = told OR ? WHERE number = ?",
                (due_ns, 0 if delivered else item.tries + 1, delivered, item.number),
            )

    def retry_now(self, target: str, now_ns: int) -> None:
        """Have all due now that is pending because an earlier try failed."""
        with self._base.change() as change:
            change.execute(
                "UPDATE item SET due_ns = ? WHERE target = ? AND body IS NOT NULL AND tries > 0",
                (now_ns, target),
            )

    def finish(self, item: QueuedDelivery) -> None:
        """Send it no more: the target has it, or is not to have it."""
        with self._base.change() as change:
            change.execute(END, (item.number,))

    def dead_letter(self, number: int, target: str, reject: Reject) -> None:
        """Send a state no more and keep the dead letter until it is recorded."""
        with self._base.change() as change:
            held = handover.held(change, number)
            change.execute(END, (number,))
            row = target, encode_json(reject)
            letter = change.execute("INSERT INTO dead VALUES (NULL, ?, ?)", row).lastrowid
            self._unrecorded[letter or 0] = held

    def dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters that are not recorded yet."""
        rows = self._base.select("SELECT number, target, reject FROM dead ORDER BY number")
        return [DeadLetter(number, name, decode_json(body, Reject)) for number, name, body in rows]

    def forget(self, letter: DeadLetter) -> None:
        """Drop a dead letter: it is recorded."""
        with self._base.change() as change:
            change.execute("DELETE FROM dead WHERE number = ?", (letter.number,))
        self._unrecorded.pop(letter.number, None)

    def pending(self, partition: int) -> list[PendingDelivery]:
        """Return the states of a partition that are not over, or given up and not recorded yet."""
        found = handover.pending_of(self._base, partition)
        for held in [*self._unrecorded.values()]:
            if held.partition == partition:
                found[held.number] = held.pending
        return [found[number] for number in sorted(found)]

    def restore(self, partition: int, pending: Iterable[PendingDelivery], now_ns: int) -> None:
        """Have exactly these states of a partition pend, but for those that were finished here."""
        handover.restore(self._base, partition, pending, now_ns)

    # -- rows

    def _of_ours(self, query: str, **values: Any) -> list[Any]:  # noqa: ANN401 - what SQL takes
        return self._base.select(query, ours=self.lease.as_json(), **values)

    def _decoded(self, target: str, rows: Iterable[Any]) -> list[QueuedDelivery]:
        """Decode rows; one that this version cannot decode becomes a dead letter."""
        items = []
        for number, id_, alert_id, body, put_ns, tries, told, known in rows:
            try:
                alert = decode_json(body, Alert)
            except CodecError as fault:
                self.dead_letter(number, target, _undecodable(target, alert_id, body, fault))
                continue
            items.append(
                QueuedDelivery(number, id_, alert, put_ns, tries, bool(told), bool(told or known))
            )
        return items


def _undecodable(target: str, alert_id: str, body: bytes, fault: CodecError) -> Reject:
    what = f"{target}: {alert_id}: {fault.detail}"
    text = body.decode("utf-8", "replace")
    return Reject(stage="deliver", reason=fault.reason, detail=what, ts_ns=None, record=text)


def _log_put(alert: Alert, target: str, *, new: bool, superseded: int) -> None:
    about = {"target": target, "alert": alert.alert_id, "transition": alert.transition}
    if new:
        log.debug("alert queued", **about)
    else:
        log.debug("alert not told: this state was queued before", **about)
    if superseded:
        log.debug("alert states superseded", **about, states=superseded)
