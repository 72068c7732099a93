"""`newsquake feeds check`: what would be read from a feed, without any configuration."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from rich.text import Text

from agents.config.addresses import host_of
from agents.machine.clock import now_ns
from agents.machine.terminal import plain_console
from streams.codec import Plain
from streams.events import Headline, Status
from streams.http.fetch import agent_name, fetch_once
from streams.http.options import HttpOptions
from streams.http.rules import shown_url
from streams.news.dialects.registry import read_document
from streams.news.dialects.rss import MAX_BYTES
from streams.news.feed import AUTO, FeedInfo, ParsedFeed
from streams.reference.sources import tier_of
from streams.times import utc

UNREADABLE: Final = "unreadable"
PRECISION: Final = {1: "", 60: " (to the minute)", 86_400: " (to the day)"}


class Document(NamedTuple):
    """One file or address, read."""

    path: str
    parsed: ParsedFeed
    fault: tuple[str, str] | None = None  # it could not even be had: reason, detail

    @property
    def refused(self) -> bool:
        """Tell whether nothing of it can be used."""
        empty = not self.parsed.headlines and not self.parsed.statuses
        return self.fault is not None or (empty and bool(self.parsed.rejects))

    @property
    def problems(self) -> list[Plain]:
        """Return all that was wrong with it, rejects first."""
        said = [self.fault] if self.fault else []
        said += [(each.reason, each.detail) for each in self.parsed.rejects]
        said += [("mended", text) for text in self.parsed.problems]
        return [{"reason": reason, "detail": detail} for reason, detail in said]


def run_check(
    places: Sequence[str], dialect: str, most: int, contact: str, *, as_json: bool
) -> int:
    """Show what each address, file or folder of files holds; 1: one of them had to be rejected."""
    refused = 0
    console = plain_console()
    for document in _documents(places, dialect, contact):
        refused += document.refused
        if as_json:
            sys.stdout.write(msgspec.json.encode(plain(document)).decode() + "\n")
        else:
            for line in shown(document, most):
                console.print(line)
    return 1 if refused else 0


def plain(document: Document) -> Plain:
    """Return a document as one JSON object."""
    return {
        "path": document.path,
        "dialect": document.parsed.dialect,
        "headlines": [msgspec.to_builtins(each) for each in document.parsed.headlines],
        "statuses": [msgspec.to_builtins(each) for each in document.parsed.statuses],
        "problems": document.problems,
    }


def shown(document: Document, most: int) -> Iterator[Text | str]:
    """Yield a document as a person reads it, `most` items of it."""
    parsed = document.parsed
    kind = f"{parsed.dialect} ({parsed.version})" if parsed.version else parsed.dialect
    counts = [_counted(len(parsed.headlines), "headline")]
    counts += [_counted(len(parsed.statuses), "halt or resumption")] if parsed.statuses else []
    problems = document.problems
    counts += [_counted(len(problems), "problem")] if problems else []
    style = "red" if document.refused else ""
    verdict = "nothing can be used" if document.refused else ", ".join(counts)
    yield Text.assemble((document.path, "bold"), f": {kind or 'no feed'}: ", (verdict, style))
    items: list[Headline | Status] = [*parsed.headlines, *parsed.statuses]
    for item in items[:most]:
        yield f"  {_headline(item) if isinstance(item, Headline) else _status(item)}"
    if len(items) > most:
        yield f"  ... and {len(items) - most} more"
    for problem in problems[:most]:
        yield Text.assemble("  ", (problem["reason"], "yellow"), f"  {problem['detail']}")
    if len(problems) > most:
        yield f"  ... and {len(problems) - most} more problems"


def _documents(places: Sequence[str], dialect: str, contact: str) -> Iterator[Document]:
    for place in places:
        if "://" in place:
            yield asyncio.run(fetched(place, feed_of(place, dialect), agent_name(contact)))
        elif Path(place).is_dir():
            for path in sorted(each for each in Path(place).rglob("*") if each.is_file()):
                yield _of_file(path, dialect)
        else:
            yield _of_file(Path(place), dialect)


def _of_file(path: Path, dialect: str) -> Document:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # one more: the reader then says that it is too large
    except OSError as fault:
        return Document(str(path), ParsedFeed(), (UNREADABLE, fault.strerror or str(fault)))
    return Document(str(path), read_document(data, feed_of(str(path), dialect), now_ns()))


async def fetched(url: str, feed: FeedInfo, agent: str) -> Document:
    """Return the document at an address, or why there is none."""
    got = await fetch_once(url, HttpOptions(user_agent=agent))
    if got.reason or got.body is None:
        fault = (got.reason or f"http_{got.status}", got.detail or f"status {got.status}")
        return Document(shown_url(url), ParsedFeed(), fault)
    parsed = await asyncio.to_thread(read_document, got.body, feed, got.received_ns)
    return Document(shown_url(url), parsed)


def feed_of(place: str, dialect: str = AUTO) -> FeedInfo:
    """Return what is assumed of a feed that is not configured."""
    source = host_of(place) if "://" in place else Path(place).name
    name = Path(place).name[:60] if "://" not in place else source[:60]
    return FeedInfo(name=name, source=source, tier=tier_of(source), dialect=dialect, url=place)


def _headline(headline: Headline) -> str:
    if headline.published_ns is None:
        stamp = "no date            "
    else:
        stamp = utc(headline.published_ns) + PRECISION.get(headline.precision_s, "")
    action = f"{headline.action.upper()} " if headline.action != "created" else ""
    symbols = f"[{' '.join(headline.symbols)}] " if headline.symbols else ""
    return f"{stamp}  {action}{symbols}{headline.title}"


def _status(status: Status) -> str:
    return f"{utc(status.ts_ns)}  {status.action:6}  {status.listing}  {status.reason}"


def _counted(number: int, word: str) -> str:
    words = f"{word}s" if word != "halt or resumption" else "halts and resumptions"
    return f"{number:,} {word if number == 1 else words}"
