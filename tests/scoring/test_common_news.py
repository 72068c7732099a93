"""News of the whole market and of sectors."""

from __future__ import annotations

import pytest

from agents.scoring.common_news import ELSEWHERE, REPORT, common_news
from agents.scoring.text import prepare


def wholes(title: str, *, tells: bool = True) -> dict[str, float]:
    return {c.whole: c.relevance for c in common_news(prepare(title).words, tells=tells)}


@pytest.mark.parametrize(
    "title",
    [
        "US STOCKS-Wall Street slides as data points to slower growth",
        "TABLE-U.S. Oct nonfarm payrolls rise by 204,000",
        "Fed sticks to stimulus, worried about growth",
        "GLOBAL MARKETS-Emerging markets selloff picks up",
    ],
)
def test_the_market_is_spoken_of(title: str) -> None:
    assert "market" in wholes(title)


def test_a_report_on_the_home_market_says_most_and_another_country_least() -> None:
    assert wholes("US STOCKS-Wall St falls on weak data")["market"] == REPORT
    assert wholes("Turkish inflation rises")["market"] == ELSEWHERE


@pytest.mark.parametrize(
    ("title", "sector"),
    [
        ("Aug US homebuilder confidence close to eight-year high", "homebuilders"),
        ("U.S. natgas futures rise 5 percent on cold forecasts", "oil_producers"),
        ("Potash sector rocked as Uralkali quits cartel", "fertilizers"),
        ("U.S. judge rejects Fed cap on debit card swipe fees", "payments"),
        ("SK Hynix suspends China memory chip plant due to fire", "semiconductors"),
    ],
)
def test_sectors_by_their_words(title: str, sector: str) -> None:
    assert sector in wholes(title)


def test_a_word_alone_is_no_news_of_a_sector() -> None:
    assert wholes("Hungry Merritt powers to gold as James fades", tells=False) == {}
    assert wholes("Moody's affirms rating of housing agency") == {}
    assert wholes("Alibaba opens a store") == {}
