"""The run's topics as the doctor tells of them: what is well in one line, what is not in one each."""

from __future__ import annotations

from contextlib import closing

from agents.broker.connection import Connection, admin_client
from agents.broker.topics import Finding, check_topics, creation
from agents.doctor.check import Check
from streams.topics import MARKET


def topics(broker: Connection) -> list[Check]:
    """Compare every topic of the run with its declaration."""
    with closing(admin_client(broker)) as admin:
        report = check_topics(admin, broker.address, None, broker.prefix)
    good = [each for each in report.topics if each.state == "ok"]
    bad = [each for each in report.topics if each.state != "ok"]
    if not good and all(each.state == "missing" for each in bad):
        detail = f"none of the {len(bad)} is there, such as {broker.prefix}{MARKET}"
        return [Check("topics", "all", "wrong", detail, creation(broker))]
    found = [_topic(each, broker) for each in bad]
    if good:
        width = max(each.partitions for each in good)
        of_all = "all" if not bad else f"{len(good)} of {len(report.topics)}"
        found.append(Check("topics", of_all, "ok", f"as they must be, up to {width} partitions"))
    return found


def _topic(finding: Finding, broker: Connection) -> Check:
    if finding.state == "missing":
        return Check("topics", finding.name, "wrong", "missing", creation(broker))
    detail, mend = "; ".join(finding.faults), "; ".join(finding.mend)
    return Check("topics", finding.name, "wrong", detail, mend)
