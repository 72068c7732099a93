"""Sources of news under a still clock: a polled feed, a wire, a watched folder and the inbox.

`first` says something on each of them, `second` what is new and what is not an hour later.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp

from streams.codec import decode
from streams.events import Headline
from tests.compatibility import day, kept
from tests.compatibility.live import PATIENCE_S
from tests.compatibility.still import SECOND_NS, StillClock
from tests.news.wires.wire_servers import SECRET, Article, BenzingaServer
from tests.running import COMMAND

# What is remembered of a feed is remembered of its URL, so that this one must not change. The
# address is this machine's, as all of 127.0.0.0/8 is, and nobody else's choice.
ADDRESS = ("127.94.13.7", 8473)
BEGUN = day.second("24 12:00:00")
LATER = day.second("24 13:00:00")
SECRETS = {"WIRE_KEY": SECRET}
KNOWN = ("feed", "headline_id", "revision", "action", "title", "published_ns", "event_ns",
         "known_ns", "received_ns", "source", "tier")  # fmt: skip
Told = list[list[Any]]


class Feed:
    """One document with its validator, and the validators it was asked with."""

    def __init__(self) -> None:
        self.body, self.tag = b"", ""
        self.asked: list[str | None] = []

    def say(self, tag: str, **titles: str) -> None:
        """Offer these items, by their ids."""
        stamp = formatdate(BEGUN - 600, usegmt=True)
        items = "".join(
            f"<item><guid>{key}</guid><title>{title}</title><pubDate>{stamp}</pubDate></item>"
            for key, title in titles.items()
        )
        self.body = f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>".encode()
        self.tag = f'"{tag}"'


@contextmanager
def feed() -> Iterator[Feed]:
    offered = Feed()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            offered.asked.append(self.headers.get("If-None-Match"))
            fresh = self.headers.get("If-None-Match") != offered.tag
            self.send_response(200 if fresh else 304)
            self.send_header("ETag", offered.tag)
            self.send_header("Content-Length", str(len(offered.body) if fresh else 0))
            self.end_headers()
            if fresh:
                self.wfile.write(offered.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(ADDRESS, Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield offered
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Newsroom:
    """The sources, and the folder of the run that listens to them."""

    def __init__(self, base: Path, offered: Feed, wire: BenzingaServer) -> None:
        base.mkdir(parents=True, exist_ok=True)
        self.base, self.offered, self.wire = base, offered, wire
        self.state, self.drop = base / "state", base / "config" / "drop"
        self.home = self.state / "newsquake" / "live"
        self.clock = StillClock(base / "clock")
        host, port = ADDRESS
        self.config = day.write_live(
            base / "config",
            f'[[feeds]]\nname = "rss"\nurl = "http://{host}:{port}/rss"\ninterval_s = 5\n'
            f'[[wires]]\nkind = "benzinga"\nkey_env = "WIRE_KEY"\nurl = "{wire.stream_url}"\n'
            f'backfill_url = "{wire.rest_url}"\n'
            '[[folders]]\nname = "drop"\npath = "drop"\nsource = "Dropped"\ninterval_s = 0.1\n'
            '[inbox]\nsource = "Posted"\nport = 0\n',
        )
        self.drop.mkdir()

    def put(self, name: str, title: str) -> None:
        """Leave a document in the watched folder, dated as it is whenever it is left there."""
        path = self.drop / name
        path.write_bytes(_release(name, title))
        os.utime(path, ns=(BEGUN * SECOND_NS, BEGUN * SECOND_NS))

    def status(self) -> Any:
        """Return what `newsquake feeds status` says."""
        done = subprocess.run(
            [*COMMAND, "feeds", "status", "--config", str(self.config), "--json"],
            env=self.clock.environment(self.state, **SECRETS),
            capture_output=True,
            timeout=PATIENCE_S,
            check=True,
        )
        return json.loads(done.stdout)

    def told(self) -> Told:
        """Return what is told of every headline in the journal, sorted."""
        records = map(decode, kept.outputs(self.home))
        heard = [each for each in records if isinstance(each, Headline)]
        return sorted([getattr(each, name) for name in KNOWN] for each in heard)

    async def say(self, number: int, title: str, second: int, *, live: bool = True) -> None:
        """Publish an article on the wire; not `live`: only a back-fill brings it."""
        stamp_ns = second * SECOND_NS
        article = Article(number=number, title=title, created_ns=stamp_ns, updated_ns=stamp_ns)
        self.wire.articles[number] = article
        if live:
            await self.wire.send(self.wire.frame(article))


def _release(key: str, title: str) -> bytes:
    """Return an item as ninjs."""
    item = {"uri": f"urn:{key}", "versionCreated": "2025-09-24T11:58:00Z", "headline": title}
    return json.dumps(item).encode()


@asynccontextmanager
async def newsroom(base: Path) -> AsyncIterator[Newsroom]:
    with feed() as offered:
        async with BenzingaServer() as wire:
            yield Newsroom(base, offered, wire)


class Life:
    """One process of `newsquake run` that listens to the newsroom."""

    def __init__(self, room: Newsroom) -> None:
        self._room, self._log = room, room.base / "log"
        self._log.unlink(missing_ok=True)
        with self._log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, "run", "--config", str(room.config)],
                cwd=room.base,
                env=room.clock.environment(room.state, **SECRETS),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")

    async def until(self, true: Callable[[], object]) -> None:
        """Look again and again until it is true, and let the servers do their work meanwhile."""
        for _ in range(round(PATIENCE_S / 0.05)):
            if true():
                return
            assert self.process.poll() is None, self.said()
            await asyncio.sleep(0.05)
        raise AssertionError(f"waited in vain: {self._room.told()} {self.said()}")

    async def noted(self, fresh: int) -> None:
        """Return once the health of the sources that is kept knows so many items as new."""
        for _ in range(round(PATIENCE_S)):
            rows = await asyncio.to_thread(self._room.status)
            if sum(row["fresh"] for row in rows) >= fresh:
                return
        raise AssertionError(f"waited in vain: {self.said()}")

    async def post(self, key: str, title: str) -> None:
        """Post a document to the inbox, at the address that it has said."""
        await self.until(lambda: "inbox listens at" in self.said())
        found = re.search(r"listens at (http://\S+)", self.said())
        assert found
        async with (
            aiohttp.ClientSession() as session,
            session.post(found[1], data=_release(key, title)) as answer,
        ):
            assert answer.status == 202

    def kill(self) -> None:
        """End it; of what it had not written nothing is left."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        assert self.process.stdin
        self.process.stdin.close()


