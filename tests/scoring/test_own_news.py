"""What a company says of itself is its news, in words that others use of somebody else."""

from __future__ import annotations

import pytest

from tests.scoring.makers import headline, scorer

SILENT = {"no_news", "opinion", "price_report"}


def mention_of(title: str, issuer: str) -> tuple[float, set[str]]:
    found = scorer().score(headline(title))
    (mention,) = (each for each in found if each.issuer == issuer)
    return mention.relevance, set(mention.event_types)


@pytest.mark.parametrize("verb", ["cuts", "lowers", "raises", "affirms", "confirms", "revises"])
def test_an_outlook_of_its_own_is_guidance(verb: str) -> None:
    relevance, types = mention_of(f"Alibaba {verb} full-year profit outlook", "BABA")
    assert relevance > 0.5
    assert types.isdisjoint(SILENT)


@pytest.mark.parametrize(
    "title",
    [
        "Alibaba sees default risk at suppliers",
        "Alibaba issues notes worth $3 billion",
        "Alibaba expects antitrust review to end soon",
        "Alibaba: third-quarter profit up 10 percent",
        "Morgan Stanley downgrades Alibaba to hold",
        "Struggling Alibaba cuts jobs",
    ],
)
def test_words_of_rating_agencies_silence_nobody(title: str) -> None:
    _, types = mention_of(title, "BABA")
    assert types.isdisjoint(SILENT)


@pytest.mark.parametrize(
    "title",
    [
        "Goldman Sachs affirms Acme's Baa3 rating; outlook stable",
        "Update-Goldman Sachs downgrades Acme to Caa1; outlook negative",
        "Update-Goldman Sachs: Acme's results are in line with expectations",
    ],
)
def test_who_rates_another_has_no_news(title: str) -> None:
    relevance, types = mention_of(title, "GS")
    assert relevance < 0.5
    assert "no_news" in types


@pytest.mark.parametrize(
    "title",
    [
        "Is Alibaba stock a buy after earnings?",
        "Alibaba stock outperforms competitors on strong trading day",
    ],
)
def test_what_explains_nothing_is_silent(title: str) -> None:
    _, types = mention_of(title, "BABA")
    assert types & SILENT


@pytest.mark.parametrize(
    ("title", "types"),
    [
        ("Morgan Stanley upgrades Alibaba to buy", {"analyst"}),
        ("Alibaba upgraded to buy at Morgan Stanley", {"analyst"}),
        ("Morgan Stanley upgrades Alibaba on takeover talks", {"analyst", "mna"}),
        ("Alibaba to be taken private in $55 billion deal", {"mna"}),
    ],
)
def test_a_rating_is_no_takeover(title: str, types: set[str]) -> None:
    _, found = mention_of(title, "BABA")
    assert types <= found
    assert ("mna" in found) is ("mna" in types)
