"""What the oracle says: plain records, in the order they came about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
AlertKey = tuple[str, str, str]  # listing, ISO trade date, direction
Transition = tuple[str, int, int]  # opened/escalated/resolved, ts_ns, level_pct


@dataclass
class Outputs:
    moves: list[Record] = field(default_factory=list)
    reactions: list[Record] = field(default_factory=list)
    rejects: list[Record] = field(default_factory=list)
    alerts: dict[AlertKey, list[Transition]] = field(default_factory=dict)
    ineligible: int = 0  # rows in phase closed
    gaps: int = 0  # jumps ahead in a run's numbers
    # (alert, line, instant, price) of what passed a level: whoever explains moves listens here
    crossed: Callable[[AlertKey, Any, int, int], None] = field(
        default=lambda *_: None, compare=False
    )

    def reject(self, reason: str, listing: str, ts_ns: int) -> None:
        self.rejects.append({"reason": reason, "listing": listing, "ts_ns": ts_ns})

    def alert(self, key: AlertKey, ts_ns: int, level_pct: int) -> None:
        """Open or escalate; nothing reopens."""
        log = self.alerts.setdefault(key, [])
        if not log:
            log.append(("opened", ts_ns, level_pct))
        elif log[-1][0] != "resolved":
            log.append(("escalated", ts_ns, level_pct))

    def resolve(self, key: AlertKey, ts_ns: int) -> None:
        log = self.alerts[key]
        log.append(("resolved", max(ts_ns, log[-1][1]), log[-1][2]))

    def open_alerts(self, listing: str) -> list[AlertKey]:
        return [
            key
            for key, log in self.alerts.items()
            if key[0] == listing and log[-1][0] != "resolved"
        ]


def as_price(millionths: int) -> float:
    return round(millionths / 1_000_000, 6)
