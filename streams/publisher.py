"""The one way into Kafka: in order, bounded, and with a spool durable (DESIGN 4.7).

A record goes this way; `close` may come at any time, and leaves what waits in the spool:

               send           Publisher._drain      OrderedProducer.send          the broker
    (caller) ---------> spool ------------> waiting ------------> in flight ----> acknowledged
                                            ^     |                  |
                     no metadata yet: RETRY_S     | PROOFS answers   | refused: too large, no
                                            +-----+ that it has no   | right to write, ...
                                                  | such topic       v
                                                  +----------------> refused: PublishError, the
                                                                     producer ends, nothing overtakes

Without a spool `send` itself goes as far as "in flight" and waits while too much is there. A broker
that is away leaves records in flight: the producer repeats them for ever. Threads: `send` on the
caller's, `_drain` on one of ours, acknowledgements and refusals on kafka-python's.

Order holds because kafka-python, idempotent, has one batch of a partition under way at a time and
repeats it for ever while a broker is away, and because the first record that a broker refuses for
good ends the producer before anything behind it can overtake it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from streams.broker_proof import ANSWER_MS as METADATA_MS
from streams.broker_proof import PROOFS, BrokerProof
from streams.codec import Record
from streams.errors import NewsquakeError, PublishError
from streams.inflight import InFlight
from streams.logs import logger
from streams.messages import TYPE, Header, to_message
from streams.spool import Spool

log = logger(__name__)

MOST_IN_FLIGHT: Final = 10_000  # records; a second of a busy market, in frames
MOST_BYTES: Final = 32 * 2**20
# A broker takes batches of 1,048,588 bytes unless told otherwise; the rest is for headers.
MOST_RECORD_BYTES: Final = 1_000_000
FIND_BROKER_MS: Final = 10_000
ANSWER_MS: Final = 10_000
CLOSE_LIMIT_S: Final = 30.0
MARK_S: Final = 0.5  # between notes of what is acknowledged: what a crash repeats at most
RETRY_S: Final = 0.1
SETTINGS: Final[Mapping[str, Any]] = {
    "acks": "all",
    "enable_idempotence": True,
    "max_in_flight_requests_per_connection": 5,
    "allow_auto_create_topics": False,
    "compression_type": "lz4",
    "linger_ms": 5,
    "batch_size": 256 * 2**10,  # some frames of 1000 rows; one batch of a partition is under way
    "max_request_size": 2**20,
    "max_block_ms": METADATA_MS,
    "request_timeout_ms": ANSWER_MS,
    "delivery_timeout_ms": 10 * 365 * 86_400_000,  # for ever: giving up would lose or reorder
    "bootstrap_timeout_ms": FIND_BROKER_MS,
    "reconnect_backoff_max_ms": 1_000,
    "metrics_enabled": False,
}


class Outgoing(msgspec.Struct, frozen=True, array_like=True):
    """A record on its way, as the spool keeps it."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: tuple[Header, ...]

    def described(self) -> str:
        """Return what an error says of it."""
        kind = dict(self.headers)[TYPE].decode()
        key = "no key" if self.key is None else f"key {self.key.decode('utf-8', 'replace')!r}"
        return f"{kind} of {len(self.value):,} bytes with {key} for partition {self.partition}"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Outgoing).decode


def nothing() -> None:
    """Do nothing."""


class Sending(Protocol):
    """`Publisher.send`, for those who only send."""

    def __call__(self, topic: str, partition: int, record: Record, key: str | None = None) -> None:
        """Accept a record for a partition of a topic."""


class OrderedProducer:
    """A Kafka producer that stops at the first refusal, so that no later record overtakes the lost one.

    PublishError: no broker answers.
    """

    def __init__(self, options: Mapping[str, Any], inflight: InFlight, kept: str) -> None:
        """`kept` is what an error adds where the record stays in a spool."""
        self._inflight, self._kept = inflight, kept
        self._proof = BrokerProof(options)
        self.closing = threading.Event()
        try:
            self._producer = KafkaProducer(**SETTINGS, **options)
        except KafkaError as fault:
            raise PublishError(f"no Kafka broker answers at {self.address}: {fault}") from fault

    @property
    def address(self) -> str:
        """The brokers, as they were given."""
        return self._proof.address

    def send(self, number: int, outgoing: Outgoing) -> None:
        """Put a record in flight, waiting for as long as its topic cannot be asked for."""
        proofs = 0
        while not self.closing.is_set():
            try:
                future = self._producer.send(
                    outgoing.topic,
                    outgoing.value,
                    outgoing.key,
                    list(outgoing.headers),
                    outgoing.partition,
                )
            except (KafkaTimeoutError, ValueError) as fault:  # its metadata is not there, or stale
                why = self._proof.of_refusal(outgoing.topic, outgoing.partition)
                proofs = proofs + 1 if why else 0
                if proofs == PROOFS:
                    return self._refuse(outgoing, why, fault)
                log.debug("record waits for its topic", topic=outgoing.topic, why=why or str(fault))
                self.closing.wait(RETRY_S)
            except KafkaError as fault:
                return self._refuse(outgoing, str(fault), fault)
            else:
                future.add_callback(lambda _: self._inflight.leave(number))
                future.add_errback(lambda fault: self._refuse(outgoing, str(fault), fault))
                return None
        return None

    def fail(self, error: PublishError, fault: Exception) -> None:
        """Stop, and raise the error in every caller that sends or waits."""
        if not self.closing.is_set():
            error.__cause__ = fault
            self._inflight.fail(error)
        self._end()

    def close(self) -> None:
        """End now, whether the broker answers or not."""
        self._end()
        self._producer._sender.join()  # noqa: SLF001 - its own close() waits for the broker
        self._producer.close(timeout=1)

    def _refuse(self, outgoing: Outgoing, why: str, fault: Exception) -> None:
        record = outgoing.described()
        log.debug("record refused", topic=outgoing.topic, record=record, why=why)
        message = f"the broker refuses it: {why}{self._kept}"
        self.fail(PublishError(message, outgoing.topic, record), fault)

    def _end(self) -> None:
        # On its own thread this acts before another batch is sent; its public close() would not.
        self._producer._sender.force_close()  # noqa: SLF001 - kafka-python is pinned below 3.1


