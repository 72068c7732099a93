"""Whose request it is: the guards of our own servers against other machines and other pages."""

from __future__ import annotations

import ipaddress


def is_own_name(host: str) -> bool:
    """Tell whether a host name or address is this machine's own, whoever resolves it.

    A page elsewhere may point a name of its own at us (DNS rebinding); the name stays its own.
    """
    return host == "localhost" or is_loopback(host)


def is_loopback(address: str | None) -> bool:
    """Tell whether an address is of the loopback, also IPv4 in IPv6 and with a zone (RFC 4291)."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
