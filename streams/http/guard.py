"""Whose request it is, and how many may ask at once: the guards of our own servers."""

from __future__ import annotations

import ipaddress
import re
import resource
from typing import Final

MOST_CONNECTIONS: Final = 256  # of one server; a page takes six, Prometheus one
FEWEST_CONNECTIONS: Final = 8
# Kept for journals, checkpoints, logs and feeds, whatever strangers open: a run holds about sixty.
RESERVED_DESCRIPTORS: Final = 128
SERVERS: Final = 3  # page, inbox, metrics share what is left
FIRST_REQUEST_S: Final = 10.0  # that a connection has to ask anything
IDLE_S: Final = 15.0  # between two requests of one connection

# RFC 9110 7.2: a name, an IPv4 address or an IPv6 one in brackets, and perhaps a port.
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%25?[\w.~-]+)?\]|[A-Za-z0-9._~-]+)(?::(\d{1,5}))?")
_HIGHEST_PORT: Final = 65_535


def most_connections() -> int:
    """Return how many connections one of our servers bears at once under this process's limit.

    The soft limit of descriptors (getrlimit(2)) less those kept for journals is shared by servers.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    left = (limit - RESERVED_DESCRIPTORS) // SERVERS
    return min(max(left, FEWEST_CONNECTIONS), MOST_CONNECTIONS)


def host_named(header: str) -> str | None:
    """Return the host that a Host header names, without brackets; None: it is none."""
    match = _HOST.fullmatch(header)
    if match is None or int(match[2] or 0) > _HIGHEST_PORT:
        return None
    return match[1].strip("[]")


def is_own_name(host: str) -> bool:
    """Tell whether a host name or address is this machine's own, whoever resolves it.

    A page elsewhere may point a name of its own at us (DNS rebinding); the name stays its own.
    """
    return host.lower() == "localhost" or is_loopback(host)


def is_loopback(address: str | None) -> bool:
    """Tell whether an address is of the loopback, also IPv4 in IPv6 and with a zone (RFC 4291)."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
