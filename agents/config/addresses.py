"""What an address and a name in a configuration must look like."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from streams.http.rules import shown_url

_LISTING: Final = re.compile(r"\S+\.[A-Z0-9]{4}")  # SYMBOL.MIC, a MIC as in ISO 10383
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


def url_fault(url: str, schemes: tuple[str, ...]) -> str:
    """Return what is wrong with an address, "" if nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "that is no address: its host or its port is none"
    if parts.scheme not in schemes or not host:
        return f"{shown_url(url)} must begin with {' or '.join(f'{each}://' for each in schemes)} and a host"
    return ""


def host_of(url: str) -> str:
    """Return the host of an address, without `www.`; of what is no address, itself."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return (host or url).removeprefix("www.")


def check_listing(key: str, text: str) -> None:
    """Refuse what is no SYMBOL.MIC; ValueError: it is not, and which key says so."""
    if not _LISTING.fullmatch(text):
        raise ValueError(f'{key}: "{text}" is no listing; write SYMBOL.MIC, such as "BABA.XNYS"')
