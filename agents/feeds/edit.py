"""`newsquake feeds add` and `list`: the sources of news in newsquake.toml."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from agents.config.addresses import host_of, url_fault
from agents.config.newsquake import NewsquakeFile, load_config
from agents.config.toml import load_toml
from agents.feeds.check import feed_of, fetched, shown
from agents.machine.tables import print_wide, wide_table
from agents.machine.terminal import plain_console, print_json
from streams.errors import ConfigError, InputError, UsageError
from streams.files import put_in_place
from streams.http.fetch import agent_name
from streams.http.rules import is_key, shown_url
from streams.news.feed import AUTO, FeedInfo

DEFAULT: Final = Path("newsquake.toml")
SHOWN: Final = 5


def run_add(url: str, spec: dict[str, Any], config: Path | None, *, asked: bool) -> int:
    """Append a feed to newsquake.toml, asked for once before; 1: it cannot be read, nothing changes."""
    if fault := url_fault(url, ("http", "https")):
        raise UsageError(fault)
    path = config or DEFAULT
    settings = load_config(path) if path.exists() else NewsquakeFile()
    for feed in settings.feeds:
        if feed.url == url:
            raise UsageError(f'{path}: the feed "{feed.name}" has this address already')
    given = {key: value for key, value in spec.items() if value is not None}
    stanza = {"name": _free_name(url, settings.news_names()), "url": url, **given}
    text = _stanza(stanza)
    _appended(path, text, check_only=True)
    if asked and not _readable(url, stanza, settings.news.contact):
        sys.stderr.write(f"newsquake feeds add: {path} is unchanged; --untried adds it anyway\n")
        return 1
    _appended(path, text, check_only=False)
    shown = _stanza({**stanza, "url": shown_url(url)})
    sys.stdout.write(f"{path}: added\n{shown}")
    return 0


def run_list(config: Path | None, *, as_json: bool) -> int:
    """Print the sources of news that newsquake.toml names."""
    rows = listed(load_config(existing(config)))
    if not rows and not as_json:
        sys.stdout.write(f"{config or DEFAULT} names no news; add some: newsquake feeds add URL\n")
        return 0
    if as_json:
        print_json(rows)
        return 0
    table = wide_table("name", "kind", "every", "dialect", "source", "tier", "where")
    for row in rows:
        every = f"{row['interval_s']:g} s" if row["interval_s"] else ""
        words = ("name", "kind", "dialect", "source", "tier", "where")
        name, kind, *others = (str(row[word]) for word in words)
        table.add_row(name, kind, every, *others)
    print_wide(table)
    return 0


def listed(settings: NewsquakeFile) -> list[dict[str, Any]]:
    """Return the sources of news, a row each."""
    rows = [
        _row(feed.feed, "feed", shown_url(feed.url), feed.interval_s) for feed in settings.feeds
    ]
    rows += [_row(x.info(x.source), "folder", x.path, x.interval_s) for x in settings.folders]
    if settings.inbox:
        where = f"http://{settings.inbox.host}:{settings.inbox.port}/"
        rows.append(_row(settings.inbox.info(settings.inbox.source), "inbox", where, None))
    for wire in settings.wires:
        where = shown_url(wire.url) if wire.url else "the vendor's own"
        blank = {"dialect": "", "source": wire.kind, "tier": "", "interval_s": None}
        rows.append({"name": wire.label, "kind": "wire", **blank, "where": where})
    return rows


def _row(info: FeedInfo, kind: str, where: str, interval_s: float | None) -> dict[str, Any]:
    words = {"dialect": info.dialect, "source": info.source, "tier": info.tier}
    return {"name": info.name, "kind": kind, **words, "interval_s": interval_s, "where": where}


def existing(config: Path | None) -> Path | None:
    """Return the configuration: the one that is named, else newsquake.toml where it is here."""
    return config or (DEFAULT if DEFAULT.exists() else None)


def _readable(url: str, stanza: dict[str, Any], contact: str) -> bool:
    """Ask for the feed, show what came, and tell whether it is one."""
    feed = msgspec.structs.replace(
        feed_of(url, stanza.get("dialect", AUTO)), symbols=tuple(stanza.get("symbols", ()))
    )
    document = asyncio.run(fetched(url, feed, agent_name(contact)))
    console = plain_console()
    for line in shown(document, SHOWN):
        console.print(line)
    empty = {problem["reason"] for problem in document.problems} == {"empty_feed"}
    return empty or not document.refused


def _free_name(url: str, taken: list[str]) -> str:
    """Return a name made of the address that no other source has."""
    host, path = host_of(url), "/".join(p for p in urlsplit(url).path.split("/") if not is_key(p))
    known = host if host.rpartition(".")[2].isdigit() else host.rpartition(".")[0] or host
    words = re.findall(r"[A-Za-z0-9]+", f"{known} {path}")
    kept = [word for word in words if word.lower() not in {"rss", "xml", "feed"}]
    base = "-".join(kept)[:50] or "feed"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _stanza(stanza: dict[str, Any]) -> str:
    """Return a `[[feeds]]` table; JSON's strings and arrays of strings are TOML, too."""
    lines = [
        f"{key} = {value if isinstance(value, float) else msgspec.json.encode(value).decode()}"
        for key, value in stanza.items()
    ]
    return "\n".join(["[[feeds]]", *lines, ""])


def _appended(path: Path, text: str, *, check_only: bool) -> None:
    """Add text to a configuration, which must be one afterwards. ConfigError: it would not.

    All that stands there stays as it is, to the byte.
    """
    place = path.resolve()  # a link to a file elsewhere stays one
    fresh = place.with_name(f".{place.name}.new")
    try:
        before = place.read_bytes() if place.exists() else b""
        gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
        fresh.write_bytes(before + gap + text.encode())
        try:
            if before:
                shutil.copymode(place, fresh)
            load_toml(fresh, NewsquakeFile)
            if not check_only:
                put_in_place(fresh, place, durable=True)
        finally:
            fresh.unlink(missing_ok=True)
    except ConfigError as fault:
        said = re.sub(r"^(:\d+)?: ", "", str(fault).removeprefix(str(fresh)))
        raise UsageError(f"{path} would be wrong with it: {said}") from fault
    except OSError as fault:
        raise InputError(str(path), f"cannot be written: {fault.strerror}") from fault
