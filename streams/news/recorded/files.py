"""Read recorded headlines: JSONL, CSV, or a saved feed document, as `replay.toml` describes it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast, get_args

import msgspec

from streams.errors import ColumnError, InputError, RecordError
from streams.events import RECORD_CHARS, Action, Headline, Reject
from streams.inflate import contents
from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo
from streams.news.headline import HeadlineParts, make_headline
from streams.reference.sources import tier_of
from streams.times import DAY_S, MINUTE_S, epoch_to_ns, parse_time, precision_s

JSONL_SUFFIXES = (".jsonl", ".ndjson", ".json")
FEED_SUFFIXES = (".xml", ".rss", ".atom", ".rdf")
FIELDS = (
    "id", "published", "received", "updated", "title", "summary", "url", "source", "symbols",
    "language", "revision", "action",
)  # fmt: skip
ACTIONS = get_args(Action)
SYMBOL_SEPARATORS = re.compile(r"[,;|\s]+")

Row = dict[str, object]
NumberedRow = tuple[int, Row, str]  # line, fields by the file's names, the line's text


class HeadlineSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[headlines]]` stanza; `columns` maps our names to the file's.

    `delay_s` is added to `published` where no receipt is recorded; `lateness_s` is how far a
    receipt may lag before `published` is doubted; `source` stands in where no column says.
    """

    path: str
    columns: dict[str, str] = {}
    delay_s: float = 0
    precision: Literal["second", "minute"] = "second"
    source: str = ""
    lateness_s: float = DAY_S
    feed: str = ""

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.columns) - set(FIELDS)):
            raise ValueError(f"columns: there is no {unknown[0]!r}; there are {', '.join(FIELDS)}")
        if self.path.lower().endswith(FEED_SUFFIXES):
            return
        if "title" not in self.columns or not {"published", "received"} & set(self.columns):
            raise ValueError("columns: they must name `title`, and `published` or `received`")


def read_headlines(path: Path, spec: HeadlineSpec) -> tuple[list[Headline], list[Reject]]:
    """Return the headlines of one file in its order, and a Reject for each row that is unusable.

    Reasons: `undecodable`, `duplicate`, `bad_time` and those of `make_headline`. Raises InputError
    for a file that cannot be read, ColumnError for a named column that no row has.
    """
    name = path.name.lower().removesuffix(".gz")  # read as it is, whatever the name says
    suffix = Path(name).suffix
    if suffix in FEED_SUFFIXES:
        made = _feed_items(path, spec)
    elif suffix in JSONL_SUFFIXES:
        made = _made(path, spec, _jsonl_rows(path, spec))
    elif suffix == ".csv":
        made = _made(path, spec, _csv_rows(path, spec))
    else:
        known = " ".join((*JSONL_SUFFIXES, ".csv", *FEED_SUFFIXES))
        raise InputError(str(path), f"unknown kind of headline file; known are {known}")
    return _numbered_revisions(path.name, made, given="revision" in spec.columns)


def _feed_items(path: Path, spec: HeadlineSpec) -> Iterator[tuple[int, Headline | Reject]]:
    source = spec.source or path.stem
    feed = FeedInfo(
        name=spec.feed or path.name,
        source=source,
        tier=tier_of(source),
        precision_s=MINUTE_S if spec.precision == "minute" else None,
        delay_s=spec.delay_s,
        lateness_bound_s=spec.lateness_s,
    )
    parsed = read_document(contents(path), feed, None)
    yield from enumerate(parsed.headlines, start=1)
    yield from ((0, reject) for reject in parsed.rejects)


def _made(
    path: Path, spec: HeadlineSpec, rows: Iterator[NumberedRow | Reject]
) -> Iterator[tuple[int, Headline | Reject]]:
    for row in rows:
        if isinstance(row, Reject):
            yield 0, row
            continue
        line, fields, text = row
        try:
            yield line, headline_of(fields, spec)
        except RecordError as error:
            yield line, _reject(path.name, line, error.reason, error.detail, text)


def _jsonl_rows(path: Path, spec: HeadlineSpec) -> Iterator[NumberedRow | Reject]:
    """Yield the objects of a JSONL file; a named key that no object has is a ColumnError."""
    decode = msgspec.json.Decoder(Row).decode
    unseen, seen = set(spec.columns.values()), dict[str, None]()
    data = contents(path).removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(io.BytesIO(data), start=1):
        if not line.strip():
            continue
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            text = line[:RECORD_CHARS].decode("utf-8", "replace")
            yield _reject(path.name, number, "undecodable", str(error), text)
            continue
        if unseen:
            unseen -= row.keys()
            seen.update(dict.fromkeys(row))
        yield number, row, line[:RECORD_CHARS].decode("utf-8", "replace")
    if unseen and seen:
        raise ColumnError(str(path), min(unseen), list(seen))


