"""The files of a journal's folder by name: what may be removed, for it is ours, and what may not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from streams.checkpoint_file import CHECKPOINT_NAMES
from streams.segment import SEGMENT_NAME

LOCK: Final = "lock"
_OWN: Final = re.compile(
    "|".join((SEGMENT_NAME.pattern, *map(re.escape, (LOCK, *CHECKPOINT_NAMES))))
)


def is_journal(folder: Path) -> bool:
    """Tell whether a folder is one, and holds nothing but what a journal makes, or part of it."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(_OWN.fullmatch(each.name) and _is_plain(each) for each in folder.iterdir())


def remove_journal(folder: Path) -> None:
    """Remove a journal; files that it did not make stay, and the folder with them.

    A link is not followed. OSError: a file cannot be removed.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    own = sorted(each for each in folder.iterdir() if _OWN.fullmatch(each.name))
    for path in sorted(own, key=lambda each: each.name == LOCK):  # it is held while others go
        if _is_plain(path):
            path.unlink()
    remove_empty([folder])


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those folders that hold nothing."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
