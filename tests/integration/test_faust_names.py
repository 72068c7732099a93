"""The private names of Faust, mode, aiokafka and kafka-python that we lean on: pinned, and here."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import aiokafka
import faust
from faust.sensors.monitor import Monitor
from faust.stores.memory import Store
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from kafka.producer.sender import Sender

from agents.workers import faust_app as app_module


def source(thing: object) -> str:
    return inspect.getsource(thing)  # type: ignore[arg-type]


def test_the_versions_are_the_ones_these_names_are_of() -> None:
    found = {name: version(name) for name in ("faust-streaming", "mode-streaming", "aiokafka")}
    assert found == {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}


def test_the_fetch_wait_is_where_we_set_it() -> None:
    assert "_create_worker_consumer" in vars(AIOKafkaConsumerThread)
    assert "fetch_max_wait_ms=1500" in source(AIOKafkaConsumerThread._create_worker_consumer)
    assert "_fetch_max_wait_ms" in source(aiokafka.AIOKafkaConsumer.start)
    assert "_new_consumer_thread" in vars(Consumer)
    assert Transport.Consumer is Consumer


def test_a_message_is_handed_over_by_wait_first_of_two() -> None:
    drain = source(BaseConsumer._drain_messages)
    assert "callback(message), self.suspend_flow.wait()" in drain
    assert drain.count("wait_first(") == 1


def test_the_flow_can_be_stopped_before_recovery_seeks() -> None:
    resume = source(Recovery._resume_streams)
    assert resume.index("on_rebalance_complete.send()") < resume.index("perform_seek()")
    assert "_committed_offset" in source(BaseConsumer.perform_seek)


def test_a_store_takes_changelog_batches_in_one_place() -> None:
    assert list(inspect.signature(Store.apply_changelog_batch).parameters) == [
        "self", "batch", "to_key", "to_value",
    ]  # fmt: skip
    assert "_key_partition" in source(Store.__post_init__)


def test_the_consumer_is_looked_at_without_making_one() -> None:
    """A scrape comes on another thread: `consumer` itself would make one there."""
    assert "self._consumer = self._new_consumer()" in source(faust.App.consumer.fget)


def test_the_lean_monitor_overrides_what_faust_calls() -> None:
    lean = vars(app_module.LeanMonitor)
    for name in lean:
        if name.startswith("on_"):
            assert callable(getattr(Monitor, name)), name


def test_the_publisher_can_end_its_sender() -> None:
    assert callable(Sender.force_close)


def test_faust_is_built_without_a_web_server() -> None:
    assert faust.App("x", broker="kafka://127.0.0.1:1", web_enabled=False).conf.web_enabled is False
