"""Write a listing as vendors do and the linker reads: `NYSE:BABA`, or `0700.HK` for Hong Kong.

Wires name exchanges by ISO 10383 code, by a code of their own or in full. Those with a known
meaning get the short name that titles use; any other stays as it is written.
"""

from __future__ import annotations

from typing import Final

from streams.news.text import clean_text

SYMBOL_CHARS = 60
HONG_KONG: Final = "HKEX"

_NAMES: Final = {
    "NYSE": "xnys nys nyse|new york stock exchange",
    "NASDAQ": "xnas nas nms nasdaq|nasdaq stock market|the nasdaq stock market",
    "NYSE American": "xase|nyse american",
    "NYSE Arca": "arcx|nyse arca",
    "OTC": "ootc otcm pinx otc",
    HONG_KONG: "xhkg hkg hk hkex hkse sehk|hong kong|hong kong stock exchange"
    "|stock exchange of hong kong|the stock exchange of hong kong",
    "LSE": "xlon lse|london stock exchange",
    "TSX": "xtse tsx|toronto stock exchange",
    "TSE": "xtks tse|tokyo stock exchange",
    "ASX": "xasx asx",
    "ETR": "xetr",
    "FRA": "xfra",
    "EPA": "xpar",
    "SGX": "xses sgx",
    "NSE": "xnse nse",
    "BSE": "xbom bse",
    "SSE": "xshg sse|shanghai stock exchange",
    "SZSE": "xshe szse|shenzhen stock exchange",
}


def _by_spelling() -> dict[str, str]:
    """Return the short name of each spelling; the codes before the first `|` are single words."""
    known: dict[str, str] = {}
    for name, spellings in _NAMES.items():
        codes, *full = spellings.split("|")
        known |= dict.fromkeys([*codes.split(), *full], name)
    return known


_EXCHANGES: Final = _by_spelling()


def listed(symbol: str, exchange: str = "") -> str:
    """Return one symbol with its exchange; "" for no symbol. A code such as `mic:XNYS` is read."""
    symbol = clean_text(symbol, SYMBOL_CHARS)
    written = clean_text(exchange.rpartition(":")[2], SYMBOL_CHARS)
    name = _EXCHANGES.get(written.lower(), written)
    if not symbol or not name or ":" in symbol:
        return symbol
    if name == HONG_KONG:
        return hong_kong(symbol)
    return f"{name}:{symbol}"


def hong_kong(code: str) -> str:
    """Return a stock code as `0700.HK`: HKEX writes it with five digits, vendors with four."""
    code = clean_text(code, SYMBOL_CHARS)
    return f"{code.lstrip('0'):0>4}.HK" if code.isascii() and code.isdigit() else code


def symbol_of_tag(tag: str) -> str:
    """Return the symbol that a free tag is (`NYSE: BABA`, `$BABA`), "" for any other tag."""
    exchange, colon, symbol = tag.partition(":")
    if colon and exchange.strip().lower() in _EXCHANGES:
        return listed(symbol, exchange)
    return clean_text(tag[1:], SYMBOL_CHARS) if tag.startswith("$") and tag[1:].isupper() else ""
