"""How sound input is made unsound: bytes turned, parts cut, doubled and swapped, edges put in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

EDGES: Final = (
    0, -1, 1, 2**31 - 1, -(2**31), 2**31, 2**53, 2**62, 2**63 - 1, -(2**63), 2**63, 2**64, 10**30,
    0.1, -0.0, 1e-9, 5e12, 8.9e12, 1e300, 1_790_000_000, 1_790_000_000_000, 1_790_000_000_000_000_000,
)  # fmt: skip
WORDS: Final = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[31m", b"\xed\xa0\x80", b"&#x110000;", b"&#55296;", b"\\ud800",
    b"<![CDATA[", b"]]>", b"<!--", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"{", b"[[[[", b"}", b'"', b"null",
    b"NaN", b"1e999", b"-0", b"9" * 40, b"\n", b"\r\n", b"xmlns:x=''", b"</item>", b"<item>", b"\xf3\xa0\x81\x81",
)  # fmt: skip


def mutated(chance: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return the data with one to four things done to it."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(WAYS)(chance, data, others)
    return data


def _place(chance: random.Random, data: bytes) -> int:
    return chance.randint(0, len(data))


def _turned(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _number in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, data)
    return data[:at] + data[at + chance.randint(0, 200) :]


def _ended(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: _place(chance, data)]


def _worded(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, data)
    return data[:at] + chance.choice(WORDS) * chance.choice((1, 1, 1, 50)) + data[at:]


def _numbered(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Put an edge in place of some digits."""
    places = [n for n, byte in enumerate(data) if 48 <= byte < 58]
    if not places:
        return data
    begin = end = chance.choice(places)
    while end < len(data) and 48 <= data[end] < 58:
        end += 1
    return data[:begin] + str(chance.choice(EDGES)).encode() + data[end:]


def _doubled(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at, length = _place(chance, data), chance.randint(1, 300)
    return (
        data[: at + length]
        + data[at : at + length] * chance.choice((1, 2, 20))
        + data[at + length :]
    )


def _spliced(chance: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    at = _place(chance, other)
    return data[: _place(chance, data)] + other[at : at + 400]


WAYS: Final[tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...]] = (
    _turned, _cut, _ended, _worded, _numbered, _numbered, _doubled, _spliced,
)  # fmt: skip
