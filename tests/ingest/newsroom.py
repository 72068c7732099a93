"""Everything that a run of news listens to, real and on this machine, and a run as a process."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import socket
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Self

import aiohttp

from streams.codec import Record, decode
from streams.events import Headline
from streams.journal import Journal
from tests.http.misbehaving import Server, serving
from tests.news.wires.wire_servers import SECRET, BenzingaServer
from tests.running import COMMAND, environment

PATIENCE_S = 40.0
LOOK_S = 0.05
TOKEN = "t0ken-of-the-inbox"
INTERVAL_S = 5  # the shortest that a feed may be polled at
SECRETS = {"WIRE_KEY": SECRET, "INBOX_TOKEN": TOKEN}


async def until(true: Callable[[], object], what: Callable[[], object] = str) -> None:
    """Return once it is true; fail with what `what` says after a while."""
    for _ in range(round(PATIENCE_S / LOOK_S)):
        if true():
            return
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"waited in vain: {what()}")


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Newsroom:
    """The sources, newsquake.toml that names them, and the folder in which a run keeps its own."""

    def __init__(self, base: Path, server: Server, wire: BenzingaServer) -> None:
        self.base, self.server, self.wire = base, server, wire
        self.config, self.drop = base / "newsquake.toml", base / "drop"
        self.home = base / "state" / "newsquake" / "live"
        self.port = free_port()
        self.drop.mkdir()

    def configure(self, *feeds: str, more: str = "") -> None:
        """Write newsquake.toml: a polled feed for each path, and one source of every other kind."""
        text = more
        for name in feeds:
            url = self.server.url(f"/{name}")
            text += f'[[feeds]]\nname = "{name}"\nurl = "{url}?key={SECRET}"\ninterval_s = {INTERVAL_S}\n'
        urls = f'url = "{self.wire.stream_url}"\nbackfill_url = "{self.wire.rest_url}"\n'
        text += f'[[wires]]\nkind = "benzinga"\nkey_env = "WIRE_KEY"\n{urls}'
        text += '[[folders]]\nname = "drop"\npath = "drop"\nsource = "Dropped"\ninterval_s = 0.1\n'
        text += f'[inbox]\nsource = "Posted"\nport = {self.port}\ntoken_env = "INBOX_TOKEN"\n'
        self.config.write_text(text)

    def put(self, name: str, title: str) -> None:
        """Leave a document in the watched folder, whole at once."""
        fresh = self.base / name
        fresh.write_bytes(release(title, name))
        fresh.replace(self.drop / name)

    async def post(self, title: str, key: str, token: str = TOKEN) -> int:
        """Post a document; return the status of the answer."""
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"http://127.0.0.1:{self.port}/", data=release(title, key)) as answer,
        ):
            return answer.status

    def journal(self) -> list[Record]:
        """Return all outputs of the newest day, as a copy of its journal holds them now."""
        days = sorted(self.home.glob("????-??-??"))
        if not days:
            return []
        with tempfile.TemporaryDirectory() as copy:
            unsettled = shutil.ignore_patterns("lock", "checkpoint*")
            shutil.copytree(days[-1] / "outputs", copy, dirs_exist_ok=True, ignore=unsettled)
            with Journal.open(Path(copy), fsync="never") as journal:
                return [decode(payload) for _, payload in journal.read()]

    def headlines(self) -> list[Headline]:
        return [record for record in self.journal() if isinstance(record, Headline)]

    def told(self) -> set[tuple[str, int, str, str]]:
        """Return (feed, revision, action, title) of every headline in the journal."""
        return {(each.feed, each.revision, each.action, each.title) for each in self.headlines()}

    def noted(self) -> int:
        """Return how many items the book of what was seen knows."""
        path = self.home / "news.sqlite"
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book,
        ):
            (count,) = book.execute("SELECT count(*) FROM item").fetchone()
            return int(count)
        return 0


def release(title: str, key: str) -> bytes:
    """Return an item as ninjs, dated a minute before the others of these tests."""
    item = {"uri": f"urn:{key}", "versionCreated": "2026-11-26T09:59:00Z", "headline": title}
    return json.dumps(item).encode()


def versions(headlines: list[Headline]) -> dict[tuple[str, int], list[Headline]]:
    """Return what the journal holds of each revision of each item."""
    found: defaultdict[tuple[str, int], list[Headline]] = defaultdict(list)
    for headline in headlines:
        found[headline.headline_id, headline.revision].append(headline)
    return found


@asynccontextmanager
async def newsroom(base: Path) -> AsyncIterator[Newsroom]:
    async with serving() as server, BenzingaServer() as wire:
        yield Newsroom(base, server, wire)


class Life:
    """One process of `newsquake run`, from its start to its end."""

    process: asyncio.subprocess.Process

    def __init__(self, room: Newsroom, *words: str) -> None:
        self._room, self._words = room, words
        self._errors = room.base / "stderr"

    async def __aenter__(self) -> Self:
        state = str(self._room.base / "state")
        with self._errors.open("wb") as errors:
            self.process = await asyncio.create_subprocess_exec(
                *COMMAND, "run", "--config", str(self._room.config), *self._words,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=errors,
                env={**environment(), **SECRETS, "XDG_STATE_HOME": state}, cwd=self._room.base,
            )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def said(self) -> str:
        return self._errors.read_text("utf-8")

    async def until(self, true: Callable[[], object]) -> None:
        """Return once it is true; fail at once where the process has ended."""

        def either() -> object:
            assert self.process.returncode is None, self.said()
            return true()

        await until(either, self.said)

    async def line(self, **fields: object) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(fields).encode() + b"\n")
        await self.process.stdin.drain()

    async def killed(self) -> str:
        """SIGKILL it, and return what it had said."""
        assert self.process.returncode is None, self.said()
        self.process.kill()
        assert await self.process.wait() == -signal.SIGKILL
        return self.said()

    async def ended(self, number: int = signal.SIGTERM) -> str:
        """Send it a signal that it must end well after, and return all that it said."""
        self.process.send_signal(number)
        assert await asyncio.wait_for(self.process.wait(), PATIENCE_S) == 0, self.said()
        return self.said()


def lines_of(said: str) -> list[str]:
    """Return what a run said, a line each without its own name; there is no traceback among it."""
    assert "Traceback" not in said, said
    return [re.sub(r"^newsquake run: ", "", line) for line in said.splitlines()]
