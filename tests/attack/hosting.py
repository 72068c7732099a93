"""Hostile feeds on a thread of their own, from the server that breaks every rule."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.http.misbehaving import Answer, Server, document, serving

INTERVAL_S = 5


@contextmanager
def hosted(answers: dict[str, Answer]) -> Iterator[Server]:
    """Answer each path on 127.0.0.1 as told, until the context ends."""
    loop, up = asyncio.new_event_loop(), threading.Event()
    ended = asyncio.Event()
    servers: list[Server] = []

    async def serve() -> None:
        async with serving() as server:
            server.answers.update(answers)
            servers.append(server)
            up.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    up.wait(10)
    try:
        yield servers[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


def feeds(server: Server, **hosts: str) -> str:
    """Return a `[[feeds]]` table for each path of a server, asked for under a host name."""
    return "".join(
        f'[[feeds]]\nname = "{name}"\nurl = "{server.url(f"/{name}", host)}"\ninterval_s = {INTERVAL_S}\n'
        for name, host in hosts.items()
    )


def counted(items: int, words: str = "Alibaba opens store") -> bytes:
    """Return an RSS document of so many items, without dates: they are of now."""
    rows = "".join(f"<item><guid>{n}</guid><title>{words} {n}</title></item>" for n in range(items))
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>t</title>{rows}</channel></rss>".encode()


def rising(name: str) -> Answer:
    """Return a well-behaved feed of one item."""
    return document(counted(1, f"Good words of {name}"))
