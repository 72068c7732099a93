"""A replay that is killed, at any moment and any number of times, ends with the same result."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.machine.own_files import LIST
from agents.replay.play.own_results import JOURNAL
from tests.killing import PATIENCE_S, Moment, Running
from tests.running import (
    Plain,
    contents,
    demo_day,
    newsquake,
    nine_stocks,
    recomputed_sha256,
    refusal,
    replayed,
    summary_of,
)

pytestmark = pytest.mark.slow

DEMO_SPEED = 5_000  # 78,700 s of event time without its gaps: sixteen seconds
R2_SPEED = 60_000  # 969,600 s: sixteen seconds
FRAMES = ((), ("--frame", 7), ("--frame", 1000))
SEED = 20250924


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


def killed_often(
    folder: Path, out: Path, speed: int, moments: tuple[Moment, ...], seed: int
) -> Plain:
    """Kill one replay at each of the moments, go on after each, and return the last summary.

    Every run says whether it goes on from a checkpoint; it does as soon as there is one.
    """
    rng = random.Random(seed)
    for moment in moments:
        resumes = (out / JOURNAL / "checkpoint").exists()
        words = () if moment == "writing" else ("--speed", speed)
        run = Running(folder, out, *words, *rng.choice(FRAMES))
        run.kill_at(moment, rng)
        assert ("resuming at row" in run.said()) == resumes
    assert (out / JOURNAL / "checkpoint").exists()
    return replayed(folder, out)


def same_as(whole: Path, out: Path, last: Plain) -> None:
    """Assert that OUT holds what an uninterrupted run leaves, and nothing of the crashes."""
    assert last["output_sha256"] == summary_of(whole)["output_sha256"] == recomputed_sha256(out)
    for path in sorted(whole.glob("*.jsonl")):
        assert (out / path.name).read_bytes() == path.read_bytes(), path.name
    names = {path.name for path in whole.iterdir() if path.is_file()}
    assert {path.name for path in out.iterdir()} == names


def test_demo_day_survives_five_kills(base: Path, tmp_path: Path) -> None:
    whole, _ = demo_day(base)
    moments: tuple[Moment, ...] = ("begun", "saved", "begun", "saved", "saved")
    last = killed_often(whole / "replay", tmp_path / "out", DEMO_SPEED, moments, SEED)
    assert last["resumed"] is True
    same_as(whole, tmp_path / "out", last)


def test_r2_survives_five_kills(shared_data: Path, base: Path, tmp_path: Path) -> None:
    folder, whole = nine_stocks(base, shared_data)
    moments: tuple[Moment, ...] = ("begun", "saved", "begun", "saved", "writing")
    last = killed_often(folder, tmp_path / "out", R2_SPEED, moments, SEED + 1)
    assert last["resumed"] is True
    same_as(whole, tmp_path / "out", last)


@pytest.fixture(scope="module")
def crashed(base: Path) -> Path:
    """Return an OUT whose replay of the demo day was killed after a checkpoint."""
    whole, _ = demo_day(base)
    out = base / "crashed"
    run = Running(whole / "replay", out, "--speed", DEMO_SPEED)
    run.kill_at("saved", random.Random(SEED))
    return out


def last_segment(out: Path) -> Path:
    return max(path for path in (out / JOURNAL).iterdir() if path.suffix == ".log")


def with_garbage(out: Path) -> None:
    with last_segment(out).open("ab") as file:
        file.write(random.Random(SEED).randbytes(1000))


def with_zeros(out: Path) -> None:
    """Append what a file system leaves that grew the file before it wrote the data."""
    with last_segment(out).open("ab") as file:
        file.write(bytes(4096))


def cut_by(count: int) -> Callable[[Path], None]:
    def cut(out: Path) -> None:
        path = last_segment(out)
        path.write_bytes(path.read_bytes()[:-count])

    return cut


def without_checkpoint(out: Path) -> None:
    (out / JOURNAL / "checkpoint").unlink()


def with_half_a_checkpoint(out: Path) -> None:
    path = out / JOURNAL / "checkpoint"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_an_unfinished_checkpoint(out: Path) -> None:
    (out / JOURNAL / "checkpoint.tmp").write_bytes(b"NQCKPT1\n")


def without_segments(out: Path) -> None:
    """Leave what a crash leaves that comes while a finished replay removes its journal."""
    for path in (out / JOURNAL).iterdir():
        if path.name != "checkpoint":
            path.unlink()


def without_lock(out: Path) -> None:
    (out / JOURNAL / "lock").unlink()


@pytest.mark.parametrize(
    ("spoil", "resumes"),
    [
        (with_garbage, True),
        (with_zeros, True),
        (with_an_unfinished_checkpoint, True),
        (without_lock, True),
        (cut_by(3), None),  # whether the checkpoint still holds depends on the moment of the kill
        (cut_by(4000), None),
        (without_checkpoint, False),
        (with_half_a_checkpoint, False),
        (without_segments, False),
    ],
    ids=[
        *("garbage", "zeros", "unfinished-checkpoint", "no-lock", "cut-3", "cut-4000"),
        *("no-checkpoint", "half-a-checkpoint", "no-segments"),
    ],
)
def test_a_torn_journal_is_mended(
    base: Path, crashed: Path, tmp_path: Path, spoil: Callable[[Path], None], resumes: bool | None
) -> None:
    whole, _ = demo_day(base)
    out = tmp_path / "out"
    shutil.copytree(crashed, out)
    spoil(out)
    last = replayed(whole / "replay", out)
    assert resumes is None or last["resumed"] is resumes
    same_as(whole, out, last)


def test_a_checkpoint_of_other_inputs_is_not_used(
    base: Path, crashed: Path, tmp_path: Path
) -> None:
    """One headline less: the journal in OUT is that of another replay, which starts afresh."""
    whole, _ = demo_day(base)
    folder, out = tmp_path / "folder", tmp_path / "out"
    shutil.copytree(whole / "replay", folder)
    shutil.copytree(crashed, out)
    feed = folder / "feeds" / "filings.xml"
    before, _, after = feed.read_text("utf-8").rpartition("<item>")
    feed.write_text(before + after.partition("</item>\n")[2], "utf-8")
    last = replayed(folder, out)
    fresh = replayed(folder, tmp_path / "fresh")
    assert last["resumed"] is False
    assert last["headlines"] == summary_of(whole)["headlines"] - 1
    assert last["output_sha256"] == fresh["output_sha256"] == recomputed_sha256(out)


@pytest.fixture
def busy(base: Path, tmp_path: Path) -> Iterator[Running]:
    """Give a replay that runs, and kill it in the end."""
    whole, _ = demo_day(base)
    run = Running(whole / "replay", tmp_path / "out", "--speed", DEMO_SPEED)
    yield run
    run.process.kill()
    run.process.wait(PATIENCE_S)


def test_two_replays_do_not_share_one_out(base: Path, busy: Running) -> None:
    whole, _ = demo_day(base)
    busy.wait_for("begun")
    done = newsquake("replay", whole / "replay", "--out", busy.out)
    assert done.returncode == 1
    assert str(busy.out) in refusal(done)
    assert str(busy.process.pid) in refusal(done)
    busy.kill()
    same_as(whole, busy.out, replayed(whole / "replay", busy.out))


def test_an_interrupt_says_how_to_go_on(base: Path, busy: Running) -> None:
    whole, _ = demo_day(base)
    busy.wait_for("saved")
    busy.process.send_signal(signal.SIGINT)
    assert busy.process.wait(PATIENCE_S) == 128 + signal.SIGINT
    assert busy.said().splitlines()[-1].startswith("newsquake: interrupted")
    assert "Traceback" not in busy.said()
    assert not (busy.out / "summary.json").exists()
    last = replayed(whole / "replay", busy.out)
    assert last["resumed"] is True
    same_as(whole, busy.out, last)


def test_results_of_an_earlier_replay_are_gone_while_another_runs(
    base: Path, busy: Running
) -> None:
    """`summary.json` means a whole result: one that no longer belongs here must not stay."""
    whole, _ = demo_day(base)
    busy.wait_for("begun")
    busy.kill()
    for name, data in contents(whole).items():
        if "/" not in name:
            (busy.out / name).write_bytes(data)
    shutil.rmtree(busy.out / JOURNAL)
    again = Running(whole / "replay", busy.out, "--speed", DEMO_SPEED)
    again.wait_for("saved")
    again.kill()
    assert [path.name for path in busy.out.iterdir() if path.is_file()] == [LIST]
