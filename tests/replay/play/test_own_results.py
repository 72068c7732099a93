"""OUT is the user's folder: results replace those of a replay, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agents.machine.own_files import LIST
from agents.replay.play.own_results import JOURNAL, OLD_JOURNAL
from streams.journal import Journal
from tests.replay.small_folder import write_small_folder
from tests.running import contents, newsquake, recomputed_sha256, refusal, replayed, summary_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_folder(tmp_path_factory.mktemp("own") / "small")


@pytest.fixture
def out(folder: Path, tmp_path: Path) -> Path:
    """Return the OUT of a whole replay."""
    replayed(folder, tmp_path / "out")
    return tmp_path / "out"


def as_old(out: Path) -> None:
    """Leave of OUT what an earlier release would have left: no list, its journal under another name."""
    (out / LIST).unlink()
    if (out / JOURNAL).exists():
        (out / JOURNAL).rename(out / OLD_JOURNAL)


def refused(folder: Path, out: Path, *more: object) -> str:
    before = contents(out)
    done = newsquake("replay", folder, "--out", out, *more)
    assert done.returncode == 2, done.stderr
    assert contents(out) == before
    return refusal(done)


def test_a_replay_replaces_its_own_results(folder: Path, out: Path) -> None:
    assert replayed(folder, out)["output_sha256"] == recomputed_sha256(out)
    assert not (out / JOURNAL).exists()


def test_results_of_an_earlier_release_are_known_by_their_hash(folder: Path, out: Path) -> None:
    as_old(out)
    assert replayed(folder, out)["output_sha256"] == recomputed_sha256(out)
    as_old(out)
    (out / "moves.jsonl").write_bytes(b"mine\n")
    assert "summary.json is not as a replay left it: move it away" in refused(folder, out)


@pytest.mark.parametrize("name", ["summary.json", "moves.jsonl", "reactions.parquet"])
def test_files_of_others_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_bytes(b'{"mine": true}')
    assert f"{name} is not as a replay left it" in refused(folder, out)


def test_a_result_that_the_user_changed_is_refused(folder: Path, out: Path) -> None:
    (out / "moves.jsonl").write_bytes(b"mine\n")
    assert "moves.jsonl is not as a replay left it" in refused(folder, out)
    (out / "moves.jsonl").unlink()
    replayed(folder, out)


def test_a_folder_journal_of_the_user_s_stays(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mine = {"journal/lock": b"mine", "journal/2026/diary.txt": b"mine"}
    for name, data in mine.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    replayed(folder, out)
    assert mine.items() <= contents(out).items()


def _link(out: Path, outside: Path) -> None:
    (out / JOURNAL).symlink_to(outside)


def _notes(out: Path, _outside: Path) -> None:
    (out / JOURNAL).mkdir()
    (out / JOURNAL / "notes.txt").write_bytes(b"mine")


def _list(out: Path, outside: Path) -> None:
    (out / LIST).symlink_to(outside / "lock")


@pytest.mark.parametrize("lay", [_link, _notes, _list])
def test_what_lies_where_ours_would_be_is_refused(
    folder: Path, tmp_path: Path, lay: Callable[[Path, Path], None]
) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (outside / "lock").write_bytes(b"mine")
    lay(out, outside)
    assert "move it away" in refused(folder, out)
    assert contents(outside) == {"lock": b"mine"}


def test_a_journal_of_an_earlier_release_is_taken_over(folder: Path, tmp_path: Path) -> None:
    """It is of another replay here, so that this one starts afresh; tests/compatibility resumes one."""
    out = tmp_path / "out"
    with Journal.open(out / OLD_JOURNAL) as journal:
        journal.append(b"record")
        journal.checkpoint(b"state")
    (out / "moves.jsonl").write_bytes(b"of that replay, cut off while it wrote\n")
    assert replayed(folder, out)["resumed"] is False
    assert {each.name for each in out.iterdir()} == {LIST, "summary.json", "reactions.parquet"} | {
        each.name for each in out.glob("*.jsonl")
    }
    assert summary_of(out)["output_sha256"] == recomputed_sha256(out)


def test_a_prometheus_of_the_user_s_is_not_taken_for_a_backfill_s(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "prometheus" / "data").mkdir(parents=True)
    (out / "prometheus" / "data" / "wal").write_bytes(b"mine")
    (out / "prometheus" / "prometheus.yml").write_bytes(b"scrape_configs: [mine]\n")
    assert "was not made by a backfill" in refused(folder, out, "--backfill", "prometheus")


@pytest.mark.parametrize("name", ["replay/replay.toml", "replay/feeds/wire.xml", "summary.json"])
def test_the_demo_leaves_files_of_others(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    done = newsquake("demo", "--out", tmp_path, "--speed", "max")
    assert done.returncode == 2, done.stderr
    assert name in refusal(done)
    assert contents(tmp_path) == {name: b"mine"}
