"""Documents are read in processes that can be ended, and alike."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.news.dialects.readers import ReaderPool
from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo, ParsedFeed

FEED = FeedInfo(name="f", source="s")
FEEDS = Path(__file__).resolve().parents[2] / "feeds"
# Takes feedparser far more than the limit here, and is of a shape that may be.
SLOW = b"<rss version='2.0'><channel>" + b"<item><title>x</title></item>" * 40_000


@pytest.fixture
def pool() -> Iterator[ReaderPool]:
    pool = ReaderPool(cpu_s=1.0)
    yield pool
    pool.close()


def test_a_process_reads_as_this_one_does(pool: ReaderPool) -> None:
    for path in sorted(FEEDS.glob("*/*.xml"))[:12]:
        data = path.read_bytes()
        assert pool.read(data, FEED, 10**18) == read_document(data, FEED, 10**18)


def test_a_document_that_takes_too_long_is_a_reject_and_delays_no_other(pool: ReaderPool) -> None:
    good = next(iter(sorted((FEEDS / "rss").glob("rdf*.xml")))).read_bytes()
    pool.read(good, FEED, 10**18)
    slow: list[ParsedFeed] = []
    thread = threading.Thread(target=lambda: slow.append(pool.read(SLOW, FEED, 10**18)))
    thread.start()
    assert pool.read(good, FEED, 10**18).headlines
    thread.join()
    assert [each.reason for each in slow[0].rejects] == ["too_slow"]
    assert pool.read(good, FEED, 10**18).headlines, "its process is not replaced"


def test_a_reader_that_is_killed_costs_one_document(pool: ReaderPool) -> None:
    pool.warm()
    good = next(iter(sorted((FEEDS / "rss").glob("rdf*.xml")))).read_bytes()
    assert pool.read(good, FEED, 10**18).headlines
    for reader in [*pool._all]:
        os.kill(reader._process.pid, signal.SIGKILL)
        reader._process.wait()
    assert pool.read(good, FEED, 10**18).headlines


def test_without_processes_it_is_read_here_and_said_once() -> None:
    said: list[str] = []
    for command in (("/nowhere/python", "-c"), ("/bin/false",)):
        pool = ReaderPool(command=command, say=said.append)
        pool.warm()
        good = next(iter(sorted((FEEDS / "rss").glob("rdf*.xml")))).read_bytes()
        assert pool.read(good, FEED, 10**18) == pool.read(good, FEED, 10**18)
        assert pool.read(good, FEED, 10**18).headlines
        pool.close()
    assert len(said) == 2


def test_readers_end_with_the_pool(pool: ReaderPool) -> None:
    pool.warm()
    processes = [reader._process for reader in pool._all]
    assert len(processes) == 2
    began_s = time.monotonic()
    pool.close()
    assert all(process.poll() is not None for process in processes)
    assert time.monotonic() - began_s < 10
