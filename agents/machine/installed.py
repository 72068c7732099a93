"""What is installed on this machine, and where our own files lie."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from streams.errors import NewsquakeError

ROOT: Final = Path(__file__).resolve().parents[2]


def missing(what: str, package: str) -> str:
    """Say what must be installed, and how."""
    return (
        f"{what} is not installed. On Debian or Ubuntu: "
        f"apt-get install --no-install-recommends {package}"
    )


def shipped(path: Path) -> Path:
    """Return a file of deploy/. NewsquakeError: this is no source checkout."""
    if not path.is_file():
        raise NewsquakeError(f"{path} is missing: local servers start from a source checkout")
    return path


def command_of(*names: str) -> str:
    """Return the first of the commands that is on PATH, "" if none is."""
    return next((found for name in names if (found := shutil.which(name))), "")
