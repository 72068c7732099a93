from __future__ import annotations

import pytest

from agents.scoring.clauses import find_span
from agents.scoring.cues import CUES, EVENT_TYPES
from agents.scoring.taxonomy import TitleReading, read_events
from agents.scoring.text import prepare


def reading_of(title: str, company: str = "Alibaba") -> TitleReading:
    words = prepare(title).words
    span = find_span(words, prepare(company).words)
    return read_events(words, [span] if span else [])


def types_of(title: str, company: str = "Alibaba") -> tuple[str, ...]:
    return reading_of(title, company).types


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
        "Alibaba shares jump 9% to highest since 2021",
        "Alibaba shares rise more than 3% in Hong Kong",
        "Alibaba up 8% premarket",
        "Alibaba stock hits 52-week high",
        "Alibaba hits record high",
        "Why Alibaba stock is moving today",
        "Slide in Alibaba shares deepens",
        "Alibaba shares jump on unusually heavy trading",
        "BRIEF-Alibaba up 3.8 percent in extended trading",
        "Stocks to watch: Alibaba, Baidu",
        "Alibaba trading higher on heavy volume",
    ],
)
def test_price_reports_are_seen(title: str) -> None:
    assert "price_report" in types_of(title)
    assert not reading_of(title).witness


@pytest.mark.parametrize(
    ("title", "types"),
    [
        ("Alibaba shares jump 9% to highest since 2021 on AI spending plan", ("capex_expansion",)),
        ("Alibaba jumps 8% after Nvidia deal", ()),
        ("Alibaba falls after earnings", ("earnings",)),
        ("Shares of Alibaba Group slide on tariff fears", ("macro_sector",)),
        ("Cloud hopes lift Alibaba shares", ()),
        ("AI plan sends Alibaba stock higher", ()),
        ("Alibaba profit misses as cloud slows; shares drop", ("earnings",)),
        ("Alibaba plunges 12% after US charges co-founder", ("legal_regulatory",)),
        ("Pace of Alibaba cloud sales spooks investors", ()),
        ("BRIEF-Alibaba shares down 5.3 pct premarket after results", ("earnings",)),
        ("Alibaba's games among top sellers in Dec; shares rise", ()),
    ],
)
def test_a_witness_states_the_price_and_its_cause(title: str, types: tuple[str, ...]) -> None:
    found = reading_of(title)
    assert found.witness
    assert found.types == types


def test_a_price_report_knows_whose_price_it_tells() -> None:
    title = "Alibaba shares jump 9%; Baidu to buy chip maker"
    words = prepare(title).words
    spans = [span for name in (["alibaba"], ["baidu"]) if (span := find_span(words, name))]
    found = read_events(words, spans)
    assert found.of(spans[0]) == (("mna",), True)
    assert found.of(spans[1]) == (("mna",), False)
    other = prepare("Lenovo shares fall after Alibaba deal").words
    alibaba = find_span(other, ["alibaba"])
    assert alibaba is not None
    assert read_events(other, [alibaba]).of(alibaba) == ((), False)


@pytest.mark.parametrize(
    "title",
    [
        "US STOCKS-Wall St ends higher, Alibaba leads",
        "Hang Seng index rises 1 pct, Alibaba gains",
        "US STOCKS SNAPSHOT-Wall Street opens lower as Alibaba drags",
        "Alibaba to report third quarter results on October 24",
        "Alibaba to present at technology conference",
        "Alibaba declares quarterly dividend",
        "SHAREHOLDER ALERT: Levi & Korsinsky, LLP reminds investors of class action against Alibaba",
        "Fitch affirms Alibaba's IDR at 'BB'; outlook stable",
        "Alibaba schedules earnings conference call",
        "Alibaba named one of best places to work",
    ],
)
def test_titles_that_are_no_news(title: str) -> None:
    assert "no_news" in types_of(title)


@pytest.mark.parametrize(
    "title",
    [
        "Alibaba reports third quarter results",
        "Alibaba to report lower profit",
        "Alibaba raises quarterly dividend, sees higher sales",
        "Alibaba earnings press release available on investor relations website",
        "Alibaba sued by regulators over data",
    ],
)
def test_news_is_not_taken_for_a_notice(title: str) -> None:
    assert not {"no_news", "opinion", "price_report"}.intersection(types_of(title))


@pytest.mark.parametrize(
    "title",
    [
        "New Products and Collaborations - Research Report on Alibaba, Baidu, and JD.com",
        "The Zacks Analyst Blog Highlights: Alibaba, Yahoo, Google and SanDisk",
        "Should you buy Alibaba stock before earnings?",
        "3 things to know about Alibaba's results",
        "Top stocks for 2025: Alibaba and others",
        "Technical Study: Alibaba, Baidu, and JD.com",
    ],
)
def test_opinion_is_seen(title: str) -> None:
    assert "opinion" in types_of(title)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Alibaba posts higher profit on strength in Asia", "earnings"),
        ("Alibaba revenue dropped in 1st quarter", "earnings"),
        ("Alibaba warns on margins despite strong sales", "guidance"),
        ("Alibaba to spend less in 2014, targets higher output", "guidance"),
        ("Alibaba's drug improves survival in blood cancer patients", "clinical"),
        ("FDA puts hold on Alibaba hepatitis study", "clinical"),
        ("RESEARCH ALERT-Alibaba: Jefferies cuts price target", "minor"),
        ("Alibaba announces three acquisitions", "minor"),
    ],
)
def test_kinds_told_in_whatever_words(title: str, kind: str) -> None:
    assert kind in types_of(title)


def test_a_legal_trial_is_not_clinical() -> None:
    assert "clinical" not in types_of("Alibaba settles with former executive before pay trial")


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
