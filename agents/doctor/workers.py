"""The workers, as the broker knows them: who is in each app's group, and how far behind it is."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec

from agents.broker.connection import Connection, admin_client
from agents.doctor.check import Check
from streams.topics import APPS, prefixed

SHOWN: Final = 8  # partitions that lag, the farthest first


def workers(broker: Connection) -> list[Check]:
    """Say of each app how many workers it has and what they have not read yet."""
    groups = {prefixed(broker.prefix, app): prefixed(broker.prefix, APPS[app]) for app in APPS}
    with closing(admin_client(broker)) as admin:
        known = {each["group_id"] for each in admin.list_groups()} & set(groups)
        members = _members(admin, known)
        behind = {group: _lag(admin, groups[group], group, known) for group in groups}
    return [_app(group, members.get(group, 0), behind[group]) for group in groups]


def _app(group: str, members: int, lag: dict[int, int] | None) -> Check:
    if lag is None:
        return Check("workers", group, "skipped", "its topic is missing")
    count = f"{members} worker{'s' * (members != 1)}"
    if members or not any(lag.values()):
        return Check("workers", group, "ok", f"{count}, {_described(lag)}")
    mend = f"start one: newsquake worker {group.rpartition('-')[2]}"
    return Check("workers", group, "warning", f"{count}, {_described(lag)}", mend)


def _described(lag: dict[int, int]) -> str:
    """Return the records not read: in all, and where."""
    farthest = sorted(((count, number) for number, count in lag.items() if count), reverse=True)
    if not farthest:
        return "nothing unread"
    where = ", ".join(f"{number}: {count:,}" for count, number in farthest[:SHOWN])
    more = f" and {len(farthest) - SHOWN} more" if len(farthest) > SHOWN else ""
    return f"{sum(lag.values()):,} records unread (partition {where}{more})"


def _members(admin: KafkaAdminClient, known: set[str]) -> dict[str, int]:
    if not known:
        return {}
    described = admin.describe_groups(sorted(known))
    return {group: len(described[group]["members"]) for group in known}


def _lag(admin: KafkaAdminClient, topic: str, group: str, known: set[str]) -> dict[int, int] | None:
    """Return the records not read by partition; None: there is no such topic."""
    (described,) = admin.describe_topics([topic])
    if described["error_code"]:
        return None
    parts = [TopicPartition(topic, each["partition_index"]) for each in described["partitions"]]
    ends = _offsets(admin, parts, OffsetSpec.LATEST)
    starts = _offsets(admin, parts, OffsetSpec.EARLIEST)
    read: dict[TopicPartition, Any] = {}
    if group in known:
        read = admin.list_group_offsets({group: parts})[group]
    done = {part: read[part].offset if part in read else 0 for part in parts}
    return {part.partition: ends[part] - max(done[part], starts[part]) for part in parts}


def _offsets(
    admin: KafkaAdminClient, parts: list[TopicPartition], spec: int
) -> dict[TopicPartition, int]:
    found = admin.list_partition_offsets(dict.fromkeys(parts, spec))
    return {part: each.offset for part, each in found.items()}
