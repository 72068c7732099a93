"""What dialects write as symbols, and that the linker knows the listings by them."""

from __future__ import annotations

import pytest

from agents.scoring.symbols import SymbolIndex
from streams.news.dialects.vendor_symbols import hong_kong, listed, symbol_of_tag
from streams.reference.universe import builtin_universe


@pytest.mark.parametrize(
    ("symbol", "exchange", "written"),
    [
        ("BABA", "NYSE", "NYSE:BABA"),
        (" BABA ", "mic:XNYS", "XNYS:BABA"),
        ("ACME", "New York Stock Exchange", "New York Stock Exchange:ACME"),
        ("BABA.N", "", "BABA.N"),
        ("NYSE:BABA", "NYSE", "NYSE:BABA"),
        ("", "NYSE", ""),
    ],
)
def test_a_symbol_stands_behind_its_exchange(symbol: str, exchange: str, written: str) -> None:
    assert listed(symbol, exchange) == written


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("00700", "0700.HK"), ("00005", "0005.HK"), ("80700", "80700.HK"), ("9988", "9988.HK"),
        ("\uff10\uff17\uff10\uff10", "\uff10\uff17\uff10\uff10"), ("", ""), ("none", "none"),
    ],
)  # fmt: skip
def test_hong_kong_codes_have_four_digits_or_five(code: str, written: str) -> None:
    assert hong_kong(code) == written


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("NYSE: ACME", "NYSE:ACME"), ("$ACME", "ACME"), ("region:US", ""), ("earnings", ""),
        ("$1 bn", ""), ("$", ""), ("NYSE:", ""),
    ],
)  # fmt: skip
def test_a_tag_is_a_symbol_where_it_says_so(tag: str, written: str) -> None:
    assert symbol_of_tag(tag) == written


def test_the_linker_knows_the_listings() -> None:
    issuers = list(builtin_universe().issuers.values())
    index = SymbolIndex(issuers)
    alibaba, tencent = (
        next(
            n for n, issuer in enumerate(issuers) if listing in {x.listing for x in issuer.listings}
        )
        for listing in ("9988.XHKG", "700.XHKG")
    )
    for symbol in ("XNYS:BABA", "NYSE:BABA", "HKEX:9988", "XHKG:09988", hong_kong("09988")):
        assert index.resolve(symbol) == alibaba
    assert index.resolve(hong_kong("00700")) == tencent
    assert index.resolve(hong_kong("80700")) is None
