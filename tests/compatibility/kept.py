"""What the old code left: packed folders beside this file, and how their journals are read.

The frames of a journal are read here without the product: a reader of the old format that cannot
change with the code under test.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import re
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MADE = Path(__file__).with_name("made")
MANIFEST = MADE / "manifest.json"
# Of no account once its process is dead.
UNSETTLED = re.compile(r"(lock|.*\.lock|.*\.part|checkpoint\.tmp)$")
_FRAME = struct.Struct("<II")
_SEED = 0x4E51  # of the checksum, with the length
_LOG = re.compile(r"\d{20}\.log")


def pack(name: str, folder: Path) -> None:
    """Keep a folder as `made/NAME.tar.xz`, the same bytes for the same files."""
    MADE.mkdir(exist_ok=True)
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            if not UNSETTLED.match(path.name):
                entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
                entry.size = path.stat().st_size
                with path.open("rb") as file:
                    archive.addfile(entry, file)
    packed = lzma.compress(held.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    (MADE / f"{name}.tar.xz").write_bytes(packed)


def unpack(name: str, folder: Path) -> Path:
    """Write what is kept under a name into `folder`, a copy to be used up; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(MADE / f"{name}.tar.xz", "r:xz") as archive:
        archive.extractall(folder, filter="data")
    for segment in folder.rglob("*.log"):
        if _LOG.fullmatch(segment.name):
            (segment.parent / "lock").touch()  # which every journal has, and none was packed with
    return folder


def digest(name: str) -> str:
    return hashlib.sha256((MADE / f"{name}.tar.xz").read_bytes()).hexdigest()


def note(name: str, what: str, commit: str) -> None:
    """Write into the manifest what a packed folder is and which commit made it."""
    known = manifest() if MANIFEST.exists() else {}
    size = (MADE / f"{name}.tar.xz").stat().st_size
    known[name] = {"what": what, "commit": commit, "bytes": size, "sha256": digest(name)}
    MANIFEST.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def manifest() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(MANIFEST.read_text())
    return found


def payloads(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield (record, where it ends) of one file of a journal, up to what is not whole."""
    position = 0
    while position + _FRAME.size <= len(data):
        size, crc = _FRAME.unpack_from(data, position)
        start, position = position + _FRAME.size, position + _FRAME.size + size
        record = data[start:position]
        if len(record) < size or zlib.crc32(record, _SEED ^ size) != crc:
            return
        yield record, position


def journal(folder: Path) -> list[bytes]:
    """Return the records of a journal."""
    files = sorted(each for each in folder.iterdir() if _LOG.fullmatch(each.name))
    return [record for path in files for record, _ in payloads(path.read_bytes())]


def outputs(home: Path) -> list[bytes]:
    """Return all outputs of an embedded run, over its days."""
    days = sorted(home.glob("????-??-??"))
    return [record for day in days for record in journal(day / "outputs")]


class Tail:
    """The records of growing journals as they come, by a pattern of their files."""

    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder, self._pattern = folder, pattern
        self._positions: dict[Path, int] = {}

    def fresh(self) -> list[bytes]:
        """Return the records that were not there at the last look."""
        found = []
        for path in sorted(self._folder.glob(self._pattern)):
            before = self._positions.get(path, 0)
            with path.open("rb") as file:
                file.seek(before)
                for record, end in payloads(file.read()):
                    found.append(record)
                    self._positions[path] = before + end
        return found
