from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.scoring.sentiment import NEUTRAL_BAND, SENTIMENTS, direction_of, sentiment_of


@pytest.mark.parametrize(
    ("direction", "label"),
    [
        (None, "unknown"),
        (0.0, "neutral"),
        (NEUTRAL_BAND, "neutral"),
        (-NEUTRAL_BAND, "neutral"),
        (0.050001, "positive"),
        (-0.050001, "negative"),
    ],
)
def test_a_direction_has_one_label_wherever_it_is_shown(
    direction: float | None, label: str
) -> None:
    assert sentiment_of(direction) == label
    assert label in SENTIMENTS


def sign(text: str, entity: str | None = None) -> int:
    value = direction_of(text, entity)
    if value is None or abs(value) <= NEUTRAL_BAND:
        return 0
    return 1 if value > 0 else -1


@pytest.mark.parametrize(
    "text",
    [
        "Company revenue beats estimates, raises guidance",
        "Alibaba chief says AI spending will exceed 380 billion yuan plan",
        "Alibaba to increase AI capex beyond 380 billion yuan",
        "Loss narrows in third quarter",
        "Costs fell sharply",
        "Debt was reduced by a third",
        "Broker upgrades Alibaba to Overweight",
        "Company swings to profit",
        "Net profit was EUR 3.1 mn, compared to EUR 2.4 mn a year ago",
        "Operating loss totalled EUR 0.3 mn, compared to a loss of EUR 2.2 mn",
        "Pretax profit totalled EUR 8 mn, compared to a loss of EUR 13 mn",
        "Buy Infosys with a target of Rs 3,500: analyst",
        "Index snaps losing streak",
    ],
)
def test_good_news(text: str) -> None:
    assert sign(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Broker downgrades Alibaba to Underweight",
        "Drugmaker receives complete response letter from FDA",
        "Retailer files for Chapter 11",
        "Company announces 1-for-30 reverse stock split",
        "Company prices stock offering at a discount",
        "Profit booking drags Nifty",
        "Profit falls on weak demand",
        "Loss widens as costs rise",
        "Company swings to loss",
        "Slips to a net loss from a profit a year ago",
        "Company to cut 8,000 jobs",
        "Net profit was EUR 7.99 mln for 2006, compared to EUR 8.4 mln for 2005",
        "Costs were EUR 1.2 billion versus EUR 960 million",
        "Sell Canara Bank with a stop loss of Rs 392",
        "Company does not expect sales to grow",
        "Gold slips despite weak dollar",
    ],
)
def test_bad_news(text: str) -> None:
    assert sign(text) == -1


@pytest.mark.parametrize(
    "text",
    [
        "The company will hold its annual meeting on Thursday",
        "Alibaba unveils Qwen3-Max with over a trillion parameters",
        "Oil firms ahead of weekly data",
        "The lamp was introduced in 1996",
        "",
        "???",
    ],
)
def test_nothing_to_tell(text: str) -> None:
    assert sign(text) == 0


def test_no_evidence_is_unknown_and_not_zero() -> None:
    assert direction_of("The company will hold its annual meeting") is None
    assert direction_of("") is None


@pytest.mark.parametrize(
    ("text", "entity", "expected"),
    [
        ("Sensex slips 93 points, Infosys shines", "Sensex", -1),
        ("Sensex slips 93 points, Infosys shines", "Infosys", 1),
        ("Oil hits two-year low; dollar rises", "Oil", -1),
        ("Oil hits two-year low; dollar rises", "dollar", 1),
        ("JPMorgan upgrades Alibaba", "JPMorgan", 0),
        ("JPMorgan upgrades Alibaba", "Alibaba", 1),
        ("Bullish on Infosys: Jane Doe, Zen Securities", "Zen Securities", 0),
        ("Bullish on Infosys: Jane Doe, Zen Securities", "Infosys", 1),
        ("Nvidia downgraded at Morgan Stanley", "Nvidia", -1),
        ("Nvidia downgraded at Morgan Stanley", "Morgan Stanley", 0),
    ],
)
def test_each_company_gets_its_own_direction(text: str, entity: str, expected: int) -> None:
    assert sign(text, entity) == expected


def test_a_companys_name_is_no_evidence() -> None:
    assert direction_of("Best Buy and UPS meet", "UPS") is None


def test_an_entity_that_is_not_named_gets_the_whole() -> None:
    assert direction_of("Profit falls", "Nobody") == direction_of("Profit falls")


@given(st.text(), st.none() | st.text())
def test_any_text_scores_within_bounds(text: str, entity: str | None) -> None:
    value = direction_of(text, entity)
    assert value is None or -1 < value < 1


WORDS = st.sampled_from(
    "profit loss falls rises from to eur 3.1 2 mn % compared versus not despite , ; : cut jobs "
    "target buy sell chapter 11 as after swings net a the ? per cent record high".split()
)


@given(st.lists(WORDS, max_size=25), st.integers(0, 24), st.integers(1, 3))
def test_any_run_of_finance_words_scores(words: list[str], start: int, size: int) -> None:
    entity = " ".join(words[start : start + size])
    value = direction_of(" ".join(words), entity)
    assert value is None or -1 < value < 1
