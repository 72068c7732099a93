"""Gzip files of tables, inflated within bounds: what grows without end is refused, not held."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from streams.errors import InputError

MAGIC: Final = b"\x1f\x8b"  # RFC 1952
# Ticks in CSV shrink to a tenth, bars of a still market to a thirtieth (files of the replays that we
# measure by); deflate itself cannot exceed 1,032 (zlib's technical notes).
MOST_RATIO: Final = 100
SURE_BYTES: Final = 2**26  # below this no ratio is asked for
PIECE_BYTES: Final = 2**22


def contents(path: Path) -> bytes:
    """Return a file's bytes, inflated where it is gzip, all its members.

    InputError: it cannot be read, is cut short or damaged, or inflates as no table does.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    return inflated(path, data) if data.startswith(MAGIC) else data


def inflated(path: Path, data: bytes) -> bytes:
    """Return the inflated bytes of gzip `data`; InputError as `contents`."""
    pieces, size, rest = list[bytes](), 0, data
    most = max(SURE_BYTES, MOST_RATIO * len(data))
    while rest.strip(b"\0"):  # zeros after the last member are padding (gzip(1))
        member, feed = zlib.decompressobj(wbits=31), rest
        while not member.eof:
            try:
                piece = member.decompress(feed, PIECE_BYTES)
            except zlib.error as error:
                raise InputError(str(path), f"not a sound gzip file: {error}") from error
            feed = member.unconsumed_tail
            if not piece and not feed and not member.eof:
                raise InputError(str(path), "the gzip file is cut short")
            size += len(piece)
            if size > most:
                raise InputError(
                    str(path), f"inflates to more than {MOST_RATIO} times its size: no table does"
                )
            pieces.append(piece)
        rest = member.unused_data
    return b"".join(pieces)
