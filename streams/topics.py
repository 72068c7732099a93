"""The topics: names, keys, partitions and how long records are kept. Declarations, no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from kafka.partitioner.default import murmur2

from streams.errors import UsageError

HEADLINES: Final = "newsquake.headlines"
MARKET: Final = "newsquake.market"
REACTIONS: Final = "newsquake.reactions"
MOVES: Final = "newsquake.moves"
ALERTS: Final = "newsquake.alerts"
REJECTS: Final = "newsquake.rejects"

TABLE: Final = "state"  # of each Faust app; one Table an app (Faust mixes up the changelogs of two)
# Faust app id -> the topic it reads. A Table must have as many partitions as that topic.
SCORE: Final = "newsquake-score"
REACT: Final = "newsquake-react"
DELIVER: Final = "newsquake-deliver"
APPS: Final[Mapping[str, str]] = {SCORE: HEADLINES, REACT: MARKET, DELIVER: ALERTS}
DEFAULT_PARTITIONS: Final = 8  # of `market`: the most react workers that can share its load
MOST_PARTITIONS: Final = 1000  # one broker holds about 4000; we have five topics with that many

BIGGEST_CELL_BYTES: Final = 8 * 2**20  # of state in a changelog: thousands of mentions of an issuer

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
# A frozen worker's stale write must still be there beside the newer one when the changelog is read
# back; longer than any freeze that its session could outlive.
_CHANGELOG_LAG_MS: Final = 10 * 60_000
_LONGEST_NAME: Final = 249  # Kafka's limit; it names a folder
_PREFIX = re.compile(r"[A-Za-z0-9._-]*")


class Topic(msgspec.Struct, frozen=True):
    """One topic as it must exist; `settings` are Kafka's, by Kafka's names."""

    name: str
    key: str  # what its records are keyed by
    partitions: int
    settings: Mapping[str, str]


def partition_of(issuer: str, partitions: int) -> int:
    """Return the partition of an issuer: what Kafka's default partitioner picks for that key."""
    return (int(murmur2(issuer.encode())) & 0x7FFFFFFF) % partitions


def prefixed(prefix: str, name: str) -> str:
    """Return the name of a topic or an app in the run that `prefix` names; UsageError: not a name."""
    if not _PREFIX.fullmatch(prefix):
        raise UsageError(f"prefix {prefix!r}: only letters, digits, dot, underscore and hyphen")
    if len(prefix + name) > _LONGEST_NAME:
        raise UsageError(f"prefix {prefix!r}: {name} would be over {_LONGEST_NAME} characters")
    return prefix + name


def topics(partitions: int, prefix: str = "") -> tuple[Topic, ...]:
    """Return every topic of one run, changelogs last; `partitions` is that of `market`.

    Headlines have one partition, because stories need one order of all news; rejects are rare.
    """
    plain = (
        Topic(HEADLINES, "source", 1, _kept(7 * _DAY_MS)),
        Topic(MARKET, "issuer; none for a frame", partitions, _kept(2 * _DAY_MS)),
        Topic(REACTIONS, "listing", partitions, _kept(30 * _DAY_MS)),
        Topic(MOVES, "listing", partitions, _kept(30 * _DAY_MS)),
        Topic(ALERTS, "alert_id", partitions, _compacted(_DAY_MS)),
        Topic(REJECTS, "input topic", 1, _kept(7 * _DAY_MS)),
    )
    width = {topic.name: topic.partitions for topic in plain}
    named = tuple(msgspec.structs.replace(t, name=prefixed(prefix, t.name)) for t in plain)
    return named + tuple(
        changelog(prefixed(prefix, app), TABLE, width[source]) for app, source in APPS.items()
    )


def changelog(app_id: str, table: str, partitions: int) -> Topic:
    """Return the changelog of a Faust Table; `partitions` is that of the topic its app reads.

    Compacted only: Faust's recovery hangs on one that also deletes.
    """
    settings = _compacted(_CHANGELOG_LAG_MS) | {
        "min.compaction.lag.ms": str(_CHANGELOG_LAG_MS),
        "max.message.bytes": str(BIGGEST_CELL_BYTES + 2**16),  # with its key and its batch's head
    }
    return Topic(
        prefixed("", f"{app_id}-{table}-changelog"), "block of state", partitions, settings
    )


def _kept(retention_ms: int) -> dict[str, str]:
    """Keep records for a time. Kafka deletes whole segments, so they are an eighth of that time."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "retention.bytes": "-1",
        "segment.ms": str(retention_ms // 8),
        "message.timestamp.type": "LogAppendTime",
    }


def _compacted(segment_ms: int) -> dict[str, str]:
    """Keep the newest record of each key. Kafka compacts closed segments only."""
    return {
        "cleanup.policy": "compact",
        "segment.ms": str(segment_ms),
        "message.timestamp.type": "LogAppendTime",
    }
