"""Alerts to Alertmanager by its API v2, as alerts of its own: sent again until they are over.

Alertmanager keeps alerts in memory alone and ends those of which it hears nothing, so an open one
is sent again and again with an end that lies ahead. Its labels are its identity: they stay the
same for its life and hold nothing that anybody outside can write. Annotations are plain text.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from agents.config.delivery import LinksFile
from agents.delivery.endpoint import DeliveryAnswer, Endpoint, RetryPolicy
from agents.delivery.message import annotations_of, labels_of
from agents.delivery.outbox import QueuedDelivery
from agents.machine.clock import now_ns
from streams.events import SECOND_NS, Alert

AGAIN_S: Final = (30.0, 60.0)  # between two sendings of an open alert; Prometheus does so each 60 s
SHOWN_S: Final = 60.0  # an alert that was over before it was delivered; group_wait is shorter
AHEAD_S: Final = 300.0  # the end of an open alert: Alertmanager's own resolve_timeout
# An alert lasts for a trade date at most: one that is open for longer was forgotten.
RETRY_POLICY: Final = RetryPolicy(1.0, 30.0, 2 * 86_400.0)
_epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class AlertmanagerSink:
    """One Alertmanager."""

    newest_only = True
    at_once = 64

    def __init__(
        self,
        endpoint: Endpoint,
        links: LinksFile,
        *,
        replay: bool = False,
        again_s: tuple[float, float] = AGAIN_S,
        retry_policy: RetryPolicy = RETRY_POLICY,
    ) -> None:
        self.label, self.retry_policy = endpoint.label, retry_policy
        self._endpoint, self._links, self._replay, self._again_s = endpoint, links, replay, again_s

    def wants(self, _alert: Alert) -> bool:
        """Tell whether it is to have the alert: all."""
        return True

    def again_s(self, item: QueuedDelivery) -> float | None:
        """Return in how many seconds an alert that was delivered is sent again; None: never."""
        if _stands(item):
            wait_s = random.uniform(*self._again_s)  # noqa: S311 - to spread load
            return wait_s if item.alert.state == "open" else SHOWN_S
        return None

    async def post(self, items: Sequence[QueuedDelivery]) -> list[DeliveryAnswer]:
        """Send alerts; one that it does not take must not keep the others from it."""
        answer = await self._send(items)
        if answer.kind == "refused" and len(items) > 1:
            return [await self._send([item]) for item in items]
        return [answer] * len(items)

    async def _send(self, items: Sequence[QueuedDelivery]) -> DeliveryAnswer:
        at_ns = now_ns()
        body = [posted(item, self._links, at_ns, replay=self._replay) for item in items]
        return await self._endpoint.post(msgspec.json.encode(body), {})


def _stands(item: QueuedDelivery) -> bool:
    """Tell whether an alert is shown as one that is open.

    So is one that ended while Alertmanager was away, for a while: else nobody would hear of it.
    """
    return item.alert.state == "open" or (item.alert.state == "resolved" and not item.known)


def posted(item: QueuedDelivery, links: LinksFile, at_ns: int, *, replay: bool) -> dict[str, Any]:
    """Return an alert as Alertmanager takes it (its API v2, `postableAlert`)."""
    alert = item.alert
    if _stands(item):
        ahead_s = AHEAD_S if alert.state == "open" else SHOWN_S
        ends_ns = at_ns + int(ahead_s * SECOND_NS)
    else:
        ends_ns = max(alert.opened_ns, min(alert.updated_ns, at_ns))
    annotations = annotations_of(alert, links)
    return {
        "labels": labels_of(alert, replay=replay),
        "annotations": annotations,
        "startsAt": _rfc3339(alert.opened_ns),
        "endsAt": _rfc3339(ends_ns),
        "generatorURL": annotations.get("dashboard_url", ""),
    }


def _rfc3339(at_ns: int) -> str:
    """Return an instant to the microsecond, as Alertmanager reads it."""
    at = _epoch + dt.timedelta(microseconds=at_ns // 1_000)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
