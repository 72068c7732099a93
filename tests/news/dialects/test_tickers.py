"""Tickers that stand behind their exchange in the text of a release."""

from __future__ import annotations

import pytest

from streams.news.dialects.tickers import tickers_in


@pytest.mark.parametrize(
    ("text", "tickers"),
    [
        ("Satellite Works (NASDAQ: SATW) to merge", ["NASDAQ:SATW"]),
        ("(NASDAQ:SATW)", ["NASDAQ:SATW"]),
        ("(Nasdaq : SATW)", ["Nasdaq:SATW"]),
        ('(Nasdaq: "SATW")', ["Nasdaq:SATW"]),
        ("[NYSE: BRK.B]", ["NYSE:BRK.B"]),
        ("(NYSE: BRK/B)", ["NYSE:BRK/B"]),
        ("(NYSE: GOOG/GOOGL)", ["NYSE:GOOG", "NYSE:GOOGL"]),
        ("(NASDAQ: SRCH, SRCHL)", ["NASDAQ:SRCH", "NASDAQ:SRCHL"]),
        ("(NASDAQ: SRCH and SRCHL)", ["NASDAQ:SRCH", "NASDAQ:SRCHL"]),
        ("(NYSE: BABA; HKEX: 9988)", ["NYSE:BABA", "HKEX:9988"]),
        ("(NYSE: BABA, HKEX: 09988)", ["NYSE:BABA", "HKEX:09988"]),
        ("(NYSE: BABA and HKEX: 9988)", ["NYSE:BABA", "HKEX:9988"]),
        ("(HKEX: 9988 (HKD Counter) and 89988 (RMB Counter))", ["HKEX:9988", "HKEX:89988"]),
        ("(NYSE/TSX: HBRF)", ["NYSE:HBRF", "TSX:HBRF"]),
        ("(NYSE and TSX: HBRF)", ["NYSE:HBRF", "TSX:HBRF"]),
        ("(TSX-V: ABC) (OTCQB: ABCDF)", ["TSX-V:ABC", "OTCQB:ABCDF"]),
        ("(NYSE American: WDGT)", ["NYSE American:WDGT"]),
        ("(Nasdaq Capital Market: WDGT)", ["Nasdaq Capital Market:WDGT"]),
        ("listed on the NYSE: BABA rose", ["NYSE:BABA"]),
        ("NYSE: the market", []),
        ("NYSE: The market", []),
        ("the NYSE is open: A is up", []),
        ("Note: ABC and FINRA: DEF", []),
        ("xNYSE: ABC", []),
        ("www.NYSE: ABC", []),
        ("no colon (NYSE BABA)", []),
        ("(NYSE: TOOLONGX)", []),
        ("", []),
    ],
)
def test_tickers_are_found_as_written(text: str, tickers: list[str]) -> None:
    assert list(tickers_in(text)) == tickers
