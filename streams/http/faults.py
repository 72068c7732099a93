"""What goes wrong on a connection, by aiohttp's names and by ours."""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp

from streams.errors import FetchError

# What aiohttp and the system raise -> our name for it; the first that fits. A class stands before
# those it derives from.
FAULTS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (aiohttp.ClientSSLError, "tls"),
    (ssl.SSLError, "tls"),
    (aiohttp.ConnectionTimeoutError, "connect_timeout"),
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientConnectorError, "connect"),
    (aiohttp.ClientPayloadError, "truncated"),
    (aiohttp.ServerDisconnectedError, "reset"),
    (aiohttp.ClientOSError, "reset"),
    (aiohttp.InvalidURL, "bad_url"),
    (aiohttp.ClientError, "bad_http"),
    (OSError, "connect"),
    (ValueError, "bad_url"),  # a host that IDNA does not know, a header that cannot be sent
)
KNOWN: Final = tuple(kind for kind, _ in FAULTS)


async def ask_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from asking again at once where a connection breaks.

    That is meant for connections that were kept open, of which we have none: a server in trouble
    would get every request twice.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise named_fault(error) from error


def named_fault(error: BaseException) -> FetchError:
    """Return an error of aiohttp or the system under our name."""
    reason = next(name for kind, name in FAULTS if isinstance(error, kind))
    said = str(error)
    if isinstance(error, aiohttp.ClientResponseError):
        said = error.message  # without the URL: keys stand in URLs
    elif reason == "bad_url":
        said = ""
    # Further lines quote what the server sent.
    return FetchError(reason, said.partition("\n")[0].rstrip(": ") or type(error).__name__)
