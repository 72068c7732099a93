"""The workers, as the broker knows them: who is in each app's group, and how far behind it is."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from agents.broker.connection import Admin, Connection, admin_client
from agents.broker.reading import unread_of
from agents.doctor.check import Check
from streams.topics import APPS, prefixed

SHOWN: Final = 8  # partitions that lag, the farthest first


def workers(broker: Connection) -> list[Check]:
    """Say of each app how many workers it has and what they have not read yet."""
    groups = {prefixed(broker.prefix, app): prefixed(broker.prefix, APPS[app]) for app in APPS}
    with closing(admin_client(broker)) as admin:
        known = {each["group_id"] for each in admin.list_groups()} & set(groups)
        members = _members(admin, known)
        width = {topic: _width(admin, topic) for topic in groups.values()}
        behind = {
            group: unread_of(admin, group if group in known else None, topic, width[topic])
            for group, topic in groups.items()
            if width[topic]
        }
    return [_app(group, members.get(group, 0), behind.get(group)) for group in groups]


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


def _members(admin: Admin, known: set[str]) -> dict[str, int]:
    if not known:
        return {}
    described = admin.describe_groups(sorted(known))
    return {group: len(described[group]["members"]) for group in known}


def _width(admin: Admin, topic: str) -> int:
    """Return how many partitions a topic has, 0 where we are shown none."""
    (described,) = admin.describe_topics([topic])
    return 0 if described["error_code"] else len(described["partitions"])
