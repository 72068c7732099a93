"""`newsquake ingest` with polled feeds: headlines, halts and rejects where they belong in Kafka."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.events import Headline, Reject, Status
from streams.topics import HEADLINES, MARKET, REJECTS, partition_of, prefixed
from tests.http import misbehaving as bad
from tests.ingest.newsroom import until
from tests.integration.broker import Broker, Got, make_topics, own_broker, read_topic
from tests.integration.conftest import wait_until
from tests.news.polling.polling import in_loop
from tests.running import COMMAND, environment

PARTITIONS = 3
PATIENCE_S = 30
pytestmark = [
    pytest.mark.slow,
    # kafka-python leaves the sockets of connections that were refused to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("refused_sockets"),
]

CONFIG = """
[[feeds]]
name = "wire"
url = "{wire}"
source = "Example Wire"
interval_s = 5
[[feeds]]
name = "halts"
url = "{halts}"
interval_s = 5
[[folders]]
name = "drop"
path = "drop"
source = "Dropped"
interval_s = 0.1
"""
BAD_ITEM = b"<item><guid>bad</guid><description>nothing to be called by</description></item>"


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with own_broker(tmp_path_factory.mktemp("broker")) as own:
        yield own


def document(*keys: str) -> bytes:
    """Return a feed of good items and a bad one."""
    return bad.rss(*keys).replace(b"</channel>", BAD_ITEM + b"</channel>")


def halts(*symbols: str) -> bytes:
    """Return Nasdaq Trader's list of halts with one of each symbol, begun yesterday."""
    day = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    rows = "".join(
        f"<item><title>{symbol}</title><ndaq:IssueSymbol>{symbol}</ndaq:IssueSymbol>"
        f"<ndaq:Market>NYSE</ndaq:Market><ndaq:ReasonCode>T1</ndaq:ReasonCode>"
        f"<ndaq:HaltDate>{day:%m/%d/%Y}</ndaq:HaltDate><ndaq:HaltTime>10:00:00</ndaq:HaltTime>"
        f"</item>"
        for symbol in symbols
    )
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:ndaq="http://www.nasdaqtrader.com/">'
        f"<channel><title>NASDAQTrader.com</title><description>NASDAQ Trade Halts</description>"
        f"{rows}</channel></rss>"
    ).encode()


class Topics:
    """What the topics of one run hold now."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap, self._prefix = bootstrap, prefix

    def read(self, topic: str) -> dict[int, list[Got]]:
        return read_topic(self._bootstrap, prefixed(self._prefix, topic))

    def headlines(self) -> list[Got]:
        return [got for got in self.read(HEADLINES)[0] if isinstance(got.record, Headline)]

    def titles(self) -> list[str]:
        return [got.record.title for got in self.headlines() if isinstance(got.record, Headline)]

    def statuses(self) -> list[tuple[int, str, str, str]]:
        return [
            (partition, record.listing, record.action, record.reason)
            for partition, got in self.read(MARKET).items()
            for record in (each.record for each in got)
            if isinstance(record, Status)
        ]

    def rejects(self) -> list[tuple[bytes | None, str]]:
        got = self.read(REJECTS)[0]
        return [(each.key, each.record.reason) for each in got if isinstance(each.record, Reject)]


@in_loop
async def test_news_goes_to_kafka_and_waits_for_it(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    bootstrap, topics = broker.account.bootstrap, Topics(broker.account.bootstrap, prefix)
    await asyncio.to_thread(make_topics, bootstrap, prefix, PARTITIONS)
    drop = tmp_path / "drop"
    drop.mkdir()
    async with bad.serving() as server:
        server.answers["/wire"] = bad.conditional(document("a", "b"), '"1"')
        server.answers["/halts"] = bad.conditional(halts("BABA", "NOBODY"), '"1"')
        text = CONFIG.format(wire=server.url("/wire"), halts=server.url("/halts"))
        (tmp_path / "newsquake.toml").write_text(text)
        ingest = started(bootstrap, prefix, tmp_path)
        try:
            await until(lambda: len(server.asked) >= 2)
            await eventually(lambda: len(topics.titles()) == 2 and topics.statuses() != [])
            # While the broker is away a feed has news, and files come.
            await asyncio.to_thread(broker.stop)
            server.answers["/wire"] = bad.conditional(document("a", "b", "c"), '"2"')
            asked = server.paths().count("/wire")
            for number in range(20):
                fresh = tmp_path / f"{number}.xml"
                fresh.write_bytes(bad.rss(f"file-{number}"))
                fresh.replace(drop / fresh.name)
            await until(lambda: server.paths().count("/wire") > asked)
            await asyncio.to_thread(broker.start)
            wanted = {f"Story {key} told" for key in "abc"}
            wanted |= {f"Story file-{number} told" for number in range(20)}
            await eventually(lambda: set(topics.titles()) >= wanted)
            ingest.send_signal(signal.SIGTERM)
            _, said = await asyncio.to_thread(ingest.communicate, timeout=PATIENCE_S)
        finally:
            ingest.kill()
            ingest.wait()
    assert ingest.returncode == 0, said
    assert "0 ticks, 23 headlines, 1 halts and resumptions, 1 rejects" in said
    assert sorted(await asyncio.to_thread(topics.titles)) == sorted(wanted)
    await where_they_belong(topics)


async def where_they_belong(topics: Topics) -> None:
    """Headlines are keyed by source, a halt is with its issuer, a reject under its feed."""
    headlines = await asyncio.to_thread(topics.headlines)
    assert {got.key for got in headlines} == {b"Example Wire", b"Dropped"}
    for got in headlines:
        assert isinstance(got.record, Headline)
        assert got.key == got.record.source.encode()
        assert got.record.received_ns is not None
    home = partition_of("BABA", PARTITIONS)
    assert await asyncio.to_thread(topics.statuses) == [(home, "BABA.XNYS", "halt", "T1")]
    assert await asyncio.to_thread(topics.rejects) == [(b"wire", "no_title")]


def started(bootstrap: str, prefix: str, folder: Path) -> subprocess.Popen[str]:
    where = ["--broker", bootstrap, "--prefix", prefix, "--spool", str(folder / "spool")]
    return subprocess.Popen(
        [*COMMAND, "ingest", *where, "--config", "newsquake.toml"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment(),
        text=True,
    )


async def eventually(true: Callable[[], bool]) -> None:
    """Wait until what the broker holds makes it true; the servers go on meanwhile."""
    await asyncio.to_thread(wait_until, true)
