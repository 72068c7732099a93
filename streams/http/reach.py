"""Which networks a redirect may lead into: what is checked is the address that is connected to.

A feed on the web must not lead us to the machines beside us. Names, odd spellings of addresses and
names that change their address are all the same here: the check stands where the socket is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from contextvars import ContextVar
from typing import Any, Final, Literal

Network = Literal["web", "private", "link-local", "loopback"]

# What the standard library does not count as private: shared address space (RFC 6598).
_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")
_EMBEDDING: Final = ipaddress.ip_network("64:ff9b::/96")  # IPv4 behind NAT64 (RFC 6052)
_ANY_PORT: Final = 0


class Reach:
    """Where one fetch has been, and what its redirects tried in vain."""

    def __init__(self) -> None:
        self.allowed: set[Network] = {"web"}
        self.redirected = False
        self.refused = ""  # the address that a redirect led to

    def check(self, address: str) -> None:
        """Allow the networks of the feed's own URL; OSError: a redirect leads into another one."""
        network = network_of(address)
        if not self.redirected:
            self.allowed.add(network)
        elif network not in self.allowed:
            self.refused = f"{address}, an address of {_WORDS[network]}"
            raise PermissionError(f"a redirect leads to {self.refused}")


_WORDS: Final[dict[Network, str]] = {
    "web": "the web",
    "private": "a private network",
    "link-local": "the link",
    "loopback": "this machine",
}
# Of the fetch that a task is at; the tasks that aiohttp begins for it inherit it.
current: Final[ContextVar[Reach | None]] = ContextVar("reach", default=None)


def checked_socket(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
    """Return a socket for an address that the fetch may connect to. PermissionError: it may not."""
    family, kind, protocol, _, address = info
    reach = current.get()
    if reach is not None:
        reach.check(str(address[0]))
    return socket.socket(family, kind, protocol)


def network_of(address: str) -> Network:
    """Return what kind of network an IP address is of; what is not routed on the web is private."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _EMBEDDING:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            return network_of(str(inner))
    if found.is_loopback or found.is_unspecified:
        return "loopback"
    if found.is_link_local:
        return "link-local"
    routed = found.is_global and not found.is_multicast and found not in _SHARED
    return "web" if routed else "private"


async def networks_of(host: str) -> set[Network]:
    """Return the networks that a host's addresses are of; none where it cannot be resolved."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, UnicodeError):
        found = await loop.getaddrinfo(host, _ANY_PORT, type=socket.SOCK_STREAM)
        return {network_of(str(address[0])) for *_, address in found}
    return set()
