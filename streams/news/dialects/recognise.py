"""Tell who wrote a document from its first bytes and its address, for the dialects to know theirs.

Only what stands before the first item counts: a wire's items are quoted by many feeds.
"""

from __future__ import annotations

import re

_FIRST_ITEM = re.compile(rb"<(?:item|entry)[\s>]", re.IGNORECASE)
_HOST = re.compile(r"^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)", re.IGNORECASE)


def is_of(host: str, head: bytes, url: str) -> bool:
    """Tell whether the address is of `host`, or the beginning of the document names it."""
    return host_within(url, host) or host.encode() in channel_of(head).lower()


def host_within(url: str, host: str) -> bool:
    """Tell whether a URL's host is `host` or below it."""
    match = _HOST.match(url)
    return match is not None and f".{match[1].lower()}".endswith(f".{host}")


def channel_of(head: bytes) -> bytes:
    """Return what stands before the first item of an RSS or Atom document."""
    return _FIRST_ITEM.split(head, maxsplit=1)[0]
