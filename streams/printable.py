"""Words of strangers on a terminal: what would move its cursor or turn its text around is spelled out."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return text whose controls, escapes and bidi marks are spelled out; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
