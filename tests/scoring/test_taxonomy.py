from __future__ import annotations

import pytest

from agents.scoring.clauses import find_span
from agents.scoring.cues import CUES, EVENT_TYPES
from agents.scoring.taxonomy import event_types
from agents.scoring.text import prepare


def types_of(title: str, company: str = "Alibaba") -> tuple[str, ...]:
    words = prepare(title).words
    span = find_span(words, prepare(company).words)
    return event_types(words, [span] if span else [])


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Alibaba faces antitrust probe", "legal_regulatory"),
        ("Alibaba agrees to buy chip maker", "mna"),
        ("Alibaba raises full-year forecast", "guidance"),
        ("Alibaba Q2 net income up 76%", "earnings"),
        ("Alibaba declares special dividend", "capital"),
        ("Alibaba chief says AI spending will exceed 380 billion yuan plan", "capex_expansion"),
        ("Alibaba to lift AI capex beyond $53 billion plan, CEO says", "capex_expansion"),
        ("Alibaba to open first data centres in Brazil and France", "datacentre"),
        ("Alibaba to open first data-centers in Brazil", "datacentre"),
        ("Nvidia and Alibaba partner on physical AI software", "partnership_contract"),
        ("Alibaba unveils Qwen3-Max with over a trillion parameters", "product"),
        ("Jefferies raises price target on Alibaba", "analyst"),
        ("Alibaba CFO steps down", "management"),
        ("Ark Invest reopens position in Alibaba", "fund_insider"),
        ("Alibaba to cut 8,000 jobs", "ops_labour"),
        ("Fed cuts rates, inflation eases", "macro_sector"),
    ],
)
def test_each_kind_has_its_cues(title: str, kind: str) -> None:
    found = types_of(title)
    assert found[:1] == (kind,)
    assert "price_report" not in found


@pytest.mark.parametrize(
    "title",
    [
        "Alibaba shares jump 9% to highest since 2021 on AI spending plan",
        "Alibaba shares jump on AI spending plan",
        "Alibaba jumps 8% after Nvidia deal",
        "Alibaba up 8% premarket",
        "Alibaba falls after earnings",
        "Alibaba stock hits 52-week high",
        "Alibaba hits record high",
        "Why Alibaba stock is moving today",
        "Shares of Alibaba Group slide on tariff fears",
        "Cloud hopes lift Alibaba shares",
        "Slide in Alibaba shares deepens",
        "AI plan sends Alibaba stock higher",
        "Stocks to watch: Alibaba, Baidu",
        "US STOCKS-Wall St ends higher, Alibaba leads",
        "Hang Seng index rises 1 pct, Alibaba gains",
        "Alibaba trading higher on heavy volume",
    ],
)
def test_price_reports_are_seen(title: str) -> None:
    assert "price_report" in types_of(title)


@pytest.mark.parametrize(
    "title",
    [
        "Alibaba revenue jumps 34% on cloud demand",
        "Alibaba profit falls 8 pct",
        "Alibaba gains approval for chip unit",
        "Alibaba drops plan to split cloud unit",
        "Alibaba climbs into chip making",
        "Alibaba gains 3% stake in courier",
        "Alibaba lifts stake in courier",
        "Alibaba market share rises to 40%",
        "Alibaba to sell shares worth $2 billion",
        "Alibaba announces share buyback, raises dividend",
        "Alibaba share sale closes",
        "Alibaba earnings per share rise 9%",
        "Analyst lifts Alibaba stock price target",
        "Alibaba ends talks with courier",
        "Alibaba opens up AI model",
        "Alibaba exports hit record high",
        "Alibaba steps up AI spending",
        "Alibaba falls short of sales goal",
    ],
)
def test_causes_are_not_taken_for_price_reports(title: str) -> None:
    assert "price_report" not in types_of(title)


def test_all_types_are_kept_in_order_of_priority() -> None:
    found = types_of("Alibaba to invest $10 billion in data centers under deal with Nvidia")
    assert found == ("capex_expansion", "datacentre", "partnership_contract")
    assert list(found) == sorted(found, key=EVENT_TYPES.index)


def test_a_longer_expression_hides_the_cue_inside() -> None:
    assert types_of("Union Pacific adds tracks", "Union Pacific") == ()
    assert types_of("Alibaba plan works, CEO says") == ()


def test_nothing_known_is_an_empty_tuple() -> None:
    assert types_of("Alibaba hums along") == ()
    assert types_of("") == ()


def test_every_cue_belongs_to_a_known_type() -> None:
    assert set(CUES) - {"none"} == set(EVENT_TYPES) - {"price_report"}
