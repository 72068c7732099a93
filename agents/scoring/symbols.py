"""Recognise tickers, exchange references, RICs and ISINs that are written out in a title."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from agents.scoring.common_words import COMMON_WORDS
from agents.scoring.naming import NOT_TICKERS
from streams.events import Issuer
from streams.reference.exchanges import REGION_OF_EXCHANGE, REGION_OF_MIC

# Suffixes of Reuters instrument codes; `.N` New York, `.O`/`.OQ` Nasdaq, `.K` consolidated.
_RIC_REGION = {
    **dict.fromkeys("N O OQ K A P".split(), "US"),
    **{region: region for region in REGION_OF_MIC.values() if region != "US"},
}
_PATTERN = re.compile(
    r"(?<![\w$])\$(?P<cash>[A-Za-z]{1,6}(?:[.-][A-Za-z]{1,2})?)(?![\w])"
    r"|(?<!\w)(?P<venue>[A-Za-z]{2,9}(?: (?:American|Arca|MKT|Kong))?)\s?:\s?"
    r"(?P<listed>[A-Z0-9]{1,6}(?:[.-][A-Z]{1,2})?)(?![\w:])"
    r"|(?<![\w.])(?P<ric>[A-Z]{1,6}|\d{1,6})[.](?P<suffix>[A-Z]{1,2})(?![\w.])"
    r"|(?<!\w)(?P<code>\d{1,5}) HK(?!\w)"
    r"|(?<!\w)(?P<isin>[A-Z]{2}[A-Z0-9]{9}\d)(?!\w)"
    r"|\((?P<paren>[A-Z]{2,6})\)"
)
_CAPITALS = re.compile(r"(?<![\w$.(&'-])[A-Z]{4,6}(?![\w&'])")


class Found(NamedTuple):
    """A written-out symbol: whose it is, how it was written and where."""

    issuer: int
    evidence: str
    start: int
    end: int


def _key(symbol: str) -> str:
    """Write a symbol as the index does: no leading zeros, a dot before a share class."""
    symbol = symbol.upper().replace("-", ".").replace("/", ".").replace(" ", ".")
    return symbol.lstrip("0") or symbol


class SymbolIndex:
    """Look up the issuers of a universe by symbol, region, ISIN and CIK."""

    def __init__(self, issuers: list[Issuer]) -> None:
        self._by_region: dict[tuple[str, str], int] = {}
        self._by_symbol: dict[str, set[int]] = {}
        self._by_listing: dict[str, int] = {}
        self._by_isin: dict[str, int] = {}
        self._by_cik: dict[str, int] = {}
        for index, issuer in enumerate(issuers):
            if issuer.cik:
                self._by_cik.setdefault(issuer.cik.lstrip("0"), index)
            for line in issuer.listings:
                region = REGION_OF_MIC.get(line.mic, line.mic)
                self._by_region.setdefault((_key(line.symbol), region), index)
                self._by_symbol.setdefault(_key(line.symbol), set()).add(index)
                self._by_listing.setdefault(line.listing, index)
                if line.isin:
                    self._by_isin.setdefault(line.isin.upper(), index)

    def resolve(self, symbol: str) -> int | None:
        """Return the issuer of a vendor's symbol: `BABA`, `NYSE:BABA`, `9988.HK`, `BABA.XNYS`.

        An ISIN and the SEC's number of a filer, `CIK:0001577552`, are symbols too.
        """
        symbol = symbol.strip().lstrip("$")
        known = self._by_listing.get(symbol, self._by_isin.get(symbol.upper()))
        if known is not None:
            return known
        space, colon, listed = symbol.partition(":")
        if colon:
            return self._within(space.strip().lower(), listed.strip())
        base, dot, suffix = symbol.rpartition(".")
        if not dot:
            base, dot, suffix = symbol.rpartition(" ")
        region = _RIC_REGION.get(suffix.upper(), "US" if suffix.upper() == "US" else "")
        if dot and (_key(base), region) in self._by_region:
            return self._by_region[_key(base), region]
        return self._plain(symbol)

    def _within(self, space: str, listed: str) -> int | None:
        """Return the issuer of a symbol of one exchange, by name or MIC, or of a CIK."""
        if space == "cik":
            return self._by_cik.get(listed.lstrip("0"))
        region = REGION_OF_EXCHANGE.get(space) or REGION_OF_MIC.get(space.upper())
        return self._by_region.get((_key(listed), region)) if region else None

    def _plain(self, symbol: str) -> int | None:
        """Return the issuer of a bare symbol: the American one first, else the only one."""
        key = _key(symbol)
        american = self._by_region.get((key, "US"))
        owners = self._by_symbol.get(key, set())
        if american is not None:
            return american
        return next(iter(owners)) if len(owners) == 1 else None

    def find(self, text: str) -> Iterator[Found]:
        """Yield every written-out symbol of a title that belongs to the universe."""
        if "$" in text or "(" in text or ":" in text or "." in text or any(map(str.isdigit, text)):
            for match in _PATTERN.finditer(text):
                found = self._read(match)
                if found is not None:
                    yield found
        if not text.isupper():
            for match in _CAPITALS.finditer(text):
                issuer = self._bare(match.group())
                if issuer is not None:
                    yield Found(issuer, f"ticker:{match.group()}", match.start(), match.end())

    def _bare(self, word: str) -> int | None:
        """Return the issuer of a bare ticker of four letters or more that is no word."""
        lower = word.lower()
        if lower in COMMON_WORDS or lower in NOT_TICKERS:
            return None
        return self._by_region.get((word, "US"))

    def _read(self, match: re.Match[str]) -> Found | None:
        """Resolve one match of the pattern; None where it is no symbol of the universe."""
        kind = match.lastgroup
        issuer: int | None = None
        if kind == "cash":
            symbol = match["cash"]
            # `$m`, `$bn` and `$mln` are amounts.
            issuer = self._plain(symbol) if symbol.isupper() or len(symbol) > 3 else None
            kind = "cashtag"
        elif kind == "listed":
            issuer = self._within(match["venue"].lower(), match["listed"])
            kind = "exchange"
        elif kind == "suffix":
            issuer = self._ric(match)
            kind = "ric"
        elif kind == "code":
            issuer = self._by_region.get((_key(match["code"]), "HK"))
            kind = "ric"
        elif kind == "isin":
            issuer = self._by_isin.get(match["isin"])
        elif kind == "paren":
            issuer = self._bare(match["paren"]) if len(match["paren"]) > 3 else None
            kind = "ticker"
        if issuer is None:
            return None
        return Found(issuer, f"{kind}:{match.group().strip('()')}", match.start(), match.end())

    def _ric(self, match: re.Match[str]) -> int | None:
        """Read `BABA.N`; one letter before the dot is an abbreviation (`U.N`) unless bracketed."""
        region = _RIC_REGION.get(match["suffix"])
        before = match.string[match.start() - 1 : match.start()]
        if region is None or (len(match["ric"]) == 1 and before not in ("<", "(")):
            return None
        return self._by_region.get((_key(match["ric"]), region))
