"""The NYSE's list of trade halts of all American exchanges: CSV with reasons in English."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from streams.errors import RecordError
from streams.events import Reject, Status
from streams.news.dialects.rss import MAX_BYTES, MAX_ITEMS
from streams.news.dialects.us_halts import halt_statuses
from streams.news.feed import FeedInfo, ParsedFeed, refused

COLUMNS = (
    "Halt Date", "Halt Time", "Symbol", "Exchange", "Reason", "Resume Date", "NYSE Resume Time",
)  # fmt: skip

# Not `splitlines`, to which rare controls within a name are ends too.
_LINE_END = re.compile(r"\r\n|\r|\n")


def knows(head: bytes, _url: str) -> bool:
    """Tell whether a document begins with the header of the list."""
    first = head.partition(b"\n")[0].replace(b'"', b"").lower()
    return b"halt date,halt time,symbol," in first


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the halts and resumptions of one document; a list without halts is a quiet day.

    Rejects: `bad_row`, `past`, `future` for rows, `too_large`, `not_a_feed`, `too_many_items`.
    Never raises.
    """
    if len(data) > MAX_BYTES:
        detail = f"{len(data)} bytes, more than {MAX_BYTES}"
        return ParsedFeed(rejects=(refused(feed, "too_large", detail, received_ns, ""),))
    # A row is a line: an open quote spoils its own row and not the rest of the list.
    header, *lines = _LINE_END.split(data.decode("utf-8-sig", "replace"))
    columns = [name.strip() for name in _cells(header)]
    if missing := [name for name in COLUMNS if name not in columns]:
        detail = f"no column {missing[0]!r}"
        return ParsedFeed(rejects=(refused(feed, "not_a_feed", detail, received_ns, header),))
    made = list(_rows(columns, lines[:MAX_ITEMS], feed, received_ns))
    if len(lines) > MAX_ITEMS:
        detail = f"{len(lines)} rows, of which the first {MAX_ITEMS} were read"
        made.append(refused(feed, "too_many_items", detail, received_ns, ""))
    return ParsedFeed(
        statuses=tuple(dict.fromkeys(m for m in made if isinstance(m, Status))),
        rejects=tuple(m for m in made if isinstance(m, Reject)),
        version="csv",
    )


def _rows(
    columns: list[str], lines: list[str], feed: FeedInfo, received_ns: int | None
) -> Iterator[Status | Reject]:
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            yield from _statuses(columns, _cells(line))
        except RecordError as error:
            detail = f"line {number}: {error.detail}"
            yield refused(feed, error.reason, detail, received_ns, line)


def _statuses(columns: list[str], cells: list[str]) -> tuple[Status, ...]:
    if len(cells) != len(columns):
        detail = f"{len(cells)} cells where the header has {len(columns)}"
        raise RecordError("bad_row", detail)
    row = dict(zip(columns, cells, strict=True))
    return halt_statuses(
        row["Symbol"],
        row["Exchange"],
        (row["Halt Date"], row["Halt Time"]),
        (row["Resume Date"], row["NYSE Resume Time"]),
        row["Reason"],
    )


def _cells(line: str) -> list[str]:
    """Return the cells of one line, none where it is no CSV (a cell beyond the reader's limit)."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []
