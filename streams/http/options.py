"""How our requests go out: by what name, trusting whom, through which proxies."""

from __future__ import annotations

import ssl

import msgspec


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What all requests of one client share."""

    user_agent: str
    tls: ssl.SSLContext | None = None  # None: the system's authorities
    trust_env: bool = False  # proxies that the environment names are used
