"""What of a state outlives damage, a cut of power and the eyes of others: journals, spool, databases."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.errors import JournalError
from streams.files import make_folder
from streams.journal import Journal
from streams.journal_files import is_journal, remove_journal
from streams.news.seen_items import SeenItems
from streams.prices.numbering import MOST, Numbering
from streams.segment import FRAME
from streams.spool import Spool
from streams.sqlite_file import ForeignFileError, opened

TABLE = "CREATE TABLE IF NOT EXISTS t (x);"


def two_checkpoints(folder: Path) -> None:
    with Journal.open(folder) as journal:
        journal.append(b"one")
        journal.checkpoint(b"after one")
        journal.append(b"two")
        journal.checkpoint(b"after two")
        journal.append(b"three")


# -- two checkpoints


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_the_checkpoint_before_is_used_where_the_newest_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: bytes | None
) -> None:
    two_checkpoints(tmp_path)
    path = tmp_path / "checkpoint"
    path.write_bytes(damage) if damage is not None else path.unlink()
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() == (1, b"after one")
        assert len(journal.problems) == 1
        assert "checkpoint" in journal.problems[0]
        assert [bytes(payload) for _, payload in journal.read(1)] == [b"two", b"three"]
        journal.checkpoint(b"after three")
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() == (3, b"after three")


def test_both_damaged_leave_none(tmp_path: Path) -> None:
    two_checkpoints(tmp_path)
    for name in ("checkpoint", "checkpoint.before"):
        (tmp_path / name).write_bytes(b"junk")
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() is None
        assert len(journal.problems) == 2
        assert len(list(journal.read())) == 3


def test_the_checkpoint_before_is_used_where_the_end_was_cut(tmp_path: Path) -> None:
    two_checkpoints(tmp_path)
    os.truncate(next(tmp_path.glob("*.log")), FRAME.size + 3)
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() == (1, b"after one")
        assert journal.next_offset == 1


def test_a_state_that_outlives_its_records_is_used_and_is_that_of_the_end(tmp_path: Path) -> None:
    two_checkpoints(tmp_path)
    os.truncate(next(tmp_path.glob("*.log")), FRAME.size + 3)
    with Journal.open(tmp_path, outlives=True) as journal:
        assert journal.last_checkpoint() == (1, b"after two")
        assert "the records between are gone" in journal.problems[0]
        journal.append(b"other")
    with Journal.open(tmp_path, outlives=True) as journal:
        assert journal.last_checkpoint() == (1, b"after two")
        assert journal.problems == []


def test_truncating_forgets_both_checkpoints_that_knew(tmp_path: Path) -> None:
    two_checkpoints(tmp_path)
    with Journal.open(tmp_path) as journal:
        journal.truncate_to(1)
        assert journal.last_checkpoint() == (1, b"after one")
        journal.truncate_to(0)
        assert journal.last_checkpoint() is None
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() is None
        assert journal.problems == []


# -- power


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The size that each file had when it was synced last: what a cut of power leaves."""
    sizes: dict[str, int] = {}
    sound = os.fsync

    def fsync(handle: int) -> None:
        sound(handle)
        sizes[str(Path(f"/proc/self/fd/{handle}").readlink())] = os.fstat(handle).st_size

    monkeypatch.setattr(os, "fsync", fsync)
    return sizes


def cut(folder: Path, synced: dict[str, int]) -> None:
    for path in folder.rglob("*.log"):
        os.truncate(path, synced.get(str(path), 0))


def test_what_was_synced_outlives_a_cut_of_power(tmp_path: Path, synced: dict[str, int]) -> None:
    with Journal.open(tmp_path / "deep" / "journal", segment_bytes=40) as journal:
        for number in range(9):  # over three segments
            journal.append(b"%09d" % number)
        journal.begin_sync()()
        kept = dict(synced)
        journal.append(b"lost")
        journal.flush()
    assert {str(tmp_path), str(tmp_path / "deep"), str(journal.path)} <= kept.keys()  # the names
    cut(tmp_path, kept)
    with Journal.open(journal.path) as again:
        assert [int(bytes(payload)) for _, payload in again.read()] == [*range(9)]


def test_a_sync_may_come_after_the_segment_was_left(tmp_path: Path, synced: dict[str, int]) -> None:
    with Journal.open(tmp_path, segment_bytes=40) as journal:
        journal.append(b"first" * 4)
        sync = journal.begin_sync()
        journal.append(b"second" * 4)
    sync()
    cut(tmp_path, synced)
    with Journal.open(tmp_path) as again:
        assert [bytes(payload) for _, payload in again.read()] == [b"first" * 4, b"second" * 4]


def test_what_a_spool_synced_outlives_a_cut_of_power(
    tmp_path: Path, synced: dict[str, int]
) -> None:
    spool = Spool(tmp_path, 60)
    for number in range(9):
        spool.append(b"%09d" % number)
    spool.begin_sync()()
    kept = dict(synced)
    spool.append(b"lost")
    spool.close()
    cut(tmp_path, kept)
    again, found = Spool(tmp_path, 60), []
    while taken := again.take():
        found += [int(payload) for _, payload in taken]
    again.close()
    assert found == [*range(9)]