def _csv_rows(path: Path, spec: HeadlineSpec) -> Iterator[NumberedRow | Reject]:
    text = contents(path).decode("utf-8-sig", "replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    for column in spec.columns.values():
        if column not in header:
            raise ColumnError(str(path), column, header)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # such as a field beyond 131,072 characters
            yield _reject(path.name, reader.line_num, "undecodable", str(error), "")
            continue
        line = reader.line_num
        if len(cells) == len(header):
            yield line, dict(zip(header, cells, strict=True)), ",".join(cells)
        elif cells:
            detail = f"{len(cells)} fields, the header has {len(header)}"
            yield _reject(path.name, line, "undecodable", detail, ",".join(cells))


def headline_of(row: Row, spec: HeadlineSpec) -> Headline:
    """Return the headline in one row; RecordError: `bad_time` or a reason of `make_headline`."""
    columns = spec.columns
    source = _field(row, columns, "source") or spec.source
    published_ns, exact_s = _published(row, spec)
    return make_headline(
        HeadlineParts(
            source=source,
            source_key=_field(row, columns, "id"),
            feed=spec.feed,
            title=_field(row, columns, "title"),
            summary=_field(row, columns, "summary"),
            url=_field(row, columns, "url"),
            language=_field(row, columns, "language"),
            symbols=_symbols(row.get(columns.get("symbols", ""))),
            published_ns=published_ns,
            precision_s=exact_s,
            delay_s=spec.delay_s,
            updated_ns=_time(row.get(columns["updated"])) if "updated" in columns else None,
            received_ns=_received(row, columns),
            lateness_bound_s=spec.lateness_s,
            revision=_revision(_field(row, columns, "revision")),
            action=_action(_field(row, columns, "action")),
            tier=tier_of(source),
        )
    )


def _field(row: Row, columns: dict[str, str], name: str) -> str:
    """Return a text or number of the row as text; "" where absent, null or a structure."""
    value = row.get(columns[name]) if name in columns else None
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else ""


def _published(row: Row, spec: HeadlineSpec) -> tuple[int | None, int]:
    """Return when it was published and how exact that is: the coarser of declared and written."""
    declared_s = MINUTE_S if spec.precision == "minute" else 1
    value = row.get(spec.columns["published"]) if "published" in spec.columns else None
    written_s = precision_s(value) if isinstance(value, str) else 1
    instant_ns = _time(value)
    return instant_ns, max(declared_s, written_s) if instant_ns is not None else 1


def _received(row: Row, columns: dict[str, str]) -> int | None:
    """Return when it was received; None where the row does not say.

    An unreadable stamp is a RecordError `bad_time`: without it the headline would seem to have
    been known sooner than it was.
    """
    value = row.get(columns["received"]) if "received" in columns else None
    instant_ns = _time(value)
    if instant_ns is None and value not in (None, ""):
        raise RecordError("bad_time", f"received is {value!r}")
    return instant_ns


def _time(value: object) -> int | None:
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return epoch_to_ns(value)
    return None


def _symbols(value: object) -> tuple[str, ...]:
    """Return the symbols of a list, or of a text separated by `,` `;` `|` or blanks, once each."""
    parts = value if isinstance(value, list) else SYMBOL_SEPARATORS.split(str(value or ""))
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part or "").strip()))


def _revision(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _action(text: str) -> Action:
    word = text.strip().lower()
    return cast("Action", word) if word in ACTIONS else "created"


def _numbered_revisions(
    file: str, made: Iterator[tuple[int, Headline | Reject]], *, given: bool
) -> tuple[list[Headline], list[Reject]]:
    """Drop repeats of one item and number its changes in order of appearance.

    With `given` numbers of a revision column only the repeats are dropped.
    """
    headlines: list[Headline] = []
    rejects: list[Reject] = []
    newest: dict[object, Headline] = {}
    for line, item in made:
        if isinstance(item, Reject):
            rejects.append(item)
            continue
        key = (item.headline_id, item.revision) if given else item.headline_id
        before = newest.get(key)
        if before is not None and _content(before) == _content(item):
            rejects.append(_reject(file, line, "duplicate", f"of {item.source_key}", item.title))
            continue
        kept = item if before is None or given else _next_revision(before, item)
        newest[key] = kept
        headlines.append(kept)
    return headlines, rejects


def _content(headline: Headline) -> tuple[object, ...]:
    """Return what a repeat has in common; when it was received is not part of it."""
    h = headline
    gone = h.action == "deleted"
    return h.title, h.summary, h.url, h.symbols, h.published_ns, h.updated_ns, gone


def _next_revision(before: Headline, item: Headline) -> Headline:
    action: Action = "deleted" if item.action == "deleted" else "updated"
    return msgspec.structs.replace(item, revision=before.revision + 1, action=action)


def _reject(file: str, line: int, reason: str, detail: str, record: str) -> Reject:
    where = f"{file}:{line}: {detail}"
    return Reject(
        stage="read", reason=reason, detail=where, ts_ns=None, record=record[:RECORD_CHARS]
    )
