"""No header makes a reader fall over, come too soon, or stay away for ever."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import SECOND_NS
from streams.http import rules
from streams.http.faults import FAULTS
from streams.times import DAY_S

ROOT = Path(__file__).resolve().parents[2]
NOW_NS = 1_795_689_000 * SECOND_NS  # Thu, 26 Nov 2026 10:30:00 GMT

anything = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"(max-age|no-cache|s-maxage|public|,|=| |\"|\d{1,30})*", fullmatch=True),
    st.integers().map(str),
    st.floats().map(str),
    st.from_regex(r"\w{3}, \d{1,2} \w{3} \d{1,6} \d\d:\d\d:\d\d [A-Z+0-9]{1,6}", fullmatch=True),
)
names = st.sampled_from(["Retry-After", "Cache-Control", "Age", "Date", "ETag", "Last-Modified"])


@given(st.dictionaries(names, anything), st.integers(-(2**63), 2**63))
def test_any_headers_give_a_bounded_wait(headers: dict[str, str], now_ns: int) -> None:
    assert 0 <= rules.retry_after_s(headers, now_ns) <= rules.RETRY_AFTER_MAX_S
    assert 0 <= rules.fresh_s(headers, 3_600) <= 3_600
    for value in rules.validators_of(headers).headers().values():
        assert value.isascii()
        assert value.isprintable()


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 0),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": " 120 "}, 120),
        ({"Retry-After": "1.5"}, 1),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "1e3"}, 0),
        ({"Retry-After": "9" * 5_000}, DAY_S),
        ({"Retry-After": "000000000000000000000060"}, 60),
        ({"Retry-After": "Thu, 26 Nov 2026 10:40:00 GMT"}, 600),
        ({"Retry-After": "Thursday, 26-Nov-26 10:40:00 GMT"}, 600),
        ({"Retry-After": "Thu, 26 Nov 2026 05:40:00 -0500"}, 600),
        ({"Retry-After": "Thu, 26 Nov 2026 10:20:00 GMT"}, 0),
        ({"Retry-After": "Thu, 26 Nov 2099 10:20:00 GMT"}, DAY_S),
        ({"Retry-After": "Thu, 26 Nov 2026 99:40:00 GMT"}, 0),
        (
            {
                "Retry-After": "Thu, 26 Nov 2020 10:40:00 GMT",
                "Date": "Thu, 26 Nov 2020 10:39:00 GMT",
            },
            60,
        ),
    ],
)
def test_retry_after(headers: dict[str, str], wait_s: float) -> None:
    assert rules.retry_after_s(headers, NOW_NS) == wait_s


@pytest.mark.parametrize(
    ("control", "age", "wait_s"),
    [
        ("max-age=300", "", 300),
        ("public, MAX-AGE = 300", "", 300),
        ('max-age="300"', "", 300),
        ("s-maxage=300", "", 0),
        ("x-max-age=300", "", 0),
        ("max-age=60, max-age=300", "", 300),
        ("max-age=300", "100", 200),
        ("max-age=300", "400", 0),
        ("max-age=300", "old", 300),
        ("max-age=300, no-cache", "", 0),
        ("no-store,max-age=300", "", 0),
        ("max-age=" + "9" * 5_000, "9" * 5_000, 0),
        ("max-age=" + "9" * 5_000, "", 3_600),
        ("max-age=-1", "", 0),
        ("max-age", "", 0),
        ("", "", 0),
    ],
)
def test_max_age(control: str, age: str, wait_s: float) -> None:
    assert rules.fresh_s({"Cache-Control": control, "Age": age}, 3_600) == wait_s


@given(st.floats(1, DAY_S), st.integers(0, 10_000), st.sampled_from(["gone", "dns", "reset", ""]))
def test_a_backoff_grows_to_a_ceiling(interval_s: float, failures: int, reason: str) -> None:
    wait_s = rules.backoff_s(interval_s, failures, reason)
    assert interval_s <= wait_s <= max(interval_s, DAY_S)
    assert wait_s <= rules.backoff_s(interval_s, failures + 1, reason)
    assert rules.backoff_s(interval_s, 1, reason) == interval_s


@pytest.mark.parametrize(
    ("reason", "ceiling_s"),
    [("dns", 300), ("server_error", 3_600), ("not_found", 6 * 3_600), ("gone", DAY_S)],
)
def test_the_ceilings(reason: str, ceiling_s: float) -> None:
    assert rules.backoff_s(60, 10**9, reason) == ceiling_s
    assert math.isfinite(rules.backoff_s(1e300, 10**9, reason))


def test_every_reason_is_listed_and_told_of() -> None:
    files = sorted((ROOT / "streams" / "http").glob("*.py"))
    code = "".join(path.read_text("utf-8") for path in files)
    raised = set(re.findall(r'FetchError\(\s*"(\w+)"', code)) | {name for _, name in FAULTS}
    assert raised <= set(rules.REASONS)
    assert set(rules.CEILINGS_S) <= set(rules.REASONS)
    page = (ROOT / "docs" / "news-sources.md").read_text("utf-8")
    section = page.partition("### What befalls a feed")[2].partition("\n## ")[0]
    table = {name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
             for name in re.findall(r"\w+", row)}  # fmt: skip
    assert table == set(rules.REASONS)


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_a_url_or_none(url: str, location: str) -> None:
    base = rules.plain_url(url)
    target = rules.redirect_target("http://x.example/a/b", location)
    for plain in (base, target):
        assert plain == "" or plain.lower().startswith(("http://", "https://"))
        assert not plain or rules.server_of(plain)
    assert isinstance(rules.shown_url(url), str)
    assert isinstance(rules.server_of(location), str)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@x.example:8443/a?key=secret#s", "https://x.example:8443/a?..."),
        ("http://x.example", "http://x.example"),
        ("http://[::1", "an impossible URL"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("https://x.example/s3cr3t0123456789abcdef/rss", "https://x.example/.../rss"),
        ("https://x.example/f/123e4567-e89b-12d3-a456-426614174000", "https://x.example/f/..."),
        (
            "https://x.example/news/q3-2026-results-of-alibaba/",
            "https://x.example/news/q3-2026-results-of-alibaba/",
        ),
        (
            "https://x.example/a/0001193125-26-000001.txt",
            "https://x.example/a/0001193125-26-000001.txt",
        ),
        ("x.example/feed", "x.example/feed"),
        ("me:secret@x.example/feed", "me:..."),
    ],
)
def test_a_shown_url_tells_no_secret(url: str, shown: str) -> None:
    assert rules.shown_url(url) == shown
