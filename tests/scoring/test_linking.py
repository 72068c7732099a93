from __future__ import annotations

import pytest

from agents.scoring.linking import Linker
from agents.scoring.text import prepare
from streams.events import Issuer, Listing
from streams.reference.universe import builtin_universe

LINKER = Linker(list(builtin_universe().issuers.values()))


def linked(title: str, *symbols: str) -> dict[str, float]:
    return {link.issuer: link.relevance for link in LINKER.link(prepare(title), symbols)}


def evidence(title: str, *symbols: str) -> tuple[str, ...]:
    (link,) = LINKER.link(prepare(title), symbols)
    return link.evidence


def company(issuer: str, name: str, *aliases: str, symbol: str = "ZZZZ") -> Issuer:
    line = Listing(
        listing=f"{symbol}.XNYS", issuer=issuer, symbol=symbol, mic="XNYS", currency="USD"
    )
    return Issuer(issuer=issuer, name=name, aliases=aliases, listings=(line,))


def names(issuers: list[Issuer], title: str) -> list[str]:
    return [link.issuer for link in Linker(issuers).link(prepare(title))]


@pytest.mark.parametrize(
    "title",
    [
        "Apple pie recipes to try this autumn",
        "Apple juice recalled over arsenic",
        "How an apple a day keeps the doctor away",
        "Analyst sees higher price target for steelmakers",
        "Target price raised for steelmakers",
        "ECB keeps inflation Target in sight",
        "New US Visa rules hit students",
        "Visa rules tightened for students",
        "Fed cuts rates by a quarter point",
        "Toronto mayor Rob Ford admits error",
        "Metal prices rise in London",
        "Meta-analysis finds no link",
        "NET income rises as CEO talks IT and IPO plans on TV",
        "Gap between rich and poor widens",
        "Stocks gap up as the trade Gap narrows",
        "Amazon rainforest fires spread",
        "Delta variant spreads",
        "Ups and downs of trading",
        "U.N. says talks go on in the U.S.",
        "Oil costs $5 more; deal worth $m and $bn, US$ firm",
        "Deal at 12:30: T: or V: who knows",
        "@Tesla_fan and x_Tesla are handles",
    ],
)
def test_words_that_are_no_companies_link_nobody(title: str) -> None:
    assert linked(title) == {}


@pytest.mark.parametrize(
    ("title", "issuer", "how"),
    [
        ("$BABA looks cheap", "BABA", "cashtag:$BABA"),
        ("E-commerce firm (NYSE: BABA) grows", "BABA", "exchange:NYSE: BABA"),
        ("E-commerce firm (HKEX:9988) grows", "BABA", "exchange:HKEX:9988"),
        ("E-commerce firm 09988.HK grows", "BABA", "ric:09988.HK"),
        ("E-commerce firm <BABA.N> grows", "BABA", "ric:BABA.N"),
        ("Chipmaker NVDA.O grows", "NVDA", "ric:NVDA.O"),
        ("Phone firm <T.N> grows", "T", "ric:T.N"),
        ("Note on US01609W1027", None, ""),
        ("BABA climbs", "BABA", "ticker:BABA"),
    ],
)
def test_symbols_that_are_written_out(title: str, issuer: str | None, how: str) -> None:
    if issuer is None:
        isin = builtin_universe().listings["BABA.XNYS"].isin
        assert not isin or evidence(f"Note on {isin}") == (f"isin:{isin}",)
        return
    assert list(linked(title)) == [issuer]
    assert how in evidence(title)


@pytest.mark.parametrize(
    "symbol",
    ["BABA", "$BABA", "NYSE:BABA", "BABA.N", "9988.HK", "HKEX:9988", "BABA.XNYS", "BABA US"],
)
def test_a_vendors_symbol_links(symbol: str) -> None:
    assert linked("Nothing is said here", symbol) == {"BABA": 1.0}
    assert evidence("Nothing is said here", symbol) == (f"vendor:{symbol}",)


def test_an_unknown_symbol_links_nobody() -> None:
    assert linked("Nothing is said here", "NOPE", "", ".", ":", "$") == {}


def test_relevance_tells_subject_mention_product_and_broker() -> None:
    assert linked("Alibaba posts profit") == {"BABA": 0.9}
    assert linked("Shares of Alibaba fall") == {"BABA": 0.9}
    assert linked("Ark reopens a position in Alibaba") == {"BABA": 0.6}
    assert linked("New Qwen version is out") == {"BABA": 0.7}
    assert evidence("New Qwen version is out") == ("product:Qwen via BABA",)
    assert linked("JPMorgan upgrades Alibaba to overweight") == {"BABA": 0.6, "JPM": 0.3}
    assert linked("Nvidia and Alibaba partner on robots") == {"BABA": 0.9, "NVDA": 0.9}
    assert linked("Microsoft-backed OpenAI eyes listing") == {"MSFT": 0.6}


