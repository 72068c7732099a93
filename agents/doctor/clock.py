"""This machine's clock against the broker's, which stamps every record."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Final, NamedTuple

from kafka import KafkaProducer

from agents.broker.connection import ANSWER_MS, Connection, admin_client
from agents.doctor.check import Check, State
from streams.topics import prefixed

# A tick more than 5 s past the newest Clock is refused (DESIGN 3), and whoever makes the Clocks may
# be another machine; a second is what unattended clocks drift in weeks.
WRONG_S: Final = 5.0
WARNING_S: Final = 1.0
ROUNDS: Final = 4  # the first one opens the connection and takes longest
NANO: Final = 1e-9


class ClockOffset(NamedTuple):
    """How far this machine is ahead of the broker (negative: behind), and how sure that is."""

    ahead_s: float
    error_s: float


def clock(broker: Connection, *, now_ns: Callable[[], int]) -> list[Check]:
    """Compare the clocks by records in a topic of our own, which is removed again."""
    offset = measured(broker, now_ns)
    far_s = abs(offset.ahead_s)
    state: State = "wrong" if far_s > WRONG_S else "warning" if far_s > WARNING_S else "ok"
    side = "ahead of" if offset.ahead_s >= 0 else "behind"
    detail = (
        f"this machine is {far_s:.3f} s {side} the broker (+-{offset.error_s:.3f} s)"
        if far_s > offset.error_s
        else f"this machine and the broker agree within {offset.error_s:.3f} s"
    )
    mend = (
        "keep both by NTP (timedatectl set-ntp true); correct the one that differs from true time"
    )
    return [Check("clock", "offset", state, detail, "" if state == "ok" else mend)]


def measured(broker: Connection, now_ns: Callable[[], int]) -> ClockOffset:
    """Return the offset of the quickest of a few records.

    The broker's stamp lies between our sending and its answer, so half that time is the error; the
    stamp is cut to a millisecond.
    """
    name = prefixed(broker.prefix, f"newsquake-doctor-{uuid.uuid4().hex[:8]}")
    configs = {"message.timestamp.type": "LogAppendTime", "retention.ms": "60000"}
    with closing(admin_client(broker)) as admin:
        admin.create_topics({name: {"num_partitions": 1, "configs": configs}})
        try:
            admin.wait_for_topics([name], timeout_ms=ANSWER_MS)
            with closing(_producer(broker)) as producer:
                return min(
                    (_once(producer, name, now_ns) for _ in range(ROUNDS)),
                    key=lambda offset: offset.error_s,
                )
        finally:
            admin.delete_topics([name])


def _producer(broker: Connection) -> KafkaProducer:
    return KafkaProducer(
        acks=1,
        enable_idempotence=False,
        max_block_ms=ANSWER_MS,
        request_timeout_ms=ANSWER_MS,
        delivery_timeout_ms=ANSWER_MS,
        **broker.client_options(),
    )


def _once(producer: KafkaProducer, name: str, now_ns: Callable[[], int]) -> ClockOffset:
    sent_ns = now_ns()
    stamped = producer.send(name, b"what time is it?", partition=0).get(timeout=ANSWER_MS / 1000)
    answered_ns = now_ns()
    middle_ns = (sent_ns + answered_ns) // 2
    broker_ns = stamped.timestamp * 1_000_000 + 500_000
    return ClockOffset(
        (middle_ns - broker_ns) * NANO, ((answered_ns - sent_ns) / 2 + 500_000) * NANO
    )