class Publisher:
    """Send records to Kafka, each partition's in the order given; none is lost without an error.

    Without `spool`, `send` waits while more than `most_in_flight` records are under way: for
    replays, whose input can be read again. With it (live) `send` returns once the record is in the
    spool; a thread sends from there, and first what an earlier process had left. After a crash
    some records are sent twice. PublishError, from the constructor too: no broker answers.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        spool: Path | None = None,
        most_in_flight: int = MOST_IN_FLIGHT,
    ) -> None:
        self._spool = None if spool is None else Spool(spool)
        first = self._spool.acknowledged if self._spool else 0
        self._inflight = InFlight(first, most_in_flight, MOST_BYTES)
        kept = "; it stays in the spool, and is sent first at the next start" if self._spool else ""
        try:
            self._producer = OrderedProducer(options, self._inflight, kept)
        except PublishError:
            if self._spool:
                self._spool.close()
            raise
        self._order = threading.Lock()
        self._arrived = threading.Event()
        self._drainer = threading.Thread(target=self._drain, name="publisher", daemon=True)
        if self._spool:
            self._arrived.set()
            self._drainer.start()

    @property
    def acknowledged(self) -> int:
        """How many records are acknowledged, counted over the life of the spool; it never falls."""
        return self._inflight.front

    @property
    def backlog(self) -> int:
        """How many accepted records are not yet acknowledged."""
        accepted = self._spool.next if self._spool else self._inflight.next
        return accepted - self._inflight.front

    def send(self, topic: str, partition: int, record: Record, key: str | None = None) -> None:
        """Accept a record for a partition of a topic, whose name is given in full.

        CodecError: it has no bytes. PublishError: it is too large, or one before it was refused.
        """
        message = to_message(record)
        name = None if key is None else key.encode("utf-8", "replace")
        outgoing = Outgoing(topic, partition, name, message.value, message.headers)
        size = len(message.value) + len(name or b"")
        if size > MOST_RECORD_BYTES:
            raise PublishError(
                f"more than {MOST_RECORD_BYTES:,} bytes", topic, outgoing.described()
            )
        self._inflight.check()
        if self._spool is None:
            with self._order:
                if self._inflight.enter(size):
                    self._producer.send(self._inflight.next - 1, outgoing)
            self._inflight.check()
            return
        self._spool.append(_encode(outgoing))
        if not self._arrived.is_set():
            self._arrived.set()

    def begin_sync(self) -> Callable[[], None]:
        """Return what makes all that was accepted outlive a loss of power here (Journal.begin_sync).

        Without a spool there is nothing to be done: whoever sends can read it again.
        """
        return self._spool.begin_sync() if self._spool else nothing

    def flush(self, limit_s: float | None = None) -> None:
        """Return when everything accepted is acknowledged; PublishError: after `limit_s` it is not."""
        if self._inflight.wait(lambda: self.backlog == 0, limit_s):
            return
        safe = "; the spool keeps them for the next start" if self._spool else ""
        raise PublishError(
            f"{self._producer.address} has not acknowledged {self.backlog:,} records after {limit_s} s{safe}"
        )

    def close(self) -> None:
        """Disconnect and close the spool. What the spool holds is sent at the next start.

        Without a spool it flushes first. PublishError: not everything is acknowledged.
        """
        if self._producer.closing.is_set():
            return
        try:
            if self._spool is None:
                self.flush(CLOSE_LIMIT_S)
        finally:
            self._producer.closing.set()
            self._inflight.stop()
            self._arrived.set()
            if self._drainer.is_alive():
                self._drainer.join()
            self._producer.close()
            if self._spool:
                self._spool.acknowledge(self._inflight.front)
                self._spool.close()

    # -- what the spool's thread does

    def _drain(self) -> None:
        """Send what is in the spool, in order, for as long as the publisher is open."""
        assert self._spool is not None
        noted_s = 0.0
        try:
            while not self._producer.closing.is_set():
                self._arrived.wait(MARK_S)
                self._arrived.clear()
                while self._drain_some(self._spool):
                    if time.monotonic() - noted_s > MARK_S:
                        self._spool.acknowledge(self._inflight.front)
                        noted_s = time.monotonic()
                self._spool.acknowledge(self._inflight.front)
        except (NewsquakeError, OSError) as fault:
            self._producer.fail(PublishError(f"the spool fails: {fault}"), fault)

    def _drain_some(self, spool: Spool) -> bool:
        """Send some records of the spool; False: it has none, or the publisher was stopped."""
        found = spool.take()
        for number, payload in found:
            if not self._inflight.enter(len(payload)):
                return False
            self._producer.send(number, _decode(payload))
        return bool(found)
