"""Just enough of PromQL to know which series and labels an expression asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>[0-9][\w.]*)
    |(?P<word>\$?[A-Za-z_:][\w:]*)
    |(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^(){}\[\],=<>:])""",
    re.VERBOSE,
)
KEYWORDS = {"bool", "and", "or", "unless", "offset"}
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}


class Asked(NamedTuple):
    """A series by its name, and the labels that are asked of it."""

    name: str
    labels: frozenset[str]


def tokens(expr: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each token. ValueError: something is no PromQL."""
    found, at = [], 0
    while at < len(expr):
        match = TOKEN.match(expr, at)
        if match is None:
            raise ValueError(f"{expr[at : at + 20]!r} in {expr!r}")
        if match.lastgroup != "space":
            found.append((str(match.lastgroup), match.group()))
        at = match.end()
    return found


def asked(expr: str) -> Iterator[Asked]:
    """Yield every series of an expression."""
    found = [*tokens(expr), ("end", "")]
    at = 0
    while found[at][0] != "end":
        kind, word = found[at]
        following = found[at + 1][1]
        if kind == "word" and word in GROUPING:
            at = closing(found, at + 1)  # labels, which the lint of promtool checks
        elif kind == "sign" and word == "[":
            at = closing(found, at)
        elif kind == "word" and word not in KEYWORDS and following not in {"(", *GROUPING}:
            labels: frozenset[str] = frozenset()
            if following == "{":
                end = closing(found, at + 1)
                inside = found[at + 2 : end]
                labels = frozenset(text for kind, text in inside if kind == "word")
                at = end
            yield Asked(word, labels)
        at += 1


def closing(found: list[tuple[str, str]], start: int) -> int:
    """Return where the bracket at `start` closes; `start` itself where there is none."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    if found[start][1] not in pairs:
        return start - 1
    opened, depth = found[start][1], 0
    for at in range(start, len(found)):
        depth += (found[at][1] == opened) - (found[at][1] == pairs[opened])
        if not depth:
            return at
    raise ValueError(f"no {pairs[opened]}")
