"""The list of files of ours in a folder of the user's: what it knows, and what nobody may touch."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agents.machine.own_files import LIST, OwnFiles
from streams.errors import UsageError


def test_what_was_made_here_is_ours_also_in_a_copy(tmp_path: Path) -> None:
    own = OwnFiles(tmp_path)
    own.put("a.jsonl", b"one")
    own.put("deep/b.txt", b"two")
    own.put("a.jsonl", b"another")
    again = OwnFiles(tmp_path)
    assert again.foreign(["a.jsonl", "deep/b.txt", "none"]) == []
    (tmp_path / "a.jsonl").write_bytes(b"one")  # what it held before a crash
    assert again.foreign(["a.jsonl"]) == []
    copy = tmp_path.with_name(f"{tmp_path.name}-copy")
    tmp_path.rename(copy)
    assert OwnFiles(copy).foreign(["a.jsonl", "deep/b.txt"]) == []


def test_a_file_that_is_not_ours_is_named_and_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    own = OwnFiles(tmp_path)
    own.put("changed", b"ours")
    (tmp_path / "changed").write_bytes(b"mine")
    assert own.foreign(["mine", "changed"]) == ["mine", "changed"]
    own.remove(["mine", "changed"])
    assert (tmp_path / "mine").read_bytes() == (tmp_path / "changed").read_bytes() == b"mine"


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    folder.mkdir()
    (outside / "b").write_bytes(b"ours")
    own = OwnFiles(folder)
    own.put("a", b"ours")
    (folder / "link").symlink_to(outside)
    (folder / "b").symlink_to(outside / "b")
    assert own.foreign(["link/b", "b"]) == ["link/b", "b"]
    own.put("b", b"new")  # the link is replaced, not what it leads to
    assert (outside / "b").read_bytes() == b"ours"


@pytest.mark.parametrize("text", [b"", b"mine\n", b"\xff\xfe"])
def test_a_list_of_somebody_else_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / LIST).write_bytes(text)
    with pytest.raises(UsageError, match="no file of newsquake's"):
        OwnFiles(tmp_path)


def test_the_list_is_one_that_sha256sum_checks(tmp_path: Path) -> None:
    OwnFiles(tmp_path).put("a.jsonl", b"one")
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", LIST], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout == b"a.jsonl: OK\n"
