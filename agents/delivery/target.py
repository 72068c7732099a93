"""The contract of a target of alerts, as the dispatcher needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agents.delivery.endpoint import DeliveryAnswer, RetryPolicy
from agents.delivery.outbox import QueuedDelivery
from streams.events import Alert


class Target(Protocol):
    """Somebody to tell over the network."""

    label: str
    newest_only: bool  # it is to know how an alert stands, not what led there
    at_once: int
    retry_policy: RetryPolicy

    def wants(self, alert: Alert) -> bool:
        """Tell whether it is to have this state."""

    def again_s(self, item: QueuedDelivery) -> float | None:
        """Return in how many seconds a state that was delivered is sent again; None: never."""

    async def post(self, items: Sequence[QueuedDelivery]) -> list[DeliveryAnswer]:
        """Send states, one answer for each."""
