"""What a command writes: plain lines for people, its progress on standard error, JSON for machines."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich.console import Console

from streams.text import printable


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is: no wrapping, no markup, no guessed colours."""
    return Console(stderr=stderr, soft_wrap=True, markup=False, highlight=False)


def say(command: str, text: str) -> None:
    """Write a line on standard error under the name of a command: `newsquake run: ...`."""
    sys.stderr.write(printable(f"newsquake {command}: {text}\n"))
    sys.stderr.flush()


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever msgspec encodes
    """Print one indented JSON document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
