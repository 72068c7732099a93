"""`newsquake ingest` as a process: lines in, topics out, whatever ends it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.dev.kafka import Account
from streams.events import Clock, Headline, Reject, TickFrame
from streams.topics import HEADLINES, MARKET, REJECTS, partition_of, prefixed
from tests.integration.broker import Broker, make_topics, own_broker, read_topic
from tests.integration.conftest import wait_until
from tests.running import COMMAND, ROOT, environment, refusal

PARTITIONS = 3
LISTINGS = ("BABA.XNYS", "9988.XHKG", "AIG.XNYS", "NOBODY.XNYS", "SPY.XNYS")
pytestmark = [
    pytest.mark.slow,
    # kafka-python leaves the sockets of connections that were refused to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("refused_sockets"),
]


class Ingest(subprocess.Popen[bytes]):
    """The command, with a pipe to write lines into."""

    def __init__(self, bootstrap: str, prefix: str, spool: Path, *words: str) -> None:
        where = ["--broker", bootstrap, "--prefix", prefix, "--spool", str(spool)]
        super().__init__(
            [*COMMAND, "ingest", *where, *words],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment(),
        )

    def write(self, *lines: object) -> None:
        assert self.stdin
        for line in lines:
            text = line if isinstance(line, bytes) else json.dumps(line).encode()
            self.stdin.write(text + b"\n")
        self.stdin.flush()

    def ended(self, limit_s: float = 30.0) -> tuple[int, str]:
        """Close its input and return exit code and what it said."""
        _, said = self.communicate(timeout=limit_s)
        return self.returncode, said.decode()


def tick(number: int) -> dict[str, object]:
    """Make the tick of that number, whose size it is."""
    listing = LISTINGS[number % len(LISTINGS)]
    return {
        "listing": listing,
        "price": 100 + number / 100,
        "ts_ns": time.time_ns(),
        "size": number,
    }


def rows_of(bootstrap: str, prefix: str) -> dict[str, list[int]]:
    """Return the sizes of each listing's rows, as a reader that drops repeats sees them."""
    found: dict[str, list[int]] = {}
    for got in read_topic(bootstrap, prefixed(prefix, MARKET)).values():
        applied: dict[str, int] = {}
        for record in (each.record for each in got):
            if not isinstance(record, TickFrame) or ":points:" in record.run:
                continue
            last = applied.get(record.run, -1)
            for i in range(max(0, last + 1 - record.first_seq), len(record.ts_ns)):
                found.setdefault(record.listings[record.listing[i]], []).append(int(record.size[i]))
            applied[record.run] = max(last, record.first_seq + len(record.ts_ns) - 1)
    return found


def wanted(numbers: range) -> dict[str, list[int]]:
    return {
        listing: [n for n in numbers if n % len(LISTINGS) == place]
        for place, listing in enumerate(LISTINGS)
    }


@pytest.fixture
def bootstrap(kafka: Account, prefix: str) -> str:
    make_topics(kafka.bootstrap, prefix, PARTITIONS)
    return kafka.bootstrap


def test_lines_become_records_where_they_belong(
    bootstrap: str, prefix: str, tmp_path: Path
) -> None:
    ingest = Ingest(bootstrap, prefix, tmp_path)
    ingest.write(*map(tick, range(500)))
    ingest.write({"title": "Alibaba lifts its AI budget", "source": "reuters.com", "id": 1})
    ingest.write(b"nope", b"", {"something": "else"}, {"price": 3})
    ingest.write(*map(tick, range(500, 1000)))
    code, said = ingest.ended()
    assert code == 0, said
    assert "1,000 ticks, 1 headlines, 3 rejects; everything is acknowledged" in said
    assert rows_of(bootstrap, prefix) == wanted(range(1000))
    market = read_topic(bootstrap, prefixed(prefix, MARKET))
    homes = {
        name: partition
        for partition, got in market.items()
        for each in got
        if isinstance(each.record, TickFrame)
        for name in each.record.listings
    }
    keys = ("BABA", "BABA", "AIG", "NOBODY.XNYS", "SPY")
    assert homes == {
        name: partition_of(key, PARTITIONS) for name, key in zip(LISTINGS, keys, strict=True)
    }
    headlines = read_topic(bootstrap, prefixed(prefix, HEADLINES))[0]
    (news,) = [each for each in headlines if isinstance(each.record, Headline)]
    assert news.key == b"reuters.com"
    assert news.record.received_ns  # type: ignore[union-attr]
    rejects = [each.record for each in read_topic(bootstrap, prefixed(prefix, REJECTS))[0]]
    assert [(r.reason, r.detail.split(":")[1]) for r in rejects if isinstance(r, Reject)] == [
        ("undecodable", "502"), ("unknown_line", "504"), ("undecodable", "505"),
    ]  # fmt: skip


