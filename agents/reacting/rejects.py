"""The records and rows that an engine refuses: each becomes a Reject, counted by reason."""

from __future__ import annotations

from collections import Counter

import msgspec

from agents.reacting.badtick import Trade
from streams.bounds import IMPLAUSIBLE_CLOCK
from streams.events import RECORD_CHARS, Clock, Correction, Mention, Output, Reject, Status


class RejectLog:
    """The rejects of one engine; they go to `out`, counted in `counts`."""

    def __init__(self, out: list[Output], counts: Counter[str]) -> None:
        self._out, self._counts = out, counts

    def unusable(self, record: Status | Correction | Clock) -> None:
        """Reject a record of a kind that no part of the engine handles, or a Clock of no time at all."""
        if isinstance(record, Clock):
            detail = f"a Clock of {record.ts_ns} ns is before 2000 or beyond all calendars"
            self.reject(IMPLAUSIBLE_CLOCK, detail, record.ts_ns, str(record))
            return
        detail = f"{type(record).__name__} is not handled yet"
        self.reject("unsupported_record", detail, record.ts_ns, str(record))

    def unknown_issuer(self, mention: Mention) -> None:
        """Reject a mention of an issuer that has no listing here."""
        detail = f"{mention.issuer} is not in the universe"
        self.reject("unknown_issuer", detail, mention.event_ns, mention.title)

    def mention(self, reason: str, mention: Mention) -> None:
        """Reject a mention of a headline whose event lies too far from the Clock."""
        detail = f"{mention.headline_id} of {mention.issuer} happened at {mention.event_ns} ns"
        self.reject(reason, detail, mention.event_ns, mention.title)

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
