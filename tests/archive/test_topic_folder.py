"""A folder of topics: finished or refused, and no damage passes unseen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agents.archive import folder as topic_folder
from agents.archive.export import OffsetBound, TimeBound, bound
from agents.archive.folder import ArchivedRecord, ArchivedTopic, Manifest, Range, begun, journal_of
from streams.errors import InputError, UsageError
from streams.journal import Journal

TOPIC = "newsquake.market"
RECORDS = [
    ArchivedRecord(
        number % 2, 10 + number // 2, 1_000 + number, None, (("h", None), ("h", b"\xff")), b"v" * 9
    )
    for number in range(20)
]


def holding(*counts: tuple[int, int]) -> ArchivedTopic:
    """Return what a manifest says that claims as many records of each partition."""
    ranges = [Range(partition=part, first=10, end=20, records=count) for part, count in counts]
    return ArchivedTopic(topic=TOPIC, partitions=3, ranges=tuple(ranges))


def written(folder: Path, topic: ArchivedTopic) -> Path:
    with begun(folder, [TOPIC]) as complete:
        with Journal.open(journal_of(folder, TOPIC), segment_bytes=200) as journal:
            for record in RECORDS:
                journal.append(msgspec.msgpack.encode(record))
        complete(Manifest(format=1, made="2025-09-24T00:00:00+00:00", topics=(topic,)))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "kept", holding((0, 10), (1, 10)))


def verified(folder: Path) -> int:
    (topic,) = topic_folder.read_manifest(folder).topics
    seen: list[int] = []
    topic_folder.verify(folder, topic, seen.append)
    return sum(seen)


def logs(folder: Path) -> list[Path]:
    return sorted(journal_of(folder, TOPIC).glob("*.log"))


def test_what_was_written_is_read(folder: Path) -> None:
    assert len(logs(folder)) > 2
    (topic,) = topic_folder.read_manifest(folder).topics
    assert list(topic_folder.kept_records(folder, topic)) == RECORDS
    assert verified(folder) == 20
    assert sorted(each.name for each in folder.iterdir()) == ["manifest.json", f"{TOPIC}.journal"]


def test_reading_touches_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    verified(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def flip(folder: Path) -> None:
    data = bytearray(logs(folder)[1].read_bytes())
    data[60] ^= 1
    logs(folder)[1].write_bytes(data)


def cut(folder: Path) -> None:
    logs(folder)[-1].write_bytes(logs(folder)[-1].read_bytes()[:-3])


def add(folder: Path) -> None:
    logs(folder)[-1].write_bytes(logs(folder)[-1].read_bytes() + b"\0" * 20)


def lose_the_middle(folder: Path) -> None:
    logs(folder)[1].unlink()


def lose_the_end(folder: Path) -> None:
    logs(folder)[-1].unlink()


def lose_the_beginning(folder: Path) -> None:
    logs(folder)[0].unlink()


def lose_all(folder: Path) -> None:
    shutil.rmtree(journal_of(folder, TOPIC))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip, r"\d\.log: record \d+ at byte \d+ is damaged"),
        (cut, r"\d\.log: record 19 at byte \d+ is damaged"),
        (add, r"\d\.log: record 20 at byte \d+ is damaged"),
        (lose_the_middle, r"\d\.log: record \d+ at byte \d+ is damaged or missing"),
        (lose_the_end, r"\.log: record \d+ at byte \d+ is damaged or missing"),
        (lose_the_beginning, "its first records are missing"),
        (lose_all, "market.journal: cannot be read"),
    ],
)
def test_damage_is_named_with_its_place(
    folder: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(folder)
    with pytest.raises(InputError, match=said):
        verified(folder)


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        (holding((0, 9), (1, 9)), "should end with record 17"),
        (holding((0, 20)), r"record 1 \(partition 1, offset 10\) is none of those"),
        (holding((0, 10), (2, 10)), r"record 1 \(partition 1, offset 10\) is none of those"),
        (holding((0, 9), (1, 11)), "partition 0 has 10 records instead of 9"),
    ],
)
def test_a_manifest_that_says_otherwise_is_seen(
    tmp_path: Path, topic: ArchivedTopic, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        verified(written(tmp_path / "kept", topic))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ('{"format": 2, "made": "", "topics": []}', "has format 2"),
        ('{"format": 1, "made": "", "topics": [], "more": 1}', "unknown field"),
        (
            '{"format": 1, "made": "", "topics": [{"topic": "../x", "partitions": 1, "ranges": []}]}',
            "is not the name of a topic",
        ),
    ],
)
def test_a_manifest_of_another_kind_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=said):
        topic_folder.read_manifest(folder)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="newsquake journal export"):
        topic_folder.read_manifest(tmp_path / "none")


def test_an_export_that_broke_off_is_begun_anew(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with begun(folder, [TOPIC, "other"]):
        Journal.open(journal_of(folder, TOPIC)).close()
    (folder / "manifest.json.part").write_text("{")
    with pytest.raises(InputError, match="did not finish"):
        topic_folder.read_manifest(folder)
    assert verified(written(folder, holding((0, 10), (1, 10)))) == 20


def test_a_folder_in_use_is_left_alone(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds a finished export"), begun(folder, []):
        pass
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "precious").touch()
    with pytest.raises(UsageError, match=r"not empty \(precious\)"), begun(mine, []):
        pass
    with (
        begun(tmp_path / "busy", []),
        pytest.raises(UsageError, match="another export is at work"),
        begun(tmp_path / "busy", []),
    ):
        pass
    with pytest.raises(InputError, match="cannot be written"), begun(mine / "precious" / "x", []):
        pass


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (None, None),
        ("0", OffsetBound(0)),
        ("1758672000", OffsetBound(1758672000)),
        ("2025-09-24", TimeBound(1758672000000)),
        ("2025-09-24T00:00:00.0005Z", TimeBound(1758672000001)),
        ("2025-09-24T08:00:00+08:00", TimeBound(1758672000000)),
    ],
)
def test_borders_are_read(text: str | None, read: object) -> None:
    assert bound("--from", text) == read


@pytest.mark.parametrize("text", ["", "-1", "x", "1.5", "2025-13-01", "1" * 19, "24 Sep 2025"])
def test_what_is_no_border_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="--to"):
        bound("--to", text)
