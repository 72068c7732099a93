"""`newsquake feeds test`: each configured source is asked once, and says whether it works."""

from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from rich.text import Text

from agents.config.news import FeedSpec, FolderSpec, InboxFile, WireSpec
from agents.config.newsquake import NewsquakeFile, load_config
from agents.feeds.check import Document, fetched
from agents.feeds.spans import span
from agents.ingest.news_plan import NewsPlan
from agents.machine.clock import now_ns
from agents.machine.terminal import plain_console
from streams.errors import ConfigError, UsageError
from streams.events import SECOND_NS
from streams.http.fetch import agent_name
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.inbox.files import files_in
from streams.outcome import Outcome

AT_ONCE: Final = 8
WIRE_LIMIT_S: Final = 20.0  # for a wire to connect, log in and subscribe


class ProbeResult(NamedTuple):
    """What one source came to when it was tried: whether it works, and in words."""

    name: str
    ok: bool
    detail: str


def run_test(names: Sequence[str], config: Path | None, *, as_json: bool) -> int:
    """Try the sources of that name, all where none is named; 1: one of them does not work."""
    settings = load_config(config)
    known = settings.news_names()
    for name in names:
        if name not in known:
            raise UsageError(f'no source of news is called "{name}"; there are: {", ".join(known)}')
    if not known:
        raise UsageError("newsquake.toml names no news; add some: newsquake feeds add URL")
    console = plain_console()

    def show(result: ProbeResult) -> None:
        if as_json:
            # The key is older than the word: scripts read it.
            row = {"name": result.name, "well": result.ok, "detail": result.detail}
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        else:
            state = ("ok   ", "green") if result.ok else ("wrong", "red")
            console.print(Text.assemble(state, f"  {result.name}: {result.detail}"))

    results = asyncio.run(tried(settings, config, set(names or known), show))
    return 0 if all(result.ok for result in results) else 1


def _tests(
    settings: NewsquakeFile, config: Path | None, names: set[str]
) -> list[Awaitable[ProbeResult]]:
    agent, base = agent_name(settings.news.contact), config.parent if config else Path()
    tests: list[Awaitable[ProbeResult]] = []
    tests += [_feed(feed, agent) for feed in settings.feeds if feed.name in names]
    tests += [_folder(each, base) for each in settings.folders if each.name in names]
    tests += [_wire(w, settings, config) for w in settings.wires if w.label in names]
    inbox = settings.inbox
    tests += [_inbox(inbox, settings, config)] if inbox and inbox.name in names else []
    return tests


async def tried(
    settings: NewsquakeFile,
    config: Path | None,
    names: set[str],
    show: Callable[[ProbeResult], None] = lambda _: None,
) -> list[ProbeResult]:
    """Try the sources of these names, some at once; `show` gets each result as it comes."""
    room = asyncio.Semaphore(AT_ONCE)

    async def held(test: Awaitable[ProbeResult]) -> ProbeResult:
        async with room:
            return await test

    results = []
    for done in asyncio.as_completed([held(test) for test in _tests(settings, config, names)]):
        results.append(await done)
        show(results[-1])
    return results


async def _feed(spec: FeedSpec, agent: str) -> ProbeResult:
    document = await fetched(spec.url, spec.feed, spec.user_agent or agent)
    if document.refused:
        first = document.problems[0]
        return ProbeResult(spec.name, ok=False, detail=f"{first['reason']}: {first['detail']}")
    return ProbeResult(spec.name, ok=True, detail=_told(document))


def _told(document: Document) -> str:
    parsed = document.parsed
    number, problems = len(parsed.headlines) + len(parsed.statuses), len(document.problems)
    stamps = [each.published_ns for each in parsed.headlines if each.published_ns is not None]
    stamps += [each.ts_ns for each in parsed.statuses]
    age = f", the newest {span(max((now_ns() - max(stamps)) / SECOND_NS, 0))} old" if stamps else ""
    wrong = f", {problems} problems (newsquake feeds check {document.path})" if problems else ""
    return f"{parsed.dialect}, {number} items{age}{wrong}"


async def _folder(spec: FolderSpec, base: Path) -> ProbeResult:
    path = base / spec.path
    try:
        number = len(files_in(path, spec.pattern))
    except OSError as fault:
        return ProbeResult(spec.name, ok=False, detail=f"{path}: {fault.strerror}")
    return ProbeResult(spec.name, ok=True, detail=f"{path}: {number} files match {spec.pattern}")


async def _inbox(spec: InboxFile, settings: NewsquakeFile, config: Path | None) -> ProbeResult:
    """Look whether a run could listen there."""
    where = f"http://{spec.host}:{spec.port}/"
    try:
        NewsPlan(msgspec.structs.replace(settings, wires=()), config)
        server = await asyncio.start_server(_closed, spec.host, spec.port)
    except ConfigError as fault:
        return ProbeResult(spec.name, ok=False, detail=str(fault))
    except OSError as fault:
        taken = fault.errno == errno.EADDRINUSE
        detail = "a program, perhaps a run, listens there" if taken else str(fault)
        return ProbeResult(spec.name, ok=taken, detail=f"{where}: {detail}")
    server.close()
    await server.wait_closed()
    return ProbeResult(spec.name, ok=True, detail=f"{where} is free for a run to listen on")


async def _closed(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _wire(spec: WireSpec, settings: NewsquakeFile, config: Path | None) -> ProbeResult:
    """Connect, log in, subscribe."""
    try:
        alone = msgspec.structs.replace(settings, feeds=(), folders=(), inbox=None, wires=(spec,))
        plan = NewsPlan(alone, config)
    except ConfigError as fault:
        return ProbeResult(spec.label, ok=False, detail=str(fault))
    said: asyncio.Future[ProbeResult] = asyncio.get_running_loop().create_future()

    def notice(outcome: Outcome) -> None:
        if not said.done() and outcome.kind in {"connected", "failed"}:
            ok = outcome.kind == "connected"
            detail = "connected and subscribed" if ok else f"{outcome.reason}: {outcome.detail}"
            said.set_result(ProbeResult(spec.label, ok=ok, detail=detail))

    (run,) = plan.runs(_dropped, notice, _Nothing())
    task = asyncio.create_task(run)
    try:
        return await asyncio.wait_for(said, WIRE_LIMIT_S)
    except TimeoutError:
        detail = f"no answer in {WIRE_LIMIT_S:.0f} s"
        return ProbeResult(spec.label, ok=False, detail=detail)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _dropped(_feed: FeedInfo, _parsed: ParsedFeed) -> int:
    """Take news that nobody wants: the run itself will read it again."""
    return 0


class _Nothing:
    """States of a source that is only tried."""

    def load(self, _feed: str) -> bytes | None:
        return None

    def save(self, _feed: str, _state: bytes) -> None:
        return
