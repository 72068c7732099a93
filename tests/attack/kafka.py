"""Records on the topics of a real broker, and workers that are killed over them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaProducer

from agents.dev import kafka as kafka_local
from agents.dev import servers
from streams.codec import Record
from streams.events import DAY_NS, SECOND_NS, Clock, Mention, Reject
from streams.messages import Header, to_message
from streams.topics import HEADLINES, MARKET, REJECTS
from tests.attack.net import FAULT, HANGS_S, STARTS
from tests.attack.registry import BrokenError, NotPlayedError, attack, hold
from tests.attack.running import CLOSES, HEAD, until
from tests.attack.shifted import POISON
from tests.integration.broker import make_topics, read_topic
from tests.running import ROOT, environment
from tests.strategies import mention

_numbers = itertools.count(1)
WORKER_S = 60.0  # a worker starts, joins its group and reads its changelog
LIVES = "the worker goes on, and the records behind them are applied"


class Topics:
    """The topics of one prefix on a broker, one partition each, and who writes to them."""

    def __init__(self, base: Path, bootstrap: str, producer: KafkaProducer) -> None:
        self.base, self.bootstrap, self._producer = base, bootstrap, producer
        self.prefix = f"a{uuid.uuid4().hex[:8]}."
        make_topics(bootstrap, self.prefix, 1)
        (base / "newsquake.toml").write_text(HEAD)
        (base / "closes.csv").write_text(CLOSES)

    def send(self, topic: str, value: bytes | None, headers: list[Header] | None = None) -> None:
        """Send a message as anybody may."""
        key = b"k" if value is None else None  # the client sends one of the two at least
        named = f"{self.prefix}{topic}"
        self._producer.send(named, value, key=key, headers=headers or [], partition=0)
        self._producer.flush(10)

    def record(self, topic: str, record: Record) -> None:
        """Send a record of ours."""
        message = to_message(record)
        self.send(topic, message.value, [*message.headers])

    def tick(self, listing: str, price: float, ts_ns: int | None = None, **more: Any) -> None:
        """Send a single tick as anybody may."""
        at_ns = time.time_ns() if ts_ns is None else ts_ns
        line = {"listing": listing, "price": price, "ts_ns": at_ns, **more}
        self.send(MARKET, json.dumps(line).encode())

    def records(self, topic: str) -> list[Record]:
        """Return all that a topic holds."""
        got = read_topic(self.bootstrap, f"{self.prefix}{topic}")
        return [each.record for rows in got.values() for each in rows]

    def rejects(self) -> list[Reject]:
        """Return all rejects."""
        return [each for each in self.records(REJECTS) if isinstance(each, Reject)]

    def applies(self, worker: subprocess.Popen[bytes], within_s: float = WORKER_S) -> None:
        """Send a tick of nobody's listing, and wait for its reject: all before it is done."""
        name = f"PROBE{next(_numbers)}.XNYS"
        self.record(MARKET, Clock(ts_ns=time.time_ns() // SECOND_NS * SECOND_NS))
        self.tick(name, 1.0)
        end_s = time.monotonic() + within_s
        while not any(name in x.record + x.detail for x in self.rejects()):
            hold(worker.poll() is None, f"the worker died: {self.said()[-200:]}")
            hold(time.monotonic() < end_s, f"nothing behind it is applied in {within_s:.0f} s")
            time.sleep(0.3)

    def said(self) -> str:
        """Return what the workers said."""
        return (self.base / "worker.err").read_bytes().decode("utf-8", "replace")

    @contextmanager
    def worker(self, kind: str, poison: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """Start a worker, and kill it at the end where it still goes."""
        launcher = ["-m", "tests.attack.shifted", "0", *(["--poison", poison] if poison else [])]
        words = ["worker", kind, "--broker", self.bootstrap, "--prefix", self.prefix]
        more = ["--instance", f"{self.prefix}{kind}", "--config", str(self.base / "newsquake.toml")]
        with (self.base / "worker.err").open("ab") as said:
            worker = subprocess.Popen(
                [sys.executable, *launcher, *words, *more], cwd=ROOT, stdout=said, stderr=said,
                env={**environment(), "XDG_STATE_HOME": str(self.base / "state")},
            )  # fmt: skip
        try:
            yield worker
        finally:
            if worker.poll() is None:
                worker.kill()
            worker.wait()


@contextmanager
def topics(base: Path) -> Iterator[Topics]:
    """Start a broker for one attack, and end it."""
    if lacking := kafka_local.lacking():
        raise NotPlayedError(lacking)
    (base / "broker").mkdir()
    with servers.running("kafka", base / "broker", lambda _: None) as server:
        account = msgspec.convert(server.account, kafka_local.Account)
        producer = KafkaProducer(bootstrap_servers=account.bootstrap, linger_ms=1)
        try:
            yield Topics(base, account.bootstrap, producer)
        finally:
            producer.close()


@attack(1, LIVES + "; a reject names each", limit_s=240)
def react_worker_and_records_of_anybody(base: Path) -> None:
    """Single ticks out of all bounds, other types, junk, lying headers, on `market`."""
    with topics(base) as market, market.worker("react") as worker:
        market.applies(worker)
        for price in (5e12, 8.9e12, 1e300, -1, 0, 1e-9):
            market.tick("JD.XNAS", price)
        for ts_ns in (2**63 - 1, -(2**63), 0):
            market.tick("JD.XNAS", 30, ts_ns)
        market.tick("JD.XNAS", 30, size=2**63 - 1)
        market.tick("JD.XNAS", 30, size=2**63 - 1)
        market.tick("SPY.XNYS", 0, flags=2)
        for junk in (b"", b"\0", b"{}", b"[" * 9999, b'{"listing": 1}', b"\xff" * 99, None):
            market.send(MARKET, junk)
            for name in (b"TickFrame", b"Mention", b"Clock", b"Headline", b"\xff", b""):
                market.send(MARKET, junk, [("type", name), ("schema", b"1")])
                market.send(MARKET, junk, [("type", name), ("schema", b"99")])
        for edge in (2**63 - 1, -(2**63)):
            market.record(MARKET, mention(f"m{edge}", "BABA", edge))
        market.applies(worker)
        market.applies(worker)
        reasons = {x.reason for x in market.rejects()}
    hold("bad_price" in reasons, f"no reject names the price: {sorted(reasons)}")


@attack(3, "the worker goes on, and the headlines behind them are scored", limit_s=200)
def score_worker_and_records_of_anybody(base: Path) -> None:
    """Junk, other types, and headlines with numbers at the edges, on `headlines`."""
    with topics(base) as news, news.worker("score") as worker:
        for junk in (b"", b"\0", b"{}", b"[" * 9999, b'{"title": 1}', b"\xff" * 99, None):
            news.send(HEADLINES, junk)
            for name in (b"Headline", b"Clock", b"TickFrame", b"\xff"):
                news.send(HEADLINES, junk, [("type", name), ("schema", b"1")])
        for edge in (2**63 - 1, -(2**63)):
            fields = {"headline_id": "x", "source": "s", "source_key": "k", "title": "Alibaba \x1b[31m " * 9999}  # fmt: skip
            times = {"published_ns": edge, "event_ns": edge, "known_ns": edge, "revision": edge}
            news.send(HEADLINES, json.dumps({**fields, **times}).encode())
        now_ns = time.time_ns()
        good = {"headline_id": "good", "source": "s", "source_key": "g", "title": "Alibaba lifts its outlook"}  # fmt: skip
        news.send(HEADLINES, json.dumps({**good, "published_ns": now_ns, "event_ns": now_ns, "known_ns": now_ns}).encode())  # fmt: skip

        def scored() -> bool:
            hold(worker.poll() is None, f"the worker died: {news.said()[-200:]}")
            return any(isinstance(x, Mention) and x.headline_id == "good" for x in news.records(MARKET))  # fmt: skip

        until(scored, WORKER_S, "the headline behind them is not scored")


@attack(6, "rows of now are not late, over a restart either; the Clock is a reject", limit_s=200)
def clock_of_next_year_on_market(base: Path) -> None:
    """One record Clock a year ahead of the broker's own stamp."""
    with topics(base) as market:
        with market.worker("react") as worker:
            market.applies(worker)
            market.record(MARKET, Clock(ts_ns=time.time_ns() + 365 * DAY_NS))
            market.tick("BABA.XNYS", 100)
            market.applies(worker)
        with market.worker("react") as again:
            market.tick("BABA.XNYS", 100)
            market.applies(again)
        reasons = {x.reason for x in market.rejects()}
        late = [x for x in market.rejects() if x.reason == "late"]
    hold(not late, f"{len(late)} rows of now are late")
    hold(reasons - {"unknown_listing"}, "no reject names the Clock")


def _poisoned(base: Path, way: str) -> None:
    with topics(base) as market:
        with market.worker("react", way) as worker:
            market.applies(worker)
            market.tick("JD.XNAS", POISON / 1_000_000)
            _falls(worker)
        # a worker that has found what its predecessors died at ends, too: its successor goes on
        for _ in range(STARTS if way != "die" else 3 * STARTS):
            with market.worker("react", way) as again:
                try:
                    market.applies(again, 4 * HANGS_S)
                except BrokenError:
                    continue
                break
        else:
            raise BrokenError(f"{STARTS} starts later it still {way}s at the record")
        faults = [x for x in market.rejects() if x.reason == FAULT]
    hold(len({(x.reason, x.record) for x in faults}) == 1, f"{len(faults)} rejects {FAULT}")


def _falls(worker: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + HANGS_S
    while worker.poll() is None and time.monotonic() < end_s:
        time.sleep(0.1)


@attack(3, f"within three more starts it is a reject {FAULT}, and all else goes on", limit_s=400)
def react_worker_raises(base: Path) -> None:
    """A react worker whose engine raises at a row, started again and again."""
    _poisoned(base, "raise")


@attack(3, f"within three more starts it is a reject {FAULT}, and all else goes on", limit_s=500)
def react_worker_hangs(base: Path) -> None:
    """A react worker whose engine hangs at a row, killed each time."""
    _poisoned(base, "hang")


@attack(3, f"within nine more starts it is a reject {FAULT}, and all else goes on", limit_s=600)
def react_worker_dies(base: Path) -> None:
    """A react worker that a row kills, as a fault within C or a want of memory would."""
    _poisoned(base, "die")
