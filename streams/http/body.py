"""Read the body of a response: decoded as it arrives, never more than a limit, never too slowly."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import cramjam
import msgspec

from streams.errors import FetchError

# The largest of 252 real feeds has 2.5 MB; `streams.news.dialects.rss` reads at most twice this.
MAX_BYTES: Final = 5_000_000
# Real feeds deflate by 4 to 30; zlib cannot exceed 1,032 (zlib's own technical notes).
BOMB_RATIO: Final = 200
BOMB_BYTES: Final = 1_000_000  # a small document of blanks is no bomb
MEMBERS_MAX: Final = 100  # of one gzip body: each costs a copy of what follows it
HEAD_BYTES: Final = 3

GZIP: Final = b"\x1f\x8b\x08"
UNREADABLE: Final = frozenset({"compress", "x-compress", "zstd", "dcb", "dcz"})
DEFLATED: Final = frozenset({"gzip", "x-gzip", "deflate", "br"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may cost. Seconds, and bytes after decoding."""

    max_bytes: int = MAX_BYTES
    connect_s: float = 10.0  # with TLS
    idle_s: float = 10.0  # between two reads
    total_s: float = 30.0  # of one request, its redirects not counted
    slow_bytes_per_s: float = 1_000.0  # a body slower than this is given up ...
    slow_after_s: float = 5.0  # ... once it has had so long
    redirects: int = 5


USUAL_LIMITS: Final = Limits()


async def read_body(
    chunks: AsyncIterator[bytes], encoding: str, limits: Limits, monotonic: Callable[[], float]
) -> bytes:
    """Return the decoded body. Raises FetchError: too_large, bomb, too_slow, truncated, bad_encoding.

    `encoding` is the Content-Encoding header. gzip is told from the bytes, whatever that says.
    """
    codings, most = _codings(encoding), wire_limit(limits.max_bytes)
    began_s, wire = monotonic(), 0
    decoder: Decoder | None = None
    head = b""
    async for chunk in chunks:
        wire += len(chunk)
        if wire > most:
            raise FetchError("too_large", f"more than {most} bytes before decoding")
        _check_pace(wire, monotonic() - began_s, limits)
        if decoder is not None:
            decoder.feed(chunk)
            continue
        head += chunk
        if len(head) >= HEAD_BYTES:
            decoder = decoder_for(head, codings, limits.max_bytes)
            decoder.feed(head)
    if decoder is None and head:
        decoder = decoder_for(head, codings, limits.max_bytes)
        decoder.feed(head)
    return decoder.finish() if decoder else b""


def wire_limit(max_bytes: int) -> int:
    """Return how many bytes a body may have before decoding: what cannot shrink grows a little."""
    return max_bytes + max_bytes // 100 + 1_024


def _codings(encoding: str) -> str:
    """Return the one coding to undo; words that name none (a charset, often) are not one."""
    words = [word.strip().lower() for word in encoding.split(",")]
    known = [word for word in words if word in DEFLATED | UNREADABLE]
    if len(known) > 1 or (known and known[0] in UNREADABLE):
        raise FetchError("bad_encoding", f"Content-Encoding {', '.join(known)} was not asked for")
    return known[0] if known else ""


def _check_pace(wire: int, took_s: float, limits: Limits) -> None:
    if took_s > limits.slow_after_s and wire < limits.slow_bytes_per_s * took_s:
        raise FetchError("too_slow", f"{wire} bytes in {took_s:.0f} s")


class Decoder:
    """Passes the bytes on as they are; the base of the decoders that inflate."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._wire = 0
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises FetchError."""
        self._wire += len(chunk)
        self._keep(chunk)

    def finish(self) -> bytes:
        """Return the body. Raises FetchError `truncated` where its end is missing."""
        return bytes(self._body)

    def _keep(self, plain: bytes, waiting: int = 0) -> None:
        """Take plain bytes, made of all that came but the `waiting` last bytes."""
        self._body += plain
        size, used = len(self._body), self._wire - waiting
        if size > BOMB_BYTES and size > BOMB_RATIO * used:
            raise FetchError("bomb", f"{used} bytes inflate to {size} and more")
        if size > self._max_bytes:
            raise FetchError("too_large", f"more than {self._max_bytes} bytes")


class Inflating(Decoder):
    """gzip, of one member or several, and both kinds of deflate."""

    def __init__(self, max_bytes: int, window: int) -> None:
        super().__init__(max_bytes)
        self._window = window
        self._inflater = zlib.decompressobj(window)
        self._members = 1

    def feed(self, chunk: bytes) -> None:
        """Inflate no more than one byte beyond the limit: that one tells."""
        self._wire += len(chunk)
        while chunk:
            if self._inflater.eof and not self._begins_member(chunk):
                return  # padding
            room = self._max_bytes + 1 - len(self._body)
            try:
                plain = self._inflater.decompress(chunk, room)
            except zlib.error as error:
                raise FetchError("bad_encoding", str(error)) from error
            self._keep(plain, len(self._inflater.unconsumed_tail))
            ended = self._inflater.eof
            chunk = self._inflater.unused_data if ended else self._inflater.unconsumed_tail

    def _begins_member(self, chunk: bytes) -> bool:
        """Make ready for another gzip member, where one follows (RFC 1952 2.2)."""
        if self._window < zlib.MAX_WBITS + 1 or not chunk.startswith(GZIP):
            return False
        self._members += 1
        if self._members > MEMBERS_MAX:
            raise FetchError("bomb", f"more than {MEMBERS_MAX} gzip members")
        self._inflater = zlib.decompressobj(self._window)
        return True

    def finish(self) -> bytes:
        """Return the body; deflate carries no length, so its end must have been seen."""
        if not self._inflater.eof:
            raise FetchError("truncated", f"the compressed body ends after {self._wire} bytes")
        return bytes(self._body)


class Brotli(Decoder):
    """br: inflated at the end, into a buffer that cannot grow."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(wire_limit(max_bytes))
        self._room = max_bytes

    def finish(self) -> bytes:
        """Return the body; a cut one cannot be told from a damaged one."""
        room = bytearray(self._room)
        try:
            size = cramjam.brotli.decompress_into(bytes(self._body), room)
        except cramjam.DecompressionError as error:
            if "whole buffer" in str(error):
                reason = "bomb" if self._room > BOMB_RATIO * self._wire else "too_large"
                raise FetchError(reason, f"more than {self._room} bytes") from error
            raise FetchError("bad_encoding", f"br, cut or damaged: {error}") from error
        return bytes(memoryview(room)[:size])


def decoder_for(head: bytes, coding: str, max_bytes: int) -> Decoder:
    """Return what undoes the coding of a body that begins with `head`.

    A body that is called gzip and is not is taken as it is, and gzip without a name is undone:
    neither XML nor JSON can begin like the other.
    """
    if head.startswith(GZIP):
        return Inflating(max_bytes, 16 + zlib.MAX_WBITS)
    if coding == "deflate":
        # RFC 9110 8.4.1.2 means zlib's header; some send none. RFC 1950 2.2 tells them apart.
        wrapped = head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0
        return Inflating(max_bytes, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
    return Brotli(max_bytes) if coding == "br" else Decoder(max_bytes)
