"""`python -m tests.bench.feeds [--json]`: what polling many feeds costs, in one process on one core.

A server in a process of its own, on another core, has realistic documents: 30 items in 40 KB. Some
servers know validators; those that do not send everything every time, under gzip. A tenth of the
feeds get an item a minute. The first interval, in which every feed is read, is told apart. All feeds
are on one host here, so its limits are off. Exit codes: 0 measured, 1 the server fell.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from email.utils import formatdate
from pathlib import Path

from aiohttp import web

from streams.http.fetch import agent_name
from streams.http.options import HttpOptions
from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.polling.poller import PolledFeed, Poller, PollerLimits
from streams.news.seen_items import SeenItems
from streams.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
ITEMS = 30
TEXT = (
    "&lt;p&gt;The company said on Thursday that its board had approved the plan &amp;amp; that it "
    "expects the deal to close in the third quarter, subject to the usual conditions.&lt;/p&gt; "
) * 7
LAG_EVERY_S = 0.05


def main() -> int:
    """Measure and print; return the exit code."""
    args = parser().parse_args()
    if args.serve:
        pin(0)
        asyncio.run(serve(args))
        return 0
    command = [sys.executable, "-m", "tests.bench.feeds", "--serve", *sys.argv[1:]]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            if not port:
                return 1
            pin(-1)
            figures = asyncio.run(measured(args, int(port)))
        finally:
            server.terminate()
    print(json.dumps(figures) if args.json else table(figures))
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.bench.feeds", description=__doc__)
    made.add_argument("--json", action="store_true", help="print one line of JSON")
    made.add_argument("--feeds", type=int, default=500)
    made.add_argument("--interval", type=float, default=60.0, help="seconds between two requests")
    made.add_argument("--seconds", type=float, default=120.0, help="measured after one interval")
    made.add_argument("--validators", type=float, default=0.5, help="share that can say 304")
    made.add_argument("--fresh", type=float, default=0.1, help="share with an item a minute")
    made.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return made


def pin(core: int) -> None:
    """Keep this process on its first or last core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


# -- the server


def document(feed: int, newest: int) -> bytes:
    """Return the feed's document when `newest` is its last item."""
    items = "".join(
        f"<item><guid>{feed}-{n}</guid><title>Company {feed} announces plan number {n}</title>"
        f"<link>https://example.org/{feed}/{n}</link><pubDate>{formatdate(1.79e9 + n * 60)}</pubDate>"
        f"<description>{TEXT}</description></item>"
        for n in range(newest, newest - ITEMS, -1)
    )
    head = f"<?xml version='1.0'?><rss version='2.0'><channel><title>Feed {feed}</title>"
    return f"{head}{items}</channel></rss>".encode()


async def serve(args: argparse.Namespace) -> None:
    """Serve all feeds on a free port, which is printed, until terminated."""
    began_s = time.monotonic()
    packed: dict[int, tuple[int, bytes]] = {}

    async def answer(request: web.Request) -> web.Response:
        feed = int(request.match_info["feed"])
        fresh = feed % 100 < args.fresh * 100
        newest = ITEMS + (int((time.monotonic() - began_s) / 60) if fresh else 0)
        etag = f'"{newest}"' if (feed * 7) % 100 < args.validators * 100 else ""
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        if packed.get(feed, (0,))[0] != newest:
            packed[feed] = newest, gzip.compress(document(feed, newest), 6)
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/xml"}
        headers |= {"ETag": etag} if etag else {}
        return web.Response(body=packed[feed][1], headers=headers)

    app = web.Application()
    app.router.add_get("/{feed}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


# -- the poller


async def measured(args: argparse.Namespace, port: int) -> dict[str, float]:
    """Poll through one interval and the measured time; return both's figures."""
    told: Counter[str] = Counter()
    lags_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder, closing(SeenItems(Path(folder, "book"))) as book:

        async def take(_info: FeedInfo, parsed: ParsedFeed) -> int:
            found = book.classify([*parsed.headlines, *parsed.rejects], time.time_ns())
            book.mark_seen(found, time.time_ns())
            told["new"] += len(found.fresh)
            return len(found.fresh)

        def notice(outcome: Outcome) -> None:
            told[outcome.kind] += 1

        poller = Poller(
            [
                PolledFeed(
                    info=FeedInfo(name=f"f{n}", source="s", url=f"http://127.0.0.1:{port}/{n}"),
                    interval_s=args.interval,
                )
                for n in range(args.feeds)
            ],
            read=read_document,
            take=take,
            notice=notice,
            states=book,
            http=HttpOptions(user_agent=agent_name()),
            limits=PollerLimits(per_host=args.feeds, gap_s=0.0),
        )
        tasks = [asyncio.create_task(poller.run()), asyncio.create_task(lag(lags_s))]
        first = await span(args.interval, told, lags_s)
        steady = await span(args.seconds, told, lags_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    figures = {f"first_{name}": value for name, value in first.items()} | steady
    return {name: round(value, 4) for name, value in {**figures, "peak_rss_mib": peak_mib}.items()}


async def lag(lags_s: list[float]) -> None:
    """Note again and again how late the event loop wakes us: so late would be a push wire."""
    while True:
        due_s = time.monotonic() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        lags_s.append(time.monotonic() - due_s)


async def span(seconds: float, told: Counter[str], lags_s: list[float]) -> dict[str, float]:
    """Return what happened in so many seconds from now."""
    told.clear()
    lags_s.clear()
    began_s, cpu_s = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    took_s = time.monotonic() - began_s
    late = sorted(lags_s)
    polls = told["read"] + told["unchanged"] + told["failed"]
    return {
        "cpu_share": (time.process_time() - cpu_s) / took_s,
        "requests_per_s": polls / took_s,
        "read": told["read"],
        "unchanged": told["unchanged"],
        "failed": told["failed"],
        "new_items": told["new"],
        "loop_lag_ms_p99": late[int(len(late) * 0.99)] * 1e3,
        "loop_lag_ms_max": late[-1] * 1e3,
    }


def table(figures: dict[str, float]) -> str:
    return "\n".join(f"{name:24}{value:>12,.3f}" for name, value in figures.items())


if __name__ == "__main__":
    sys.exit(main())
