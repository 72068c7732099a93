"""What a message says to do about a file is done to the letter, and the program goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agents.archive.folder import MANIFEST, begun
from agents.delivery.database import OutboxDatabase
from agents.demo.folder import FOLDER, own_day
from agents.dev import servers
from agents.machine.folders import state_home
from agents.machine.own_files import LIST, OwnFiles
from agents.replay.play.own_results import JOURNAL, refuse_overwriting
from agents.web.store import Store
from streams.errors import NewsquakeError
from streams.news.seen_items import SeenItems

FOREIGN = b"nothing of the kind, " * 100


class Case(NamedTuple):
    """A file that is in the way, what fails then, and what the message says to do about it."""

    path: Path
    begin: Callable[[], Any]
    remedy: str


def list_of_files(base: Path) -> Case:
    (base / LIST).write_bytes(FOREIGN)
    return Case(base / LIST, lambda: OwnFiles(base), "move it away")


def replay_journal(base: Path) -> Case:
    (base / JOURNAL).write_bytes(FOREIGN)
    return Case(base / JOURNAL, lambda: refuse_overwriting(base, []), "move it away")


def replay_result(base: Path) -> Case:
    (base / "summary.json").write_bytes(FOREIGN)
    return Case(base / "summary.json", lambda: refuse_overwriting(base, []), "move it away")


def demo_day_file(base: Path) -> Case:
    (base / FOLDER).mkdir()
    path = base / FOLDER / "replay.toml"
    path.write_bytes(FOREIGN)
    return Case(path, lambda: own_day(base), "move it away")


def finished_export(base: Path) -> Case:
    folder = base / "kept"
    folder.mkdir()
    (folder / MANIFEST).write_text("{}")

    def begin() -> None:
        with begun(folder, []):
            pass

    return Case(folder, begin, "remove it")


def state_of_servers(_: Path) -> Case:
    path = state_home() / "dev" / "state.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(FOREIGN)
    return Case(path, servers.dev_down, "remove it")


CASES = [list_of_files, replay_journal, replay_result, demo_day_file, finished_export, state_of_servers]  # fmt: skip


@pytest.mark.parametrize("lay", CASES)
def test_what_is_in_the_way_is_moved_or_removed_as_the_message_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lay: Callable[[Path], Case]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    base = tmp_path / "desk"
    base.mkdir()
    case = lay(base)
    with pytest.raises(NewsquakeError) as said:
        case.begin()
    assert str(case.path.relative_to(tmp_path).name) in str(said.value)
    assert case.remedy in str(said.value)
    if case.remedy == "remove it":
        shutil.rmtree(case.path) if case.path.is_dir() else case.path.unlink()
    else:
        case.path.rename(tmp_path / "away")
    case.begin()


def seen(path: Path) -> SeenItems:
    return SeenItems(path)


def outbox(path: Path) -> OutboxDatabase:
    return OutboxDatabase(path)


def store(path: Path) -> Store:
    return Store(path)


def left_by_a_kill(path: Path, make: Callable[[Path], Any]) -> None:
    """Make a database as a kill leaves it: what was written last is in the file beside it."""
    live = path.parent / "live"
    live.mkdir()
    with closing(make(live / path.name)):
        for each in live.iterdir():
            shutil.copy(each, path.parent)


@pytest.mark.parametrize("make", [seen, outbox, store])
def test_a_damaged_database_is_moved_away_and_a_new_one_is_begun(
    tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    path = tmp_path / "own.sqlite"
    left_by_a_kill(path, make)
    assert path.with_name("own.sqlite-wal").stat().st_size
    for name in ("own.sqlite-wal", "own.sqlite-shm"):
        os.truncate(path.with_name(name), 100)  # torn as well: its pages are gone
    path.write_bytes(FOREIGN)
    with pytest.raises(NewsquakeError) as said:
        make(path)
    assert str(said.value).startswith(f"{path}: ")
    assert ". Move it away" in str(said.value)
    path.rename(tmp_path / "away")  # that alone: the message names no other file
    for _ in range(2):
        make(path).close()
    assert (tmp_path / "away").read_bytes() == FOREIGN
