"""A spool gives back what it took, in order, from where it was acknowledged, and the disk as well."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import JournalError
from streams.spool import READ_BYTES, Spool


def taken(spool: Spool) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while more := spool.take():
        found += more
    return found


def kept(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.log"))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.binary(max_size=40)),
        st.tuples(st.just("take"), st.just(b"")),
        st.tuples(st.just("acknowledge"), st.binary(min_size=1, max_size=1)),
        st.tuples(st.just("reopen"), st.just(b"")),
    ),
    max_size=60,
)


@given(steps=steps, journal_bytes=st.integers(1, 200))
def test_it_is_a_queue_that_outlives_its_process(
    steps: list[tuple[str, bytes]], journal_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, journal_bytes)
    everything: list[bytes] = []
    front = at = 0
    for what, data in steps:
        if what == "append":
            assert spool.append(data) == len(everything)
            everything.append(data)
        elif what == "acknowledge":
            front = max(front, at - data[0] % 5)
            spool.acknowledge(front)
        else:
            if what == "reopen":
                spool.close()
                spool, at = Spool(folder, journal_bytes), front
            assert taken(spool) == list(enumerate(everything))[at:]
            at = len(everything)
        assert spool.next == len(everything)
    spool.close()


def test_the_disk_is_given_back_under_a_load_that_never_pauses(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000)
    for number in range(2_000):
        spool.append(bytes(100))
        spool.take()
        spool.acknowledge(max(0, number - 50))  # there are always some under way
    assert kept(tmp_path) < 3 * 10_000
    assert len(list(tmp_path.iterdir())) < 5
    spool.close()


def test_a_record_longer_than_a_read_is_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    records = [os.urandom(size) for size in (10, 3 * READ_BYTES + 1, READ_BYTES, 7)]
    for record in records:
        spool.append(record)
    assert [record for _, record in taken(spool)] == records
    spool.close()


def test_a_second_process_is_kept_out_even_as_journals_change(tmp_path: Path) -> None:
    with_first = Spool(tmp_path, 50)
    for _ in range(5):
        with_first.append(bytes(30))
        with pytest.raises(JournalError, match="has it open"):
            Spool(tmp_path, 50)
    with_first.close()
    Spool(tmp_path, 50).close()


def test_damage_is_an_error_not_a_gap(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100)
    for number in range(10):
        spool.append(bytes([number]) * 40)
    spool.close()
    first = next(path for path in sorted(tmp_path.rglob("*.log")) if path.stat().st_size)
    first.write_bytes(first.read_bytes().replace(bytes([1]) * 40, bytes([99]) * 40))
    spool = Spool(tmp_path, 100)
    with pytest.raises(JournalError, match="record 1 at byte 48 is damaged"):
        taken(spool)
    spool.close()


APPENDING = """
import sys
from pathlib import Path
from streams.spool import Spool
spool = Spool(Path(sys.argv[1]), 2000)
for number in range(10**9):
    spool.append(b"%d" % number)
    spool.acknowledge(number // 2)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 700, 3000])
def test_what_was_appended_outlives_kill_9(lines: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", APPENDING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as child:
        assert child.stdout
        for _ in range(lines):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        said = [int(line) for line in child.stdout if line.endswith(b"\n")]
    last = said[-1] if said else lines - 1
    spool = Spool(tmp_path, 2000)
    found = taken(spool)
    assert spool.acknowledged <= last // 2 + 1
    assert [int(record) for _, record in found] == list(range(spool.acknowledged, spool.next))
    assert spool.next > last
    spool.close()
