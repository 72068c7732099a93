"""Why a headline was linked or not is said by the rule that decided."""

from __future__ import annotations

import pytest

from agents.scoring.decisions import ALL_REFUSED, FORMER, NAMED, NO_NAME
from tests.scoring.makers import headline, scorer


def test_a_linked_headline_names_its_evidence() -> None:
    decision = scorer().decision(headline("Alibaba lifts AI spending"))
    assert decision.linked
    assert decision.reason == NAMED
    (link,) = decision.links
    assert (link.issuer, link.evidence) == ("BABA", ("alias:Alibaba",))


@pytest.mark.parametrize(
    ("title", "issuer", "written", "reason"),
    [
        ("Apple pie sales rise", "AAPL", "Apple", "another_meaning"),
        ("An Apple Every Single Morning", "AAPL", "Apple", "no_cue"),
        ("Amazon rainforest burns", "AMZN", "Amazon", "another_meaning"),
        ("He said that apple is best eaten raw", "AAPL", "apple", "letter_case"),
    ],
)
def test_each_refusal_names_its_rule(title: str, issuer: str, written: str, reason: str) -> None:
    decision = scorer().decision(headline(title))
    assert not decision.linked
    assert scorer().score(headline(title)) == []
    assert decision.reason == ALL_REFUSED
    assert (issuer, written, reason) in decision.refused


def test_a_headline_about_nobody_says_so() -> None:
    decision = scorer().decision(headline("Fed cuts rates"))
    assert (decision.linked, decision.reason, decision.refused) == (False, NO_NAME, ())


def test_a_vendors_unknown_symbol_is_named() -> None:
    decision = scorer().decision(headline("Fed cuts rates", symbols=("XXQQ",)))
    assert decision.refused == (("", "XXQQ", "unknown_symbol"),)


def test_asking_changes_nothing() -> None:
    room = scorer()
    room.score(headline("Alibaba lifts AI spending", key="x"))
    before = room.snapshot()
    gone = room.decision(headline("", key="x", action="deleted", revision=1))
    assert ([link.issuer for link in gone.links], gone.reason) == (["BABA"], FORMER)
    assert room.snapshot() == before
