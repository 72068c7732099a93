"""The records and rows that an engine refuses: each becomes a Reject, counted by reason."""

from __future__ import annotations

from collections import Counter

import msgspec

from agents.reacting.badtick import Trade
from streams.events import RECORD_CHARS, Correction, Mention, Output, Reject, Status


class RejectLog:
    """The rejects of one engine; they go to `out`, counted in `counts`."""

    def __init__(self, out: list[Output], counts: Counter[str]) -> None:
        self._out, self._counts = out, counts

    def unsupported(self, record: Status | Correction) -> None:
        """Reject a record of a kind that no part of the engine handles."""
        detail = f"{type(record).__name__} is not handled yet"
        self.reject("unsupported_record", detail, record.ts_ns, str(record))

    def unknown_issuer(self, mention: Mention) -> None:
        """Reject a mention of an issuer that has no listing here."""
        detail = f"{mention.issuer} is not in the universe"
        self.reject("unknown_issuer", detail, mention.event_ns, mention.title)

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
                record=record[:RECORD_CHARS],
            )
        )
