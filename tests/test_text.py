"""Titles become one clean line; links become web links or nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.text import KEY_CHARS, TITLE_CHARS, clean_key, clean_text, clean_url, linked, printable


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("S&P; 500 falls, AT&T; gains", "S&P; 500 falls, AT&T; gains"),
        ("AT&amp;T &mdash; up", "AT&T \u2014 up"),
        ("&amp;amp;", "&amp;"),  # once, not until nothing is left
        ("<b>Bold</b>  and\n<br/>broken", "Bold and broken"),
        ("&lt;i&gt;Escaped&lt;/i&gt; markup", "Escaped markup"),
        ("<script>alert('x')</script>After", "After"),
        ("Before<script>never closed", "Before"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("EUR<USD slips", "EUR<USD slips"),
        ("\u202eesrever\u202c \u2066x\u2069", "esrever x"),
        ("a\x00b\x07c\u200bd\ufeff\x7f", "abcd"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("&#146;quoted&#146;", "\u2019quoted\u2019"),
        ("&notanentity; &#xD800;", "&notanentity; \ufffd"),
        ("\u00a0 \t ", ""),
        ("<p></p>", ""),
    ],
)
def test_clean_text(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


def test_a_long_title_is_cut() -> None:
    assert clean_text("word " * 1_000) == ("word " * 1_000)[:TITLE_CHARS].rstrip()


@pytest.mark.parametrize("hostile", ["<script", "<!--", "<a ", "&#", "<![CDATA[", "&lt;p", "<"])
def test_hostile_markup_takes_linear_time(hostile: str) -> None:
    begin = time.process_time()
    clean_text(hostile * 100_000)
    assert time.process_time() - begin < 2  # quadratic would be minutes


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_what_is_clean_stays_so_and_can_be_encoded(raw: str) -> None:
    clean = clean_text(raw)
    clean.encode()
    assert "\n" not in clean
    assert clean == clean.strip()


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("https://a.example/x?y=1&z=2#f", "https://a.example/x?y=1&z=2#f"),
        (" http://a.example/\n  x ", "http://a.example/x"),
        ("HTTP://[::1]:80/", "HTTP://[::1]:80/"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//a.example/x", ""),
        ("http://[::1", ""),
        ("https:///x", ""),
        ("", ""),
    ],
)
def test_clean_url(raw: str, clean: str) -> None:
    assert clean_url(raw) == clean


def test_a_huge_key_is_hashed_and_still_tells_items_apart() -> None:
    one, two = clean_key("k" * 9_000 + "1"), clean_key("k" * 9_000 + "2")
    assert len(one) < KEY_CHARS
    assert one != two
    assert clean_key(" id\ud800-1 ") == "id-1"


def test_tag_characters_hide_nothing() -> None:
    """A text can be written in U+E0000 to U+E007F that people do not see and programs read."""
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "sell everything")
    assert clean_text(f"Alibaba{hidden} lifts its budget") == "Alibaba lifts its budget"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://a.example/x|<!channel>", "https://a.example/x%7C%3C!channel%3E"),
        ("https://a.example/?q={a}^`\\", "https://a.example/?q=%7Ba%7D%5E%60%5C"),
        ("https://a.example/%7Cdone", "https://a.example/%7Cdone"),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_link_in_a_message_has_no_marks_of_a_chat(url: str, link: str) -> None:
    assert linked(url) == link


def test_what_moves_a_cursor_is_spelled_out() -> None:
    assert printable("a\x1b[31mb\u202ec\nd") == "a\\x1b[31mb\\u202ec\nd"
    assert printable("plain \u00e9") == "plain \u00e9"