def test_a_clock_a_second_goes_to_every_partition(
    bootstrap: str, prefix: str, tmp_path: Path
) -> None:
    ingest = Ingest(bootstrap, prefix, tmp_path)

    def clocks() -> list[list[int]]:
        parts = [*read_topic(bootstrap, prefixed(prefix, MARKET)).values()]
        parts += read_topic(bootstrap, prefixed(prefix, HEADLINES)).values()
        return [[r.record.ts_ns for r in got if isinstance(r.record, Clock)] for got in parts]

    wait_until(lambda: len(clocks()[0]) > 3)
    assert ingest.ended()[0] == 0
    found = clocks()
    assert len(found) == PARTITIONS + 1
    assert all(own == found[0] for own in found)
    steps = [after - before for before, after in itertools.pairwise(found[0])]
    assert all(step > 0 and step % 10**9 == 0 for step in steps)  # a second may be slept through


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_flushes_and_ends_it(
    bootstrap: str, prefix: str, tmp_path: Path, number: int
) -> None:
    ingest = Ingest(bootstrap, prefix, tmp_path)
    ingest.write(*map(tick, range(100)))
    wait_until(lambda: sum(map(len, rows_of(bootstrap, prefix).values())) == 100)
    ingest.send_signal(number)
    code, said = ingest.ended()
    assert code == 0, said
    assert "100 ticks, 0 headlines, 0 rejects; everything is acknowledged" in said


def test_missing_topics_say_how_to_mend_it(kafka: Account, prefix: str, tmp_path: Path) -> None:
    code, said = Ingest(kafka.bootstrap, prefix, tmp_path).ended()
    assert code == 1
    mend = f"mend it: newsquake topics create --broker {kafka.bootstrap} --prefix {prefix}"
    assert mend in refusal(subprocess.CompletedProcess([], code, "", said))


def test_a_second_process_may_not_use_the_spool(
    bootstrap: str, prefix: str, tmp_path: Path
) -> None:
    first = Ingest(bootstrap, prefix, tmp_path)
    first.write(tick(0))
    wait_until(lambda: rows_of(bootstrap, prefix) != {})
    code, said = Ingest(bootstrap, prefix, tmp_path).ended()
    assert code == 1
    assert f"process {first.pid} has it open" in said
    assert first.ended()[0] == 0


def test_kill_9_loses_nothing_that_was_accepted(
    bootstrap: str, prefix: str, tmp_path: Path
) -> None:
    """Each life is killed amid its lines; the next goes on with the first line that is nowhere."""
    first = 0
    for life in range(4):
        ingest = Ingest(bootstrap, prefix, tmp_path)
        seen = written = first
        while seen < 2000 * (life + 1):
            ingest.write(*map(tick, range(written, written + 200)))
            written += 200
            seen = sum(map(len, rows_of(bootstrap, prefix).values()))
        ingest.kill()
        ingest.communicate()
        # What was accepted and not sent follows with the next start, before anything else.
        first = sum(map(len, rows_after_restart(bootstrap, prefix, tmp_path).values()))
        assert seen <= first <= written
    assert rows_of(bootstrap, prefix) == wanted(range(first))


def rows_after_restart(bootstrap: str, prefix: str, spool: Path) -> dict[str, list[int]]:
    code, said = Ingest(bootstrap, prefix, spool).ended()
    assert code == 0, said
    return rows_of(bootstrap, prefix)


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with own_broker(tmp_path_factory.mktemp("broker")) as own:
        yield own


def test_a_broker_that_is_away_costs_nothing(broker: Broker, prefix: str, tmp_path: Path) -> None:
    bootstrap = broker.account.bootstrap
    make_topics(bootstrap, prefix, PARTITIONS)
    ingest = Ingest(bootstrap, prefix, tmp_path)
    ingest.write(*map(tick, range(500)))
    wait_until(lambda: sum(map(len, rows_of(bootstrap, prefix).values())) == 500)
    broker.stop()
    for first in range(500, 20_000, 500):
        ingest.write(*map(tick, range(first, first + 500)))
    os.kill(ingest.pid, signal.SIGTERM)  # and it is stopped while the broker is away
    code, said = ingest.ended()
    assert code == 1
    assert "the spool keeps them for the next start" in said
    broker.start()
    rows_after_restart(bootstrap, prefix, tmp_path)
    found = rows_of(bootstrap, prefix)
    count = sum(map(len, found.values()))
    assert found == wanted(range(count))
    assert count > 500
