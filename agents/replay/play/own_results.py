"""What of OUT is a replay's: results that it wrote, its journal. Anything else is left alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from agents.machine.own_files import OwnFiles
from agents.replay.play.asides import FILE, MARK
from agents.replay.play.outputs import KEYS, PARQUET, RESULTS, SUMMARY
from streams.codec import canonical_json
from streams.errors import UsageError
from streams.files import locked
from streams.journal_files import LOCK, is_journal

JOURNAL: Final = ".newsquake-replay"
BESIDE: Final = (FILE, f"{FILE}.part", MARK)  # the journal: what is set aside
# What both were before they had a name of their own and a list: they are known by what is in them.
OLD_JOURNAL: Final = "journal"


def refuse_overwriting(out: Path, inputs: Iterable[Path]) -> None:
    """Raise UsageError where OUT is a file, or results would replace what is replayed or another's."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    results = {(out / name).resolve() for name in RESULTS}
    for path in inputs:
        if path.resolve() in results:
            raise UsageError(f"--out {out}: results would replace {path}; name another folder")
    journal = out / JOURNAL
    if journal.is_symlink() or (journal.exists() and not is_journal(journal, BESIDE)):
        raise UsageError(f"{journal} is no journal of a replay: move it away, or name another OUT")
    own = OwnFiles(out)
    foreign = own.foreign(RESULTS)
    if foreign and not (own.knows_none(RESULTS) and _is_of_old_code(out)):
        raise UsageError(
            f"--out {out}: {foreign[0]} is not as a replay left it: move it away, or name another folder"
        )


def claimed(out: Path) -> OwnFiles:
    """Make OUT ready for results and return its files; what earlier releases left is taken over.

    UsageError: something there is somebody else's. JournalError: another replay is at work in it.
    """
    refuse_overwriting(out, ())
    out.mkdir(parents=True, exist_ok=True)
    own = OwnFiles(out)
    if own.knows_none(RESULTS) and _is_of_old_code(out):
        own.adopt(RESULTS)
        old = out / OLD_JOURNAL
        if _is_old_journal(old) and not (out / JOURNAL).exists():
            locked(old / LOCK).close()  # no replay of an earlier release is at work in it
            old.rename(out / JOURNAL)
    return own


def _is_of_old_code(out: Path) -> bool:
    return _is_old_journal(out / OLD_JOURNAL) or _is_whole(out)


def _is_old_journal(folder: Path) -> bool:
    return is_journal(folder) and (folder / LOCK).exists()


def _is_whole(out: Path) -> bool:
    """Tell whether the hash in `summary.json` is that of the results beside it."""
    try:
        summary: dict[str, Any] = msgspec.json.decode((out / SUMMARY).read_bytes(), type=dict)
        digest = hashlib.sha256()
        for name in KEYS:
            if name == PARQUET:
                for row in pl.read_parquet(out / f"{name}.parquet").to_dicts():
                    digest.update(canonical_json(row) + b"\n")
            else:
                digest.update((out / f"{name}.jsonl").read_bytes())
    except (OSError, msgspec.DecodeError, pl.exceptions.PolarsError):
        return False
    return summary.get("output_sha256") == digest.hexdigest()
