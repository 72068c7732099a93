"""The files of a journal's folder by name: what may be removed, for it is ours, and what may not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from streams.checkpoint_file import CHECKPOINT_NAMES
from streams.segment import SEGMENT_NAME

LOCK: Final = "lock"
_OWN: Final = re.compile(
    "|".join((SEGMENT_NAME.pattern, *map(re.escape, (LOCK, *CHECKPOINT_NAMES))))
)


def is_journal(folder: Path, beside: Collection[str] = ()) -> bool:
    """Tell whether a folder is one, and holds nothing but what a journal makes, or part of it.

    `beside`: names of files that whoever keeps the journal puts there, too.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(_is_own(each, beside) for each in folder.iterdir())


def remove_journal(folder: Path, beside: Collection[str] = ()) -> None:
    """Remove a journal and what was put `beside` it; other files stay, and the folder with them.

    A link is not followed. OSError: a file cannot be removed.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    own = [each for each in folder.iterdir() if _is_own(each, beside)]
    for path in sorted(own, key=lambda each: each.name == LOCK):  # it is held while others go
        path.unlink()
    remove_empty([folder])


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those folders that hold nothing."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _is_own(path: Path, beside: Collection[str]) -> bool:
    named = _OWN.fullmatch(path.name) or path.name in beside
    return bool(named) and path.is_file() and not path.is_symlink()
