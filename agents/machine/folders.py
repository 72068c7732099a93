"""Folders of this user: what is kept over runs, what may be deleted."""

from __future__ import annotations

import os
from pathlib import Path


def cache_home() -> Path:
    """Return where downloads are kept: $XDG_CACHE_HOME/newsquake (XDG base directories, 0.8)."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def state_home() -> Path:
    """Return where running servers are remembered: $XDG_STATE_HOME/newsquake."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def _xdg(variable: str, default: str) -> Path:
    named = Path(os.environ.get(variable, ""))  # a relative path is invalid and to be ignored
    return (named if named.is_absolute() else Path.home() / default) / "newsquake"


def home_of(slug: str | None) -> Path:
    """Return where a run keeps its own: a folder for each broker's `slug`, and one without a broker.

    What waits for one broker must not go to another.
    """
    return state_home() / "live" if slug is None else state_home() / "spool" / slug
