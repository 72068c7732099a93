"""Write a listing as vendors do and the linker reads: `NYSE:BABA`, or `0700.HK` for Hong Kong."""

from __future__ import annotations

from typing import Final

from streams.reference.exchanges import REGION_OF_EXCHANGE
from streams.text import clean_text

SYMBOL_CHARS: Final = 60


def listed(symbol: str, exchange: str = "") -> str:
    """Return a symbol behind its exchange's name or code (`mic:XNYS` is read); "" for no symbol."""
    symbol = clean_text(symbol, SYMBOL_CHARS)
    exchange = clean_text(exchange.rpartition(":")[2], SYMBOL_CHARS)
    return f"{exchange}:{symbol}" if symbol and exchange and ":" not in symbol else symbol


def hong_kong(code: str) -> str:
    """Return a stock code as `0700.HK`: HKEX writes it with five digits, vendors with four."""
    code = clean_text(code, SYMBOL_CHARS)
    return f"{code.lstrip('0'):0>4}.HK" if code.isascii() and code.isdigit() else code


def symbol_of_tag(tag: str) -> str:
    """Return the symbol that a free tag is (`NYSE: BABA`, `$BABA`), "" for any other tag."""
    tag = clean_text(tag, SYMBOL_CHARS)
    exchange, colon, symbol = tag.partition(":")
    if colon:
        known = exchange.strip().lower() in REGION_OF_EXCHANGE
        return listed(symbol.strip(), exchange.strip()) if known else ""
    return tag[1:] if tag.startswith("$") and tag[1:].isupper() else ""
