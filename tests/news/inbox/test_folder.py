"""A folder that is watched: real files, real restarts over the book that keeps what was read."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.events import SECOND_NS
from streams.news.dialects.rss import MAX_BYTES
from streams.news.inbox.folder import FolderInbox, Seen, WatchedFolder, remembered
from streams.news.seen_items import SeenItems
from streams.outcome import Outcome
from streams.times import parse_time
from tests.news.inbox.pushed import FEED, Desk, ninjs, until

NOON_NS = parse_time("2026-07-16T12:00:00Z") or 0


class Place:
    """A folder, the book beside it, and whatever an inbox over both told and took."""

    def __init__(self, root: Path, book: SeenItems) -> None:
        self.folder, self.book, self.desk = root / "drop", book, Desk()
        self.folder.mkdir()
        self.now_ns = NOON_NS
        self.notices: list[Outcome] = []

    def inbox(self, **options: Any) -> FolderInbox:
        watched = WatchedFolder(path=self.folder, **{"interval_s": 0.0, **options})
        return FolderInbox(
            FEED,
            watched,
            self.desk.take,
            self.notices.append,
            self.book,
            now_ns=lambda: self.now_ns,
        )

    def put(self, name: str, data: bytes) -> Path:
        """Put a file there as a careful sender does: whole."""
        whole = self.folder.parent / "being_written"
        whole.write_bytes(data)
        return whole.rename(self.folder / name)

    def kept(self) -> list[str]:
        return sorted(remembered(self.book.load(FEED.name)))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with contextlib.closing(SeenItems(tmp_path / "book.sqlite")) as book:
        yield Place(tmp_path, book)


@contextlib.asynccontextmanager
async def running(inbox: FolderInbox) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(inbox.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def session(place: Place, **options: Any) -> None:
    """Start, look a few times and stop, without the waits between."""
    inbox = place.inbox(**options)
    inbox._seen = remembered(place.book.load(FEED.name))
    await looks(inbox, 4)
    inbox._remember()


async def looks(inbox: FolderInbox, times: int) -> None:
    for _ in range(times):
        await inbox._look()


def test_files_are_read_in_the_order_of_their_names(place: Place) -> None:
    async def scene() -> None:
        place.put("b.json", ninjs("second"))
        place.put("a.xml", b'<newsItem guid="g" version="1"><contentMeta><headline>first'
                           b"</headline></contentMeta></newsItem>")  # fmt: skip
        async with running(place.inbox(interval_s=0.01)) as task:
            await until(lambda: len(place.desk.takes) == 2, task)
            place.put("0.json", ninjs("third"))
            await until(lambda: len(place.desk.takes) == 3, task)

    asyncio.run(scene())
    assert place.desk.titles == ["first", "second", "third"]
    assert [(each.kind, each.items, each.feed) for each in place.notices] == [
        ("read", 1, "drop")
    ] * 3
    assert place.kept() == ["0.json", "a.xml", "b.json"]


def test_a_file_that_is_being_written_is_left_alone(place: Place) -> None:
    async def scene() -> None:
        inbox, data = place.inbox(), ninjs("whole")
        with (place.folder / "slow.json").open("wb") as file:
            for start in range(0, len(data), 20):
                file.write(data[start : start + 20])
                file.flush()
                await inbox._look()
        assert place.desk.takes == []
        await inbox._look()

    asyncio.run(scene())
    assert place.desk.titles == ["whole"]


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(place: Place) -> None:
    async def scene() -> None:
        inbox = place.inbox()
        place.put("feed.json", ninjs("once"))
        await looks(inbox, 4)
        place.put("feed.json", ninjs("twice, and longer"))
        await looks(inbox, 4)

    asyncio.run(scene())
    assert place.desk.titles == ["once", "twice, and longer"]


def test_a_restart_neither_loses_nor_repeats(place: Place) -> None:
    async def scene() -> None:
        place.put("a.json", ninjs("a"))
        async with running(place.inbox(interval_s=0.01)) as task:
            await until(lambda: place.desk.titles == ["a"], task)
        place.put("b.json", ninjs("b"))  # while nobody looks
        async with running(place.inbox(interval_s=0.01)) as task:
            await until(lambda: len(place.desk.titles) == 2, task)

    asyncio.run(scene())
    assert place.desk.titles == ["a", "b"]


def test_a_file_that_was_not_taken_is_taken_by_the_next_run(place: Place) -> None:
    async def scene() -> None:
        place.put("a.json", ninjs("a"))
        place.desk.open.clear()
        async with running(place.inbox(interval_s=0.01)) as task:
            await until(lambda: place.desk.waiting == 1, task)
        assert place.kept() == []
        place.desk.open.set()
        async with running(place.inbox(interval_s=0.01)) as task:
            await until(lambda: place.desk.titles == ["a"], task)

    asyncio.run(scene())
    assert place.kept() == ["a.json"]


def test_what_take_raises_ends_the_run_and_nothing_is_remembered(place: Place) -> None:
    async def scene() -> None:
        place.put("a.json", ninjs("a"))
        place.desk.fault = OSError("no space left")
        with pytest.raises(OSError, match="no space"):
            await asyncio.wait_for(place.inbox().run(), 30)

    asyncio.run(scene())
    assert place.kept() == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_a_feed"),
        (b"<html><body>Not found</body></html>", "not_a_feed"),
        (b'{"uri": "x", "pubStatus": "usable", ', "undecodable"),
        (b"\0\xff" * 100, "not_a_feed"),
    ],
)
def test_a_bad_file_is_one_reject(place: Place, data: bytes, reason: str) -> None:
    place.put("bad.txt", data)
    asyncio.run(looks(place.inbox(), 6))
    ((reject,),) = (parsed.rejects for parsed in place.desk.takes)
    assert (reject.reason, reject.detail.partition(":")[0]) == (reason, "drop")
    assert reject.detail.endswith("(in bad.txt)")
    assert [(each.kind, each.reason) for each in place.notices] == [("failed", reason)]


def test_a_file_that_is_too_large_is_not_read(place: Place) -> None:
    os.truncate(place.put("huge.json", b"{"), MAX_BYTES + 1)
    asyncio.run(looks(place.inbox(), 4))
    ((reject,),) = (parsed.rejects for parsed in place.desk.takes)
    assert reject.reason == "too_large"


def test_an_embargo_is_waited_for_also_over_a_restart(place: Place) -> None:
    ends_ns = NOON_NS + 90 * SECOND_NS
    free = ninjs("free")
    held = ninjs("held", embargoedUntil="2026-07-16T12:01:30Z")
    withheld = ninjs("never", pubStatus="withheld")
    place.put("a.jsonl", b"\n".join((free, held, withheld)))
    for now_ns in (NOON_NS, ends_ns - 1, ends_ns, ends_ns + SECOND_NS):
        place.now_ns = now_ns
        asyncio.run(session(place))
    first, second = place.desk.takes
    assert [headline.title for headline in first.headlines] == ["free"]
    assert [reject.reason for reject in first.rejects] == ["embargoed", "withheld"]
    assert second.rejects == ()
    assert [headline.title for headline in second.headlines] == ["free", "held"]
    assert (second.headlines[1].event_ns, second.headlines[1].known_ns) == (ends_ns, ends_ns)


def test_the_next_look_comes_when_an_embargo_ends(place: Place) -> None:
    inbox = place.inbox(interval_s=60.0)
    inbox._seen = {"a": Seen(1, 1, NOON_NS + 30 * SECOND_NS), "b": Seen(1, 1)}
    assert inbox._wait_s(took_s=1.0) == 30.0
    place.now_ns += 31 * SECOND_NS  # it is over: whatever keeps the file, no hurry now
    assert inbox._wait_s(took_s=1.0) == 59.0
    assert inbox._wait_s(took_s=100.0) == 0.0


def test_a_look_that_comes_early_takes_no_file_for_complete(place: Place) -> None:
    place.put("a.json", ninjs("held", embargoedUntil="2026-07-16T12:00:30Z"))
    asyncio.run(session(place))
    place.put("b.json", ninjs("perhaps half"))
    place.now_ns += 30 * SECOND_NS
    asyncio.run(session(place, interval_s=60.0))
    assert place.desk.titles == ["held"]
    assert place.kept() == ["a.json"]


def test_what_was_read_goes_to_done_and_replaces_nothing_there(place: Place) -> None:
    done = place.folder / "done" / "here"
    done.mkdir(parents=True)
    (done / "a.json").write_bytes(b"of last year")
    place.put("a.json", ninjs("a"))
    place.put("b.txt", b"no news")
    place.put("c.json", ninjs("c", embargoedUntil="2026-07-16T12:01:00Z"))
    asyncio.run(session(place, done=done))
    assert [path.name for path in sorted(place.folder.iterdir())] == ["c.json", "done"]
    assert (done / "a.json").read_bytes() == b"of last year"
    assert len(list(done.glob("a.*.json"))) == 1
    assert place.kept() == ["c.json"]
    place.now_ns += 60 * SECOND_NS
    asyncio.run(session(place, done=done))
    assert (done / "c.json").exists()
    assert place.desk.titles == ["a", "c"]
    assert place.kept() == []


def test_a_file_that_cannot_be_moved_is_said_once_and_read_once(place: Place) -> None:
    place.put("a.json", ninjs("a"))
    (place.folder.parent / "file").write_bytes(b"")
    asyncio.run(looks(place.inbox(done=place.folder.parent / "file"), 5))
    assert place.desk.titles == ["a"]
    assert [each.reason for each in place.notices] == ["", "not_moved"]


def test_what_is_no_plain_file_of_the_pattern_is_passed_over(place: Place) -> None:
    (place.folder / "folder.json").mkdir()
    (place.folder / ".hidden.json").write_bytes(ninjs("hidden"))
    (place.folder / "a.json.part").write_bytes(ninjs("part"))
    outside = place.folder.parent / "outside.json"
    outside.write_bytes(ninjs("outside"))
    (place.folder / "link.json").symlink_to(outside)
    os.mkfifo(place.folder / "pipe.json")
    place.put("a.json", ninjs("a"))
    asyncio.run(looks(place.inbox(pattern="*.json"), 4))
    assert place.desk.titles == ["a"]


def test_a_name_of_any_bytes_is_remembered(place: Place) -> None:
    name = os.fsdecode(b"\xff\xfe \n.json")
    place.put(name, ninjs("odd"))
    place.put(
        "bad\ud800.txt".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"), b"x"
    )
    for _ in range(2):
        asyncio.run(session(place))
    assert place.desk.titles == ["odd"]
    assert len(place.desk.takes) == 2
    msgspec.json.encode(place.desk.takes)


def test_memory_is_bounded_by_what_is_in_the_folder(place: Place) -> None:
    for number in range(20):
        place.put(f"{number}.json", ninjs(str(number)))
    asyncio.run(session(place))
    assert len(place.kept()) == 20
    for path in place.folder.iterdir():
        path.unlink()
    place.put("last.json", ninjs("last"))
    asyncio.run(session(place))
    assert place.kept() == ["last.json"]


def test_a_folder_that_is_away_is_said_once_and_comes_back(place: Place) -> None:
    async def scene() -> None:
        inbox = place.inbox()
        place.put("a.json", ninjs("a"))
        await looks(inbox, 3)
        away = place.folder.rename(place.folder.parent / "away")
        await looks(inbox, 3)
        away.rename(place.folder)
        place.put("b.json", ninjs("b"))
        await looks(inbox, 3)

    asyncio.run(scene())
    assert place.desk.titles == ["a", "b"]
    assert [(each.kind, each.reason) for each in place.notices] == [
        ("read", ""),
        ("failed", "no_folder"),
        ("unchanged", ""),
        ("read", ""),
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read_is_said_once_and_read_when_it_may(place: Place) -> None:
    async def scene() -> None:
        inbox = place.inbox()
        path = place.put("a.json", ninjs("a"))
        path.chmod(0)
        await looks(inbox, 4)
        path.chmod(0o600)
        await looks(inbox, 2)

    asyncio.run(scene())
    assert place.desk.titles == ["a"]
    assert [each.reason for each in place.notices] == ["unreadable", ""]


def test_the_state_of_another_kind_of_source_is_as_good_as_none(place: Place) -> None:
    place.book.save(FEED.name, msgspec.msgpack.encode({"etag": "x"}))
    place.put("a.json", ninjs("a"))
    asyncio.run(session(place))
    assert place.desk.titles == ["a"]


def test_a_quiet_folder_is_said_to_be_well_once_a_minute(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(looks(place.inbox(), 5))
    assert place.notices == []
    monkeypatch.setattr("streams.news.inbox.folder.HEARD_S", -1.0)
    asyncio.run(looks(place.inbox(), 2))
    assert [(each.kind, each.items) for each in place.notices] == [("unchanged", 0)] * 2
