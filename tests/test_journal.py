from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import segment as segment_module
from streams.errors import JournalError
from streams.journal import Fsync, Journal
from streams.segment import FRAME, MAX_RECORD

PAYLOADS = st.lists(st.binary(max_size=40), max_size=30)
HEAD = FRAME.size


def filled(folder: Path, payloads: Sequence[bytes], segment_bytes: int = 2**20) -> Path:
    with Journal.open(folder, segment_bytes=segment_bytes, fsync="never") as journal:
        for number, payload in enumerate(payloads):
            assert journal.append(payload) == number
    return folder


def contents(folder: Path) -> list[bytes]:
    with Journal.open(folder) as journal:
        return [bytes(payload) for _, payload in journal.read()]


def logs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


@given(PAYLOADS, st.integers(1, 200))
def test_what_was_appended_is_read_in_order_across_segments(
    payloads: list[bytes], segment_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = filled(Path(name), payloads, segment_bytes)
        with Journal.open(folder, segment_bytes=segment_bytes, fsync="never") as journal:
            assert journal.next_offset == len(payloads)
            for start in range(len(payloads) + 2):
                read = [(number, bytes(payload)) for number, payload in journal.read(start)]
                assert read == list(enumerate(payloads))[start:]
            assert (journal.recovered_bytes, journal.problems) == (0, [])


def test_a_reader_sees_what_was_there_when_it_asked(tmp_path: Path) -> None:
    with Journal.open(tmp_path, segment_bytes=64) as journal:
        for number in range(10):
            journal.append(b"early %d" % number)
        reading = journal.read(8)
        for _ in range(10):
            journal.append(b"late")
        assert [bytes(payload) for _, payload in reading] == [b"early 8", b"early 9"]
        assert len(list(journal.read())) == 20


def test_appending_goes_on_after_reopening(tmp_path: Path) -> None:
    for number in range(5):
        with Journal.open(tmp_path, segment_bytes=40) as journal:
            assert journal.append(b"record %d" % number) == number
    assert contents(tmp_path) == [b"record %d" % number for number in range(5)]


@settings(max_examples=15)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=6), st.sampled_from([30, 2**20]))
def test_a_cut_at_any_byte_recovers_the_records_before_it(
    payloads: list[bytes], segment_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        whole = filled(Path(name, "whole"), payloads, segment_bytes)
        last = logs(whole)[-1]
        data, earlier = last.read_bytes(), int(last.stem)
        ends = [0]
        for payload in payloads[earlier:]:
            ends.append(ends[-1] + HEAD + len(payload))
        for size in range(len(data) + 1):
            torn = Path(name, f"torn{size}")
            shutil.copytree(whole, torn)
            os.truncate(torn / last.name, size)
            intact = sum(end <= size for end in ends) - 1
            with Journal.open(torn, fsync="never") as journal:
                assert journal.next_offset == earlier + intact
                assert journal.recovered_bytes == size - ends[intact]
                journal.append(b"next")
            assert contents(torn) == [*payloads[: earlier + intact], b"next"]


@pytest.mark.parametrize("tail", [bytes(5000), b"\xff" * 5000, b"\x01\x02\x03", os.urandom(3000)])
def test_a_tail_that_is_no_record_is_cut(tmp_path: Path, tail: bytes) -> None:
    filled(tmp_path, [b"one", b"two"])
    with logs(tmp_path)[0].open("ab") as file:
        file.write(tail)
    with Journal.open(tmp_path) as journal:
        assert journal.recovered_bytes == len(tail)
    assert contents(tmp_path) == [b"one", b"two"]


def test_a_damaged_last_record_is_cut(tmp_path: Path) -> None:
    path = logs(filled(tmp_path, [b"one", b"two", b"three"]))[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with Journal.open(tmp_path) as journal:
        assert journal.recovered_bytes == HEAD + 5
    assert contents(tmp_path) == [b"one", b"two"]


def test_every_flipped_byte_before_the_last_record_is_told_and_nothing_is_cut(
    tmp_path: Path,
) -> None:
    path = logs(filled(tmp_path, [b"first", b"", b"third", b"last"]))[0]
    data = path.read_bytes()
    starts = [0, HEAD + 5, 2 * HEAD + 5, 3 * HEAD + 10]
    for at in range(starts[-1]):
        flipped = bytearray(data)
        flipped[at] ^= 0x10
        path.write_bytes(flipped)
        record = sum(start <= at for start in starts) - 1
        with pytest.raises(JournalError) as caught:
            Journal.open(tmp_path)
        message = str(caught.value)
        assert message.startswith(f"{path}: record {record} at byte {starts[record]} is damaged")
        assert f"truncate -s {starts[record]} {path}" in message
        assert path.read_bytes() == flipped


def test_damage_in_an_earlier_segment_is_told(tmp_path: Path) -> None:
    filled(tmp_path, [b"%03d" % number for number in range(12)], segment_bytes=50)
    middle = logs(tmp_path)[1]
    data = bytearray(middle.read_bytes())
    data[HEAD] ^= 1
    middle.write_bytes(data)
    with pytest.raises(JournalError, match=f"{middle.name}: record 4 at byte 0 is damaged"):
        Journal.open(tmp_path)


def test_the_mend_that_the_error_names_works(tmp_path: Path) -> None:
    filled(tmp_path, [b"%03d" % number for number in range(12)], segment_bytes=50)
    middle, *later = logs(tmp_path)[1:]
    data = bytearray(middle.read_bytes())
    data[2 * HEAD + 4] ^= 1
    middle.write_bytes(data)
    with pytest.raises(JournalError) as caught:
        Journal.open(tmp_path)
    for path in later:
        path.unlink()
    command = str(caught.value).rsplit("run: ", 1)[1]
    subprocess.run(command.split(), check=True)
    assert contents(tmp_path) == [b"000", b"001", b"002", b"003", b"004"]


def test_a_segment_that_is_gone_is_told(tmp_path: Path) -> None:
    filled(tmp_path, [b"%03d" % number for number in range(12)], segment_bytes=50)
    first, second, _ = logs(tmp_path)
    second.unlink()
    with pytest.raises(JournalError, match="record 4 at byte 44 is damaged or missing"):
        Journal.open(tmp_path)
    first.unlink()
    with pytest.raises(JournalError, match=r"records 0\.\.7 are gone"):
        Journal.open(tmp_path)


def test_what_lies_before_the_checkpoint_is_verified_when_it_is_read(tmp_path: Path) -> None:
    with Journal.open(tmp_path, segment_bytes=50) as journal:
        for number in range(12):
            journal.append(b"%03d" % number)
        journal.checkpoint(b"state")
    oldest = logs(tmp_path)[0]
    oldest.write_bytes(oldest.read_bytes()[: HEAD + 3 + HEAD])
    with Journal.open(tmp_path) as journal:
        assert next(bytes(payload) for _, payload in journal.read(8)) == b"008"
        with pytest.raises(JournalError, match="record 1 at byte 11"):
            list(journal.read())
        with pytest.raises(JournalError, match="record 1 at byte 11"):
            journal.truncate_to(2)


def test_a_checkpoint_comes_back_and_the_newest_wins(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() is None
        journal.append(b"one")
        journal.checkpoint(b"state 1")
        journal.append(b"two")
        journal.checkpoint(b"")
        journal.append(b"three")
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() == (2, b"")
        assert [bytes(payload) for _, payload in journal.read(2)] == [b"three"]
        assert not (tmp_path / "checkpoint.tmp").exists()


def test_a_crash_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.append(b"one")
        journal.checkpoint(b"whole")
    (tmp_path / "checkpoint.tmp").write_bytes(b"NQCKPT1\nhal")
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() == (1, b"whole")
        journal.checkpoint(b"next")
        assert journal.last_checkpoint() == (1, b"next")


def test_a_checkpoint_beyond_the_end_is_set_aside_for_good(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        for _ in range(3):
            journal.append(b"record")
        journal.checkpoint(b"after three")
    os.truncate(logs(tmp_path)[0], 2 * (HEAD + 6))
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() is None
        (problem,) = journal.problems
        assert problem.startswith("the checkpoint is at 3, the journal ends at 2; it is kept as")
        journal.append(b"other")
        journal.append(b"other")
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() is None  # it did not come true again
        assert journal.problems == []


@pytest.mark.parametrize("damage", [b"", b"junk", b"NQCKPT1\n" + bytes(20), b"flip"])
def test_a_damaged_checkpoint_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    with Journal.open(tmp_path) as journal:
        journal.append(b"record")
        journal.checkpoint(b"state")
    path = tmp_path / "checkpoint"
    path.write_bytes(path.read_bytes()[:-1] + b"X" if damage == b"flip" else damage)
    with Journal.open(tmp_path) as journal:
        assert journal.last_checkpoint() is None
        assert len(journal.problems) == 1
        assert len(list(journal.read())) == 1


@given(PAYLOADS, st.integers(1, 120), st.data())
def test_truncating_keeps_exactly_the_records_before(
    payloads: list[bytes], segment_bytes: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(payloads)))
    marked = data.draw(st.integers(0, len(payloads)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Journal.open(folder, segment_bytes=segment_bytes, fsync="never") as journal:
            for number, payload in enumerate(payloads):
                if number == marked:
                    journal.checkpoint(b"state")
                journal.append(payload)
            journal.truncate_to(at)
            assert journal.next_offset == at
            assert journal.append(b"new") == at
            known = marked < len(payloads) and marked <= at
            assert journal.last_checkpoint() == ((marked, b"state") if known else None)
        assert contents(folder) == [*payloads[:at], b"new"]


def test_truncating_past_the_end_is_refused(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.append(b"record")
        for offset in (-1, 2):
            with pytest.raises(JournalError, match=f"no record {offset}"):
                journal.truncate_to(offset)


def test_a_second_writer_is_refused_by_name(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.append(b"mine")
        with pytest.raises(JournalError, match=f"process {os.getpid()} has it open; stop that one"):
            Journal.open(tmp_path)
        journal.append(b"still mine")
    assert len(contents(tmp_path)) == 2


def test_a_failed_opening_frees_the_lock(tmp_path: Path) -> None:
    path = logs(filled(tmp_path, [b"one", b"two"]))[0]
    good = path.read_bytes()
    path.write_bytes(b"\xff" + good[1:])
    with pytest.raises(JournalError, match="record 0"):
        Journal.open(tmp_path)
    path.write_bytes(good)
    assert contents(tmp_path) == [b"one", b"two"]


def test_a_folder_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal.open(tmp_path / "file")


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.close()
    for call in (lambda: journal.append(b""), journal.flush, lambda: journal.checkpoint(b"")):
        with pytest.raises(JournalError, match="it is closed"):
            call()
    journal.close()


def test_a_record_over_the_limit_is_refused_and_the_journal_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_RECORD == 256 * 2**20
    monkeypatch.setattr("streams.journal.MAX_RECORD", 100)
    with Journal.open(tmp_path) as journal:
        with pytest.raises(JournalError, match="a record over 100 bytes"):
            journal.append(bytes(101))
        assert journal.append(b"small") == 0


def test_after_a_failed_write_nothing_is_taken_until_it_is_opened_again(tmp_path: Path) -> None:
    # A file size limit is the nearest thing to a full disk that a process can give itself.
    script = """
import resource, signal, sys
from pathlib import Path
from streams.errors import JournalError
from streams.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with Journal.open(Path(sys.argv[1])) as journal:
    for number in range(9):
        journal.append(b"%099d" % number)
    journal.flush()
    journal.append(b"x" * 99)
    for call in (journal.flush, lambda: journal.append(b"y"), lambda: journal.checkpoint(b"z")):
        try:
            call()
        except JournalError as fault:
            print(fault)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], check=True, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all("a write failed" in line and "open the journal again" in line for line in lines)
    with Journal.open(tmp_path) as journal:
        assert journal.next_offset == 9
        assert journal.recovered_bytes == 1000 - 9 * (HEAD + 99)


def test_a_search_that_takes_too_long_counts_as_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    tail = memoryview(bytes(8) + b"\x01" * 500 + b"\x10\0\0\0" * 50)
    assert not segment_module.intact_after(tail, 0)
    monkeypatch.setattr(segment_module, "_SEARCH_BYTES", 100)
    assert segment_module.intact_after(tail, 0)


@pytest.mark.parametrize("fsync", ["never", "checkpoint", "always"])
def test_every_record_is_in_the_file_when_it_should_be(tmp_path: Path, fsync: Fsync) -> None:
    with Journal.open(tmp_path, fsync=fsync) as journal:
        journal.append(b"record")
        size = logs(tmp_path)[0].stat().st_size
        assert size == (HEAD + 6 if fsync == "always" else 0)
        journal.flush()
        assert logs(tmp_path)[0].stat().st_size == HEAD + 6


WRITER = """
import sys
from pathlib import Path
from streams.journal import Journal
with Journal.open(Path(sys.argv[1]), segment_bytes=20_000) as journal:
    print("ready", flush=True)
    while True:
        number = journal.append(b"%d" % journal.next_offset * 7)
        if number % 37 == 0:
            journal.checkpoint(b"%d" % journal.next_offset)
"""


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(6))
def test_a_killed_writer_loses_nothing_before_its_last_checkpoint(
    tmp_path: Path, round_: int
) -> None:
    for life in range(3):  # the journal is torn, mended and torn again
        process = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE)
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.05 + 0.013 * round_ + 0.031 * life)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with Journal.open(tmp_path) as journal:
            checkpoint = journal.last_checkpoint()
            assert journal.problems == []
            assert checkpoint
            assert checkpoint[1] == b"%d" % checkpoint[0]
            assert journal.next_offset >= checkpoint[0] > 0
            for number, payload in journal.read():
                assert payload == b"%d" % number * 7
