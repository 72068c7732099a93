"""Ask a broker whether a record can ever be accepted: what tells "not yet" from "never"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    UnknownTopicOrPartitionError,
    for_code,
)

ANSWER_MS: Final = 2_000  # until a topic nobody answers for is looked at more closely
PROOFS: Final = 2  # answers that a topic is missing, before it is believed: brokers start, too


class BrokerProof:
    """What the brokers of these client options say for certain."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self.address = ",".join(options["bootstrap_servers"])

    def of_refusal(self, topic: str, partition: int) -> str:
        """Return what is wrong for good with a topic; "": nothing, or nobody answers."""
        limits = {"bootstrap_timeout_ms": ANSWER_MS, "request_timeout_ms": ANSWER_MS}
        try:
            admin = KafkaAdminClient(**limits, **self._options)
        except KafkaError:
            return ""
        try:
            (found,) = admin.describe_topics([topic])
        except KafkaError:
            return ""
        finally:
            admin.close()
        kind = for_code(found["error_code"])
        if kind is UnknownTopicOrPartitionError:
            prefix = topic.rpartition("newsquake.")[0]
            run = f" --prefix {prefix}" if prefix else ""
            return f"no such topic; mend it: newsquake topics create --broker {self.address}{run}"
        if issubclass(kind, AuthorizationError):
            return f"{kind.__name__}: this user may not write to it"
        count = len(found["partitions"])
        return f"the topic has {count} partitions" if 0 < count <= partition else ""
