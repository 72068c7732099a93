"""Make `news`: what a run remembers of its sources, and what it says of them an hour later."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

from tests.compatibility import kept
from tests.compatibility.newsroom import LATER, counted, first, newsroom, second

WHAT = (
    "state folder `live` of `newsquake run` that polled a feed, listened to a wire, watched a "
    "folder and had an inbox, killed with SIGKILL: news.sqlite (items, validators, cursor, files "
    "read, health); status.json: `feeds status` an hour later; after.json: what the old code then "
    "made of old and new items"
)


def make(work: Path, commit: str) -> None:
    asyncio.run(_made(work, work / "packed"))
    kept.pack("news", work / "packed")
    kept.note("news", WHAT, commit)


async def _made(work: Path, into: Path) -> None:
    async with newsroom(work / "room") as room:
        await first(room)
        shutil.copytree(room.home, into / "live")
        room.clock.set_second(LATER)
        (into / "status.json").write_text(json.dumps(room.status()))
        room.wire.asked.clear()
        room.offered.asked.clear()
        await second(room)
        after = {
            "told": room.told(),
            "counted": counted(room.status()),
            "validator": room.offered.asked[0],
            "backfill": room.wire.asked[0],
        }
        (into / "after.json").write_text(json.dumps(after))
