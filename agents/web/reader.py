"""Questions to the store of the read API: what a page or an answer needs, newest first, bounded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.reacting.reactions import HORIZONS
from streams.codec import Plain
from streams.sqlite_file import opened_read_only

MOST_ROWS: Final = 1000  # of one answer
MOST_PARTS: Final = 1000  # revisions, mentions, reactions or transitions of one page
_LATEST: Final = 2**63 - 1
_HORIZONS: Final = {name: place for place, name in enumerate(HORIZONS)}
_decode: Final = msgspec.json.Decoder(Plain).decode


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What to list: [first_ns, end_ns), of one listing or of all, after the row `before`."""

    listing: str | None = None
    states: tuple[str, ...] = ()  # of alerts; none: all
    first_ns: int = 0
    end_ns: int = _LATEST
    limit: int = 100
    before: tuple[int, str] = (_LATEST, "")  # (time, id) of the last row that was had


class HeadlinePage(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one headline."""

    headline: Plain  # its newest revision
    scored_ns: int | None
    revisions: list[Plain]
    mentions: list[Plain]
    reactions: list[Plain]


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one alert, the headlines of its evidence included."""

    alert: Plain  # its newest state
    transitions: list[Plain]
    headlines: list[Plain]


class Reader:
    """The store as others write it; used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file for reading only."""
        self._base = opened_read_only(path)

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    # -- headlines

    def headlines(self, span: Span) -> list[Plain]:
        """Return headlines by event time, newest first, each with its `mentions`.

        Those that their publisher has deleted are left out; of a listing, those that name its issuer.
        """
        rows = self._records(
            "SELECT record FROM headline WHERE NOT deleted AND event_ns >= :first_ns"
            " AND event_ns < :end_ns AND (event_ns, headline_id) < (:at_ns, :id)"
            " AND (:listing IS NULL OR headline_id IN (SELECT headline_id FROM named"
            " WHERE issuer = (SELECT issuer FROM line WHERE listing = :listing)))"
            " ORDER BY event_ns DESC, headline_id DESC LIMIT :limit",
            _values(span),
        )
        self._add_mentions(rows)
        return rows

    def issuer_of(self, listing: str) -> str | None:
        """Return whose a listing is, None where it is not known here."""
        row = self._base.execute("SELECT issuer FROM line WHERE listing = ?", (listing,)).fetchone()
        return None if row is None else str(row[0])

    def headline(self, headline_id: str) -> HeadlinePage | None:
        """Return all of one headline, None where it is not known."""
        found = self._by_id("SELECT record FROM headline WHERE headline_id = :id", headline_id)
        if not found:
            return None
        (scored,) = self._base.execute(
            "SELECT max(scored_ns) FROM mention WHERE headline_id = ?", (headline_id,)
        ).fetchone()
        return HeadlinePage(
            headline=found[0],
            scored_ns=scored,
            revisions=self._by_id(
                "SELECT record FROM revision WHERE headline_id = :id ORDER BY revision", headline_id
            ),
            mentions=self._by_id(
                "SELECT record FROM mention WHERE headline_id = :id ORDER BY issuer", headline_id
            ),
            reactions=sorted(
                self._by_id(
                    "SELECT record FROM reaction WHERE headline_id = :id ORDER BY listing",
                    headline_id,
                ),
                key=lambda each: (each["listing"], _HORIZONS.get(each["horizon"], len(_HORIZONS))),
            ),
        )

    def _add_mentions(self, headlines: list[Plain]) -> None:
        by_id = {each["headline_id"]: each for each in headlines}
        for each in headlines:
            each["mentions"] = []
        found = self._base.execute(
            "SELECT record FROM mention WHERE headline_id IN (SELECT value FROM json_each(?))"
            " ORDER BY issuer",
            (msgspec.json.encode([*by_id]).decode(),),
        )
        for (body,) in found:
            mention = _decode(body)
            by_id[mention["headline_id"]]["mentions"].append(mention)

    # -- alerts

    def alerts(self, span: Span) -> list[Plain]:
        """Return the newest states of the alerts that were open in the span, newest opened first."""
        return self._records(
            "SELECT record FROM alert WHERE opened_ns < :end_ns"
            " AND (state = 'open' OR updated_ns >= :first_ns)"
            " AND (opened_ns, alert_id) < (:at_ns, :id)"
            " AND (:listing IS NULL OR listing = :listing)"
            " AND (:any_state OR state IN (SELECT value FROM json_each(:states)))"
            " ORDER BY opened_ns DESC, alert_id DESC LIMIT :limit",
            _values(span),
        )

    def alert(self, alert_id: str) -> AlertPage | None:
        """Return all of one alert, None where it is not known."""
        found = self._by_id("SELECT record FROM alert WHERE alert_id = :id", alert_id)
        if not found:
            return None
        transitions = self._by_id(
            "SELECT record FROM transition WHERE alert_id = :id ORDER BY number", alert_id
        )
        transitions.sort(key=lambda each: int(each["updated_ns"]))  # stable: else as they came
        causes = [cause["headline_id"] for cause in found[0]["attribution"]["candidates"]]
        return AlertPage(
            alert=found[0], transitions=transitions, headlines=self._newest_of(causes[:MOST_ROWS])
        )

    def _newest_of(self, ids: Iterable[str]) -> list[Plain]:
        found = (self._by_id("SELECT record FROM headline WHERE headline_id = :id", i) for i in ids)
        return [each[0] for each in found if each]

    # -- all of it

    def probe(self) -> None:
        """Read something; sqlite3.Error: the store cannot be read."""
        self._base.execute("SELECT max(event_ns) FROM headline").fetchone()

    def _by_id(self, statement: str, key: str) -> list[Plain]:
        return self._records(f"{statement} LIMIT {MOST_PARTS}", {"id": key})

    def _records(self, statement: str, values: dict[str, Any]) -> list[Plain]:
        return [_decode(body) for (body,) in self._base.execute(statement, values)]


def _values(span: Span) -> dict[str, Any]:
    at_ns, key = span.before
    return {
        "listing": span.listing,
        "first_ns": span.first_ns,
        "end_ns": span.end_ns,
        "at_ns": at_ns,
        "id": key,
        "limit": min(span.limit, MOST_ROWS),
        "any_state": not span.states,
        "states": msgspec.json.encode(span.states).decode(),
    }
