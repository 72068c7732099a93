"""Files of ours on disk: replaced whole, locked by one, opened by any name that a folder may have."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agents.web.reader import Reader, Span
from agents.web.store import Store
from streams.files import replace_file, replacing, taken
from streams.news.seen_items import SeenItems, read_states
from streams.sqlite_file import LayoutError, opened, opened_read_only

ODD = ("what?mode=rwc", "no#fragment", "100%25", "a b\u00e9")
TABLE = "CREATE TABLE IF NOT EXISTS t (x);"


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_whole_and_nothing_else_is_left(
    tmp_path: Path, *, durable: bool
) -> None:
    path = tmp_path / "state.json"
    replace_file(path, b"one", durable=durable, mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    replace_file(path, b"two", durable=durable, part=tmp_path / "other")
    assert path.read_bytes() == b"two"
    with pytest.raises(ZeroDivisionError), replacing(path, durable=durable) as fresh:
        fresh.write_bytes(b"half" * (1 // 0))
    assert path.read_bytes() == b"two"
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_a_lock_is_one_holder_s_until_it_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open("w") as second:
        assert taken(first.fileno())
        assert not taken(second.fileno())
        first.close()
        assert taken(second.fileno(), wait=True)


@pytest.mark.parametrize("name", ODD)
def test_a_folder_of_any_name_is_read(tmp_path: Path, name: str) -> None:
    """`?`, `#` and `%` mean something in the URI by which SQLite opens a file for reading."""
    folder = tmp_path / name
    folder.mkdir()
    with closing(SeenItems(folder / "news.sqlite")) as book:
        book.save("feed", b"state")
    assert read_states(folder / "news.sqlite") == {"feed": b"state"}
    with Store(folder / "web.sqlite"):
        reader = Reader(folder / "web.sqlite")
        assert reader.headlines(Span()) == []
        reader.close()
    assert {each.name for each in tmp_path.iterdir()} == {name}


def test_a_file_that_is_read_only_is_neither_made_nor_written(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        opened_read_only(tmp_path / "none.sqlite")
    path = tmp_path / "some.sqlite"
    opened(path, TABLE, 1, synchronous="FULL", threads=False).close()
    base = opened_read_only(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        base.execute("INSERT INTO t VALUES (1)")
    base.close()


def test_a_file_of_another_layout_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite"
    opened(path, TABLE, 2, synchronous="FULL", threads=False).close()
    before = path.read_bytes()
    with pytest.raises(LayoutError, match="layout 2, this program reads 1"):
        opened(path, "CREATE TABLE other (x);", 1, synchronous="FULL", threads=False)
    assert path.read_bytes() == before
