"""Writing records into a topic byte for byte: keys, values and headers as they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.serializer import Serializer

from agents.broker.connection import BrokerError, Connection
from streams.segment import MAX_RECORD

BATCH_BYTES: Final = 2**18  # a quarter of what a topic takes unless it says otherwise
UNANSWERED_BYTES: Final = 32 * 2**20  # sent and not yet acknowledged: the memory this takes
UNANSWERED_RECORDS: Final = 10_000  # each future weighs more than a small record
DELIVERY_MS: Final = 60_000
RECORD_BYTES: Final = 100  # a record without key and value, about


class RawRecord(NamedTuple):
    """A record as the protocol has it; `name` is what an error says of it."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    name: str


class _Unanswered(NamedTuple):
    """A record on its way."""

    name: str
    size: int
    sent: Any


class _Headers(list[tuple[str, bytes | None]]):
    """Headers that the serializer fills in, and that pass for none where they are measured.

    kafka-python's producer can write a header without a value, as the protocol allows, but refuses
    one when called and cannot add up its size for the answer.
    """

    def __bool__(self) -> bool:
        return False


class _KeyOf(Serializer):  # type: ignore[misc]  # kafka-python has no types
    def serialize(self, topic: str, headers: _Headers, data: RawRecord) -> bytes | None:  # noqa: ARG002 - the interface
        return data.key


class _ValueOf(Serializer):  # type: ignore[misc]  # kafka-python has no types
    """Give the value; in between, the way in for a record with neither key nor value."""

    def serialize(self, topic: str, headers: _Headers, data: RawRecord) -> bytes | None:  # noqa: ARG002 - the interface
        headers.extend(data.headers)
        return data.value


class TopicWriter:
    """A producer of exact records, which waits while too many are not acknowledged yet."""

    def __init__(self, broker: Connection, acknowledged: Callable[[int], None]) -> None:
        """`acknowledged` is told of records that the broker has."""
        self._acknowledged = acknowledged
        self._unanswered: deque[_Unanswered] = deque()
        self._held = 0
        self._producer = KafkaProducer(
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            batch_size=BATCH_BYTES,
            linger_ms=5,
            max_request_size=MAX_RECORD,  # the broker knows how much a topic takes
            delivery_timeout_ms=DELIVERY_MS,
            max_block_ms=DELIVERY_MS,
            allow_auto_create_topics=False,
            key_serializer=_KeyOf(),
            value_serializer=_ValueOf(),
            **broker.client_options(),
        )

    def close(self) -> None:
        """Leave the broker."""
        self._producer.close()

    def send(self, topic: str, record: RawRecord) -> None:
        """Send a record. BrokerError: it, or one before it, was not taken."""
        size = RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
        try:
            sent = self._producer.send(
                topic, record, record, headers=_Headers(), partition=record.partition
            )
        except KafkaError as fault:
            raise _refused(record.name, fault) from fault
        self._unanswered.append(_Unanswered(record.name, size, sent))
        self._held += size
        while self._held > UNANSWERED_BYTES or len(self._unanswered) > UNANSWERED_RECORDS:
            self._await_first()

    def flush(self) -> None:
        """Wait until the broker has every record. BrokerError: one was not taken."""
        while self._unanswered:
            self._await_first()

    def _await_first(self) -> None:
        """Wait for the oldest answer."""
        name, size, sent = self._unanswered.popleft()
        try:
            sent.get(timeout=DELIVERY_MS / 1000 + 1)
        except KafkaError as fault:
            raise _refused(name, fault) from fault
        self._held -= size
        self._acknowledged(1)


def _refused(name: str, fault: KafkaError) -> BrokerError:
    return BrokerError(f"{name} was not taken: {type(fault).__name__}: {fault}")