def test_a_crowd_shares_relevance() -> None:
    links = linked("Alibaba, Tencent, Baidu and Nvidia all gain")
    assert set(links) == {"BABA", "TENCENT", "BIDU", "NVDA"}
    assert set(links.values()) == {0.45}  # .9 / sqrt(4)


@pytest.mark.parametrize(
    ("title", "issuer"),
    [
        ("Apple shares slip after launch", "AAPL"),
        ("Apple Inc names new chief", "AAPL"),
        ("Target beats estimates", "TGT"),
        ("Visa to buy fintech firm", "V"),
        ("Gap Inc to close stores", "GAP"),
        ("Ford recalls trucks", "F"),
        ("Meta unveils glasses", "META"),
        ("AT&T; in talks over spectrum", "T"),
        ("ALIBABA UNVEILS CHIP", "BABA"),
        ("alibaba unveils chip", "BABA"),
        ("Coca Cola raises prices", "KO"),
        ("\u963f\u91cc\u5df4\u5df4 Alibaba\u80a1\u4ef7\u5927\u6da8", "BABA"),
    ],
)
def test_companies_are_found(title: str, issuer: str) -> None:
    assert issuer in linked(title)


def test_an_ambiguous_name_without_a_cue_counts_for_little() -> None:
    assert linked("Apple bites back at its critics") == {"AAPL": pytest.approx(0.36)}
    assert linked("Apple bites back, says iPhone is safe") == {"AAPL": 0.9}


def test_the_longest_name_wins() -> None:
    assert list(linked("Tencent Music adds subscribers")) == ["TME"]
    assert list(linked("Tencent adds subscribers")) == ["TENCENT"]


def test_names_follow_from_the_legal_name() -> None:
    issuers = [company("1", "EXELON CORP"), company("2", "CISCO SYSTEMS, INC. /CA/")]
    assert names(issuers, "Exelon Nuclear sets record") == ["1"]
    assert names(issuers, "Cisco beats by a penny") == ["2"]
    assert names(issuers, "Sisco and Exelonian are others") == []


def test_a_short_form_that_two_companies_share_is_nobodys() -> None:
    issuers = [company("1", "Zebrafin Energy Inc"), company("2", "Zebrafin Software Corp")]
    assert names(issuers, "Zebrafin rises") == []
    assert names(issuers, "Zebrafin Energy rises") == ["1"]


def test_the_whole_name_takes_a_word_from_a_shortened_one() -> None:
    issuers = [company("1", "Zebrafin Software Corp"), company("2", "Zebrafin Inc")]
    assert names(issuers, "Zebrafin rises") == ["2"]


def test_common_words_are_never_short_forms() -> None:
    issuers = [company("1", "ENERGY SERVICES OF AMERICA CORP"), company("2", "Design Therapeutics")]
    assert names(issuers, "Energy and Design shares rise") == []


def test_half_of_a_double_name_is_somebody_else() -> None:
    issuers = [company("1", "WILLIAMS COMPANIES, INC."), company("2", "MYERS INDUSTRIES INC")]
    assert names(issuers, "Sherwin-Williams and Bristol-Myers report results") == []


def test_given_aliases_replace_shortened_names() -> None:
    assert names([company("1", "Zebrafin Air Lines", "Zebrafin Air")], "Zebrafin delta") == []


def test_an_empty_universe_links_nobody() -> None:
    assert names([], "Alibaba jumps") == []


def test_a_rating_agency_is_no_subject_of_what_it_rates() -> None:
    found = links_of("Moody's affirms Acme's Baa2 rating with negative outlook", "Moody's")
    assert found == [0.3]
    assert links_of("Moody's profit rises 31 pct on higher debt issues", "Moody's") == [0.9]
    assert links_of("RESEARCH ALERT-Acme: Moody's raises target price", "Moody's") == [0.3]


def test_a_name_inside_another_company_s_is_not_that_name() -> None:
    assert links_of("Owens Corning Reports Third-Quarter Results", "Corning") == []
    assert links_of("Chipmaker Corning reports results", "Corning") == [0.9]
    assert links_of("Former Corning CEO says sales fall", "Corning") != []


def links_of(title: str, name: str) -> list[float]:
    listing = Listing(listing="X.XNYS", issuer="X", symbol="XQZV", mic="XNYS", currency="USD")
    issuer = Issuer(issuer="X", name=name + " Inc", aliases=(name,), listings=(listing,))
    return [link.relevance for link in Linker([issuer]).link(prepare(title))]
