"""What the old code remembered of its sources is known: nothing is read or told twice."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from tests.compatibility import kept
from tests.compatibility.newsroom import LATER, counted, newsroom, second

pytestmark = [pytest.mark.slow]


def test_old_items_are_known_and_sources_go_on_where_they_were(tmp_path: Path) -> None:
    asyncio.run(_go_on(tmp_path))


async def _go_on(tmp_path: Path) -> None:
    old = kept.unpack("news", tmp_path / "old")
    after = json.loads((old / "after.json").read_bytes())
    assert (after["validator"], len(after["told"])) == ('"v1"', 12)
    async with newsroom(tmp_path / "room") as room:
        shutil.copytree(old / "live", room.home)
        room.clock.set_second(LATER)
        said = (old / "status.json").read_bytes().replace(b'"well"', b'"ok"')  # the word of today
        assert room.status() == json.loads(said)
        await second(room)
        assert room.told() == after["told"]
        assert room.offered.asked[0] == after["validator"]
        assert room.wire.asked[0] == after["backfill"]
        assert counted(room.status()) == after["counted"]