# -- the eyes of others


def open_to_others(folder: Path) -> list[str]:
    return [
        f"{each.name} {stat.S_IMODE(each.stat().st_mode):o}"
        for each in folder.rglob("*")
        if each.stat().st_mode & 0o077
    ]


def _journal(folder: Path) -> None:
    two_checkpoints(folder / "journal")


def _spool(folder: Path) -> None:
    spool = Spool(folder / "spool")
    spool.append(b"x")
    spool.take()
    spool.acknowledge(1)
    spool.close()


def _sqlite(folder: Path) -> None:
    seen = SeenItems(folder / "news.sqlite")
    seen.save("feed", b"state")
    assert (folder / "news.sqlite-wal").exists()
    assert open_to_others(folder) == []
    seen.close()


def _numbers(folder: Path) -> None:
    Numbering(folder / "more" / "numbers.json", 1).reserve([1], {})


@pytest.mark.parametrize("made", [_journal, _spool, _sqlite, _numbers])
def test_what_is_kept_is_for_this_user_alone(tmp_path: Path, made: Callable[[Path], None]) -> None:
    before = os.umask(0o022)
    try:
        home = tmp_path / "state" / "live"
        make_folder(home, private=True)
        made(home)
        assert open_to_others(tmp_path) == []
    finally:
        os.umask(before)


def test_what_an_earlier_release_left_open_is_closed_to_others(tmp_path: Path) -> None:
    for made in (_journal, _sqlite):
        folder = tmp_path / made.__name__
        made(folder)
        for each in folder.rglob("*"):
            each.chmod(0o755 if each.is_dir() else 0o644)
        made(folder)
        assert open_to_others(folder) == []


def test_a_journal_that_others_may_read_is_one_where_that_is_asked_for(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Journal.open(tmp_path / "kept", private=False) as journal:
            journal.append(b"x")
            journal.checkpoint(b"")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.rglob("*") if each.is_file()}
    assert modes == {0o644}


# -- what is not ours


def test_another_program_s_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.sqlite"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE mine (x)")
    base.close()
    before = path.read_bytes()
    with pytest.raises(ForeignFileError, match="another program's"):
        opened(path, TABLE, 1, synchronous="FULL", threads=False)
    assert path.read_bytes() == before


def test_removing_a_journal_leaves_what_it_did_not_make(tmp_path: Path) -> None:
    two_checkpoints(tmp_path / "one")
    assert is_journal(tmp_path / "one")
    remove_journal(tmp_path / "one")
    assert not (tmp_path / "one").exists()
    two_checkpoints(tmp_path / "two")
    (tmp_path / "two" / "notes.txt").write_text("mine")
    assert not is_journal(tmp_path / "two")
    (tmp_path / "link").symlink_to(tmp_path / "two")
    remove_journal(tmp_path / "link")
    assert len(list((tmp_path / "two").iterdir())) == 5
    remove_journal(tmp_path / "two")
    assert [each.name for each in (tmp_path / "two").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "junk",
    [
        b'{"run": "", "rows": [0], "points": {}}',
        b'{"run": "\\u001b[31m", "rows": [0], "points": {}}',
        b'{"run": "0123456789abcdef", "rows": [9223372036854775807], "points": {}}',
        b'{"run": "0123456789abcdef", "rows": [-1], "points": {}}',
        b'{"run": "0123456789abcdef", "rows": [0], "points": {"SPY.XNYS": -5}}',
        b'{"run": "0123456789abcdef", "rows": [0], "points": {"SPY.XNYS": 9223372036854775807}}',
        bytes(4096),
    ],
)
def test_numbers_that_were_never_given_begin_another_run(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "numbers.json"
    path.write_bytes(junk)
    made = Numbering(path, 1)
    assert (made.rows, made.points) == ([0], {})
    made.reserve([1], {"SPY.XNYS": 1})
    assert made.run == Numbering(path, 1).run


def test_the_highest_number_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_bytes(b'{"run": "0123456789abcdef", "rows": [%d], "points": {}}' % MOST)
    assert Numbering(path, 1).rows == [MOST]


def test_a_damaged_journal_says_how_to_mend_it_and_is_mended_so(tmp_path: Path) -> None:
    """The remedy, to the letter: the later files removed, and the command that is printed."""
    with Journal.open(tmp_path, segment_bytes=40) as journal:
        for number in range(9):
            journal.append(b"%09d" % number)
    path = sorted(tmp_path.glob("*.log"))[1]
    data = bytearray(path.read_bytes())
    data[FRAME.size] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalError, match="remove the later") as fault:
        Journal.open(tmp_path)
    for later in sorted(tmp_path.glob("*.log"))[2:]:
        later.unlink()
    command = str(fault.value).partition("run: ")[2]
    assert os.system(command) == 0
    with Journal.open(tmp_path) as again:
        assert [int(bytes(payload)) for _, payload in again.read()] == [0, 1]
