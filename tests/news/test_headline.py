"""When a headline happened, when it was known, and who it is."""

from __future__ import annotations

from typing import Any

import pytest

from streams.errors import RecordError
from streams.events import SECOND_NS, Headline, content_id
from streams.news.headline import HeadlineParts, make_headline
from streams.times import FIRST_NS, PAST_END_NS

NOON_NS = 1_758_715_200 * SECOND_NS  # 2025-09-24 12:00:00 UTC


def made(**fields: Any) -> Headline:
    given = {"source": "s", "source_key": "k", "title": "t", "published_ns": NOON_NS}
    return make_headline(HeadlineParts(**{"tier": "wire", **given, **fields}))


def test_without_receipt_a_second_stamp_is_known_after_the_declared_delay() -> None:
    headline = made(delay_s=1.5)
    assert headline.event_ns == NOON_NS
    assert headline.known_ns == NOON_NS + 1_500_000_000
    assert (headline.delay_s, headline.flags) == (2, ())


def test_a_minute_stamp_is_its_start_for_measuring_and_its_end_for_knowing() -> None:
    headline = made(precision_s=60, delay_s=5)
    assert headline.event_ns == NOON_NS
    assert headline.known_ns == NOON_NS + 65 * SECOND_NS


@pytest.mark.parametrize(
    ("lag_s", "event_lag_s", "flags"),
    [
        (-5, -5, ()),  # a publisher's clock ahead of ours: the receipt came first
        (-5.001, -5.001, ("published_implausible",)),
        (0, 0, ()),
        (600, 0, ()),
        (86_400, 0, ()),
        (86_400.001, 86_400.001, ("published_implausible",)),
    ],
)
def test_event_time_with_a_receipt(
    lag_s: float, event_lag_s: float, flags: tuple[str, ...]
) -> None:
    received_ns = NOON_NS + round(lag_s * SECOND_NS)
    headline = made(received_ns=received_ns, delay_s=60)
    assert headline.event_ns == NOON_NS + round(event_lag_s * SECOND_NS)
    assert headline.known_ns == received_ns
    assert headline.flags == flags
    assert headline.published_ns == NOON_NS


def test_a_receipt_alone_is_the_event_and_says_so() -> None:
    headline = made(published_ns=None, received_ns=NOON_NS)
    assert (headline.event_ns, headline.known_ns) == (NOON_NS, NOON_NS)
    assert headline.flags == ("no_published",)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"title": " <b></b> \u200b"}, "no_title"),
        ({"published_ns": None}, "no_time"),
        ({"published_ns": FIRST_NS - 1}, "past"),
        ({"published_ns": 0}, "past"),
        ({"published_ns": PAST_END_NS}, "future"),
        ({"published_ns": 10**25}, "future"),
        ({"received_ns": PAST_END_NS}, "future"),
    ],
)
def test_what_cannot_be_a_headline(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(RecordError) as caught:
        made(**fields)
    assert caught.value.reason == reason


def test_a_receipt_saves_an_absurd_stamp() -> None:
    headline = made(published_ns=10**25, received_ns=NOON_NS)
    assert headline.event_ns == NOON_NS
    assert headline.published_ns is None
    assert headline.flags == ("published_implausible",)


def test_identity_is_source_and_key_then_link_then_title_and_time() -> None:
    assert made().headline_id == content_id("s", "k")
    assert made(title="retitled").headline_id == made().headline_id
    assert made(source="other").headline_id != made().headline_id
    linked = made(source_key="", url="https://a.example/1")
    assert linked.source_key == "https://a.example/1"
    bare = made(source_key="", url="javascript:x")
    assert bare.url == ""
    assert bare.headline_id == made(source_key=" ").headline_id
    assert bare.headline_id != made(source_key="", title="other").headline_id
    assert bare.headline_id != made(source_key="", published_ns=NOON_NS + 1).headline_id