async def first(room: Newsroom) -> None:
    """Say something on every source, wait until it is noted, and kill the run."""
    room.clock.set_second(BEGUN)
    room.offered.say("v1", a="Talavera opens a plant", b="Borealis names a chair", c="Third story")
    life = Life(room)
    try:
        await life.until(lambda: room.wire.subscribers)
        room.clock.set_second(BEGUN + 120)
        await room.say(1, "Borealis says number one", BEGUN + 60)
        await room.say(2, "Talavera says number two", BEGUN + 110)
        room.put("one.json", "Borealis opens a mine")
        await life.post("posted", "Talavera hires")
        await life.until(lambda: len(room.told()) == 7)
        await life.noted(7)
    finally:
        life.kill()


async def second(room: Newsroom) -> None:
    """An hour later: the same again, and besides on each source something that is new."""
    room.clock.set_second(LATER)
    room.wire.cache.clear()  # what the socket itself would say again
    room.offered.say(
        "v2", a="Talavera opens two plants", b="Borealis names a chair", c="Third story",
        d="Talavera closes an office",
    )  # fmt: skip
    for number, title in ((1, "Borealis says number one"), (2, "Talavera says number two")):
        await room.say(number, title, BEGUN + (60, 110)[number - 1], live=False)
    await room.say(3, "Borealis says number three", BEGUN + 1_800, live=False)
    room.put("one.json", "Borealis opens a mine")
    room.put("two.json", "Borealis closes a mine")
    life = Life(room)
    try:
        await life.post("posted", "Talavera hires")
        await life.post("posted again", "Talavera hires more")
        await life.until(lambda: len(room.told()) >= 12)
        await life.noted(12)
    finally:
        life.kill()


def counted(rows: Any) -> dict[str, dict[str, int]]:
    """Return what is counted of each source, without what depends on how long a run lasted."""
    names = ("items", "fresh", "revisions", "rejects", "failures")
    found = {row["feed"]: {name: row[name] for name in names} for row in rows}
    found["drop"]["reads"] = next(row["reads"] for row in rows if row["feed"] == "drop")
    return found
