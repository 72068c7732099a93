from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.scoring.text import clean, fold, prefix_length, prepare, strip_wire


@pytest.mark.parametrize(
    ("title", "cleaned"),
    [
        ("S&P; 500 and AT&T; fall", "S&P 500 and AT&T fall"),
        ("K&F; Industries &amp; Sons", "K&F Industries & Sons"),
        ("Tom &#39;quotes&#39; &quot;him&quot;", "Tom 'quotes' \"him\""),
        ("\u201cBuy\u201d \u2013 it\u2019s\u00a0cheap", '"Buy" - it\'s cheap'),
        ("  two   spaces ", "two spaces"),
        ("EPS of EUR0 .5 m", "EPS of EUR0.5 m"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
    ],
)
def test_titles_are_mended(title: str, cleaned: str) -> None:
    assert clean(title) == cleaned


@given(st.text())
def test_folding_keeps_every_position(text: str) -> None:
    cleaned = clean(text)
    assert len(fold(cleaned)) == len(cleaned)
    title = prepare(text)
    for word, start in zip(title.words, title.starts, strict=True):
        assert title.folded.startswith(word, start)


def test_accents_and_case_fold_away() -> None:
    assert fold("Nestl\u00e9 \u00dcBER") == "nestle uber"


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("UPDATE 2-Alcoa profit tops views", "Alcoa profit tops views"),
        ("RPT-UPDATE 1-Alcoa profit tops views", "Alcoa profit tops views"),
        ("CORRECTED-BRIEF-Alcoa sells unit", "Alcoa sells unit"),
        ("Alcoa to sell unit - Reuters", "Alcoa to sell unit"),
        ("Alcoa to sell unit: sources", "Alcoa to sell unit"),
        ("Alcoa to sell unit -WSJ", "Alcoa to sell unit"),
        ("Reuters", "Reuters"),
    ],
)
def test_what_a_wire_adds_is_dropped(title: str, bare: str) -> None:
    assert strip_wire(title) == bare


def test_prefix_length_counts_the_prefix_only() -> None:
    assert prefix_length("UPDATE 2-Alcoa") == len("UPDATE 2-")
    assert prefix_length("Alcoa updates") == 0


def test_words_keep_signs_numbers_and_ampersands() -> None:
    words = prepare("AT&T up 3.5% to $1,200 - Q4 (Nasdaq)").words
    assert words == ["at&t", "up", "3.5", "%", "to", "$", "1,200", "-", "q4", "(", "nasdaq", ")"]
