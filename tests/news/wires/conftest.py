"""What the tests of news may ask for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.news.wires.push_desk import (
    Desk,
)
from tests.news.wires.wire_servers import (
    SECRET,
)


@pytest.fixture
def run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Callable[..., Desk]:
    """Return what runs a scenario on a new desk; no secret may show anywhere afterwards."""

    def run_it(scenario: Callable[[Desk], Coroutine[Any, Any, None]]) -> Desk:
        desk = Desk(tmp_path)
        with caplog.at_level(logging.DEBUG, "streams"), caplog.at_level(logging.DEBUG, "aiohttp"):
            try:
                asyncio.run(scenario(desk))
            finally:
                desk.book.close()
        told = f"{desk.outcomes} {desk.rejects} {desk.news} {caplog.text}"
        assert SECRET not in told
        return desk

    return run_it
