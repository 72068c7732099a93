"""What an engine could not use, told in records of its own and counted by reason."""

from __future__ import annotations

from collections import Counter

import msgspec

from agents.reacting.badtick import Trade
from streams.events import Output, Reject

RECORD_TEXT = 2_000  # characters of a record kept in its reject


class RejectLog:
    """The rejects of one engine; they go to `out`, counted in `counts`."""

    def __init__(self, out: list[Output], counts: Counter[str]) -> None:
        self._out, self._counts = out, counts

    def trade(self, reason: str, listing: str, trade: Trade) -> None:
        """Reject a row."""
        fields = {
            "listing": listing,
            "ts_ns": trade.ts_ns,
            "price": trade.price,
            "size": trade.size,
            "exchange": trade.exchange,
            "flags": trade.flags,
        }
        text = msgspec.json.encode(fields).decode()
        self.reject(reason, f"a tick of {listing}", trade.ts_ns, text)

    def reject(self, reason: str, detail: str, ts_ns: int, record: str) -> None:
        """Reject a record; `record` is its text."""
        self._counts[reason] += 1
        self._out.append(
            Reject(
                stage="react",
                reason=reason,
                detail=detail,
                ts_ns=ts_ns,
                record=record[:RECORD_TEXT],
            )
        )
