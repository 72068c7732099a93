"""Halts of both lists: one name for a listing, New York's time in summer and winter."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import RecordError
from streams.news.dialects.registry import read_document
from streams.news.dialects.us_halts import eastern_ns, halt_statuses, mic_of_market, us_symbol
from streams.news.feed import FeedInfo


@pytest.mark.parametrize(
    ("spellings", "symbol"),
    [
        (("BKSY WS", "BKSY.W", "BKSY.WS", "BKSY-WS", "bksy.w"), "BKSY.W"),
        (("BRK B", "BRK.B", "BRK-B", "BRK/B"), "BRK.B"),
        (("GOOD U", "GOOD.UN", "GOOD UN"), "GOOD.U"),
        (("ABC RT", "ABC.R"), "ABC.R"),
        (("BAC PRL", "BAC.PRL"), "BAC.PRL"),
        (("ACME", " ACME "), "ACME"),
    ],
)
def test_both_lists_give_one_symbol(spellings: tuple[str, ...], symbol: str) -> None:
    assert {us_symbol(spelling) for spelling in spellings} == {symbol}


@pytest.mark.parametrize("text", ["", " ", ".", "<b>", "A" * 9, "A.B.C.D", "A\u0430", "A,B", "..W"])
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(RecordError, match="bad_row"):
        us_symbol(text)


def test_markets_have_their_mics() -> None:
    names = ["NASDAQ", "Nasdaq", "NYSE", "NYSE American", "AMEX", "NYSE Arca", "BATS", "Cboe BZX"]
    mics = ["XNAS", "XNAS", "XNYS", "XASE", "XASE", "ARCX", "BATS", "BATS"]
    assert [mic_of_market(name) for name in names] == mics
    with pytest.raises(RecordError, match="bad_row"):
        mic_of_market("Mars Exchange")


@pytest.mark.parametrize(
    ("date", "time", "utc"),
    [
        ("08/07/2026", "13:25:32.636", "2026-08-07T17:25:32.636Z"),
        ("2026-08-07", "13:25:32", "2026-08-07T17:25:32Z"),
        ("1/5/2026", "9:30", "2026-01-05T14:30:00Z"),
        ("01/05/2026", "12:00:00 AM", "2026-01-05T05:00:00Z"),
        ("01/05/2026", "12:00:00 PM", "2026-01-05T17:00:00Z"),
        ("01/05/2026", "04:00 pm", "2026-01-05T21:00:00Z"),
        # The last trading day before and the first after each change of the clocks.
        ("03/06/2026", "09:30:00", "2026-03-06T14:30:00Z"),
        ("03/09/2026", "09:30:00", "2026-03-09T13:30:00Z"),
        ("10/30/2026", "09:30:00", "2026-10-30T13:30:00Z"),
        ("11/02/2026", "09:30:00", "2026-11-02T14:30:00Z"),
        ("01/05/2026", "08:00:00          .5", "2026-01-05T13:00:00.5Z"),
    ],
)
def test_eastern_time_is_read(date: str, time: str, utc: str) -> None:
    instant = dt.datetime.fromisoformat(utc)
    assert eastern_ns(date, time) == round(instant.timestamp() * 1_000) * 1_000_000


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("", ""),
        ("01/05/2026", ""),
        ("", "09:30:00"),
        ("13/05/2026", "09:30:00"),
        ("2026-02-30", "09:30:00"),
        ("01/05/26", "09:30:00"),
        ("01/05/2026", "24:00:00"),
        ("01/05/2026", "09:60:00"),
        ("01/05/2026", "09:30:60"),
        ("01/05/2026", "noon"),
        ("0000-01-01", "09:30:00"),
        ("\u0660\u0661/05/2026", "09:30:00"),
    ],
)
def test_what_is_no_time_is_refused(date: str, time: str) -> None:
    with pytest.raises(RecordError, match="bad_row"):
        eastern_ns(date, time)


@pytest.mark.parametrize(("date", "reason"), [("0001-01-01", "past"), ("9999-12-31", "future")])
def test_a_halt_beyond_the_calendars_is_refused(date: str, reason: str) -> None:
    with pytest.raises(RecordError) as error:
        eastern_ns(date, "23:59:59")
    assert error.value.reason == reason


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_raises_anything_else(date: str, time: str) -> None:
    with pytest.raises(RecordError):
        halt_statuses("ACME", "NYSE", (date, time), ("", ""), "")


def test_a_resumption_needs_its_date_and_its_time() -> None:
    halted = ("01/05/2026", "09:30:00")
    for resumed in (("", ""), ("01/05/2026", ""), ("", "10:00:00")):
        (halt,) = halt_statuses("ACME", "NASDAQ", halted, resumed, "T1")
        assert (halt.listing, halt.action, halt.reason) == ("ACME.XNAS", "halt", "T1")
    halt, resume = halt_statuses("ACME", "NASDAQ", halted, ("01/05/2026", "10:00:00"), "T1")
    assert (resume.action, resume.ts_ns - halt.ts_ns) == ("resume", 1_800 * 10**9)


def test_both_lists_name_one_listing() -> None:
    feed = FeedInfo(name="f", source="s")
    nasdaq = (
        b'<rss version="2.0" xmlns:ndaq="http://www.nasdaqtrader.com/"><channel><item>'
        b"<ndaq:HaltDate>08/07/2026</ndaq:HaltDate><ndaq:HaltTime>16:05:26</ndaq:HaltTime>"
        b"<ndaq:IssueSymbol>BKSY.W</ndaq:IssueSymbol><ndaq:Market>NYSE</ndaq:Market>"
        b"<ndaq:ReasonCode>T1</ndaq:ReasonCode></item></channel></rss>"
    )
    nyse = (
        b"Halt Date,Halt Time,Symbol,Name,Exchange,Reason,Resume Date,NYSE Resume Time\n"
        b"2026-08-07,16:05:26,BKSY WS,BlackSky,NYSE,News Pending,,\n"
    )
    (first,) = read_document(nasdaq, feed, None).statuses
    (second,) = read_document(nyse, feed, None).statuses
    assert (first.listing, first.ts_ns) == (second.listing, second.ts_ns)
    assert (first.reason, second.reason) == ("T1", "News Pending")
