"""Fetch one page of a wire's back-fill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import aiohttp
from msgspec.structs import replace

from streams.http.rules import retry_after_s
from streams.wires.contract import (
    Address,
    BackfillPage,
    Fault,
    P,
    Wire,
    network_fault,
    revealed,
    status_fault,
)

PAGE_BYTES: Final = 16 * 1024 * 1024  # a hundred articles with their bodies are about 1 MB
PIECE_BYTES: Final = 64 * 1024


async def fetch_page(
    session: aiohttp.ClientSession, wire: Wire[P], ask: Address, now_ns: Callable[[], int]
) -> BackfillPage[P]:
    """Return what the server answers, or the fault of asking. Redirects are not followed.

    A key in a header would be sent on with them.
    """
    try:
        async with session.get(
            ask.url,
            params=[(name, revealed(value)) for name, value in ask.query],
            headers={name: revealed(value) for name, value in ask.headers},
            allow_redirects=False,
        ) as response:
            if response.status != 200:
                fault = status_fault(response.status, wire.secrets)
                after_s = retry_after_s(response.headers, now_ns())
                return BackfillPage(fault=replace(fault, after_s=after_s))
            body = bytearray()
            async for piece in response.content.iter_chunked(PIECE_BYTES):
                body += piece
                if len(body) > PAGE_BYTES:
                    detail = f"a page of more than {PAGE_BYTES} bytes"
                    return BackfillPage(
                        fault=Fault(reason="too_large", detail=detail, retry="slowly")
                    )
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
        return BackfillPage(fault=network_fault(error))
    return wire.answer(ask, bytes(body), now_ns())
