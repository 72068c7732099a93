"""Quix Streams as its tutorial has it: JSON ticks keyed by symbol, one state write a tick."""

from __future__ import annotations

import sys
import uuid

from quixstreams import Application, State

from tests.bench.kafka.tally import Tally


def main(bootstrap: str, topic: str, tally: Tally, folder: str) -> None:
    app = Application(
        broker_address=bootstrap,
        consumer_group=f"bench-{uuid.uuid4().hex[:8]}",
        auto_offset_reset="earliest",
        state_dir=folder,
        loglevel="WARNING",
    )

    def keep(tick: dict[str, object], state: State) -> None:
        state.set("last", tick["price"])
        tally.count()

    frame = app.dataframe(app.topic(topic, value_deserializer="json", key_deserializer="str"))
    frame.update(keep, stateful=True)
    app.run()


if __name__ == "__main__":
    _, bootstrap, topic, seconds, records, folder = sys.argv[1:]
    main(bootstrap, topic, Tally(float(seconds), int(records)), folder)
