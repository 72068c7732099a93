"""Gzip files of tables: read whole, all their members, or refused with a reason; never without end."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from streams.errors import InputError
from streams.inflate import MOST_RATIO, SURE_BYTES, contents

ROWS = b"".join(b"IBM,%d,100.%02d\n" % (n, n % 97) for n in range(20_000))


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "prices.csv.gz"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        gzip.compress(ROWS),
        gzip.compress(ROWS[:999]) + gzip.compress(ROWS[999:]),
        gzip.compress(ROWS) + bytes(512),
        gzip.compress(ROWS) + gzip.compress(b""),
    ],
    ids=["plain", "gzip", "two members", "padded", "an empty member"],
)
def test_a_sound_file_is_read_whole(tmp_path: Path, data: bytes) -> None:
    assert contents(written(tmp_path, data)) == ROWS


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    assert contents(written(tmp_path, gzip.compress(b""))) == b""


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (gzip.compress(ROWS)[:-9], "cut short"),
        (gzip.compress(ROWS)[:40], "cut short"),
        (gzip.compress(ROWS)[:-8] + bytes(8), "not a sound gzip file"),
        (gzip.compress(ROWS) + b"junk", "not a sound gzip file"),
    ],
    ids=["without its end", "all but its head", "of another sum", "with junk behind it"],
)
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        contents(written(tmp_path, data))


def test_what_inflates_without_end_is_refused_within_bounds(tmp_path: Path) -> None:
    block = gzip.compress(bytes(16 * 2**20), 9, mtime=0)
    path = written(tmp_path, block * 40)  # 640 MiB of nothing in 640 KiB
    assert MOST_RATIO * path.stat().st_size < 640 * 2**20
    tracemalloc.start()
    with pytest.raises(InputError, match="no table does"):
        contents(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * SURE_BYTES
