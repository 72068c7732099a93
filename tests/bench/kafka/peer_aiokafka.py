"""A bare aiokafka consumer that decodes our frames and does nothing with them."""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaConsumer

from streams.messages import market_record
from tests.bench.kafka.tally import Tally


async def read(bootstrap: str, topic: str, tally: Tally) -> None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    while True:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for record in records:
                market_record(record.value, record.headers)
                tally.count()


if __name__ == "__main__":
    _, bootstrap, topic, seconds, records, _ = sys.argv[1:]
    asyncio.run(read(bootstrap, topic, Tally(float(seconds), int(records))))
