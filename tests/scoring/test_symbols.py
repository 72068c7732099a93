"""Symbols as vendors write them: each finds the company whose listing, ISIN or CIK it is."""

from __future__ import annotations

import pytest

from agents.scoring.linking import Linker
from agents.scoring.symbols import SymbolIndex
from agents.scoring.text import prepare
from streams.events import Issuer, Listing


def listing(symbol: str, mic: str, isin: str = "") -> Listing:
    return Listing(
        listing=f"{symbol}.{mic}", issuer=symbol, symbol=symbol, mic=mic, currency="", isin=isin
    )


ISSUERS = [
    Issuer(
        issuer="BABA",
        name="Alibaba Group Holding",
        cik="0001577552",
        listings=(listing("BABA", "XNYS", "US01609W1027"), listing("9988", "XHKG")),
    ),
    Issuer(issuer="TENCENT", name="Tencent", listings=(listing("700", "XHKG"),)),
    Issuer(issuer="ACME", name="Acme", cik="123", listings=(listing("ACME", "XNAS"),)),
    Issuer(issuer="WDGT", name="Widgets", listings=(listing("WDGT", "XASE"),)),
    Issuer(issuer="BCP", name="Banco", listings=(listing("BCP", "XLIS", "PTBCP0AM0015"),)),
    Issuer(issuer="ORB", name="Orbit", listings=(listing("ORB.A", "XNYS"), listing("ORB", "XTSE"))),
    Issuer(issuer="ERIC", name="Phones", listings=(listing("ERIC-B", "XSTO"),)),
    Issuer(issuer="JUNIOR", name="Junior", listings=(listing("JNR", "XTSX"),)),
    Issuer(issuer="LONDON", name="London", listings=(listing("ACME", "XLON"),)),
]
INDEX = SymbolIndex(ISSUERS)


@pytest.mark.parametrize(
    ("symbol", "issuer"),
    [
        ("Nasdaq:ACME", "ACME"),
        ("NASDAQ:ACME", "ACME"),
        ("Nasdaq Global Select Market:ACME", "ACME"),
        ("LSE:ACME", "LONDON"),
        ("XLON:ACME", "LONDON"),
        ("NYSE:BABA", "BABA"),
        ("New York Stock Exchange:BABA", "BABA"),
        ("XNYS:BABA", "BABA"),
        ("BABA.XNYS", "BABA"),
        ("CIK:0001577552", "BABA"),
        ("CIK:1577552", "BABA"),
        ("cik:0000000123", "ACME"),
        ("US01609W1027", "BABA"),
        ("us01609w1027", "BABA"),
        ("PTBCP0AM0015", "BCP"),
        ("9988.HK", "BABA"),
        ("HKEX:9988", "BABA"),
        ("9988 HK", "BABA"),
        ("0700.HK", "TENCENT"),
        ("HKEX:00700", "TENCENT"),
        ("00700", "TENCENT"),
        ("NYSE American:WDGT", "WDGT"),
        ("Euronext Lisbon:BCP", "BCP"),
        ("NYSE:ORB.A", "ORB"),
        ("TSX:ORB", "ORB"),
        ("Nasdaq Stockholm:ERIC B", "ERIC"),
        ("ERIC-B.ST", "ERIC"),
        ("BCP.LS", "BCP"),
        ("TSX Venture Exchange:JNR", "JUNIOR"),
    ],
)
def test_a_vendor_symbol_is_found(symbol: str, issuer: str) -> None:
    index = INDEX.resolve(symbol)
    assert index is not None
    assert ISSUERS[index].issuer == issuer


@pytest.mark.parametrize(
    "symbol",
    [
        "CIK:", "CIK:0", "CIK:0001577553", "CIK:BABA", "NYSE:", ":", "", "$", "Mars:BABA",
        "Nasdaq:NOBODY", "US0000000000", "LSE:BABA", "TSX:ORB.A", "9988.L",
    ],
)  # fmt: skip
def test_what_is_no_symbol_of_the_universe_finds_nobody(symbol: str) -> None:
    assert INDEX.resolve(symbol) is None


def test_a_filing_is_linked_by_its_cik_alone() -> None:
    (link,) = Linker(ISSUERS).link(prepare("6-K BIG SHOP LTD"), ("CIK:0001577552",))
    assert (link.issuer, link.relevance, link.evidence) == ("BABA", 1.0, ("vendor:CIK:0001577552",))
