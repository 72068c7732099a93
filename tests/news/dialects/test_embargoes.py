"""Embargoes that are no text, or are said twice: who cannot tell when one ends passes nothing on."""

from __future__ import annotations

import pytest

from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo
from streams.times import parse_time

FEED = FeedInfo(name="f", source="s")
NOON_NS = parse_time("2026-11-24T15:00:00Z")
FAR, PAST = '"2099-01-01T00:00:00Z"', '"2001-01-01T00:00:00Z"'
NINJS = '{"uri": "urn:1", "versionCreated": "2026-11-24T14:00:00Z", "headline": "Secret", %s}'
G2 = (
    '<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:1" version="1"><itemMeta>'
    "<versionCreated>2026-11-24T14:00:00Z</versionCreated>%s</itemMeta><contentMeta>"
    "<headline>Secret</headline></contentMeta></newsItem>"
)
V1 = (
    "<NewsML><NewsItem><Identification><NewsIdentifier><NewsItemId>1</NewsItemId></NewsIdentifier>"
    "</Identification><NewsManagement><ThisRevisionCreated>20261124T140000+0000"
    "</ThisRevisionCreated>%s</NewsManagement><NewsComponent><NewsLines><HeadLine>Secret</HeadLine>"
    "</NewsLines></NewsComponent></NewsItem></NewsML>"
)


def reasons(document: str) -> list[str]:
    parsed = read_document(document.encode(), FEED, NOON_NS)
    assert not parsed.headlines
    return [reject.reason for reject in parsed.rejects]


@pytest.mark.parametrize("said", [
    '"embargoed": 4070908800', '"embargoed": 4070908800.5', '"embargoed": true', '"embargoed": false',
    '"embargoed": ""', '"embargoed": "  "', f'"embargoed": [{FAR}]', f'"embargoed": {{"until": {FAR}}}',
    f'"embargoed": {FAR}, "embargoed": {PAST}', f'"embargoed": {PAST}, "embargoed": {FAR}',
    f'"embargoed": {FAR}, "Embargoed": {PAST}', f'"EMBARGOED": {PAST}, "embargoed": {FAR}',
    f'"embargoedUntil": {PAST}, "embargoed": {FAR}', f'"embargoedUntil": {FAR}, "embargoed": {PAST}',
    f'"embargoed": {FAR}, "\\u0065mbargoed": {PAST}', f'"embargoed": {PAST}, "embargoed": 1',
    f'"embargoed": "{" " * 80}soon"',
])  # fmt: skip
@pytest.mark.parametrize("form", ["%s", "[%s]", '{"items": [%s]}', "%s\n{}"])
def test_an_embargo_in_ninjs_that_nobody_can_tell_is_a_reject(said: str, form: str) -> None:
    assert reasons(form % (NINJS % said))[0] == "bad_time"


def test_an_embargo_behind_blanks_or_said_twice_alike_holds() -> None:
    assert reasons(NINJS % f'"embargoed": "{" " * 80}2099-01-01T00:00:00Z"') == ["embargoed"]
    assert reasons(NINJS % f'"embargoed": {FAR}, "embargoedUntil": {FAR}') == ["embargoed"]


@pytest.mark.parametrize("said", [f'"embargoed": {PAST}', '"embargoed": null', '"copyright": "x"'])
def test_an_embargo_that_is_over_or_is_none_holds_nothing(said: str) -> None:
    assert read_document((NINJS % said).encode(), FEED, NOON_NS).headlines


@pytest.mark.parametrize(("said", "reason"), [
    ("<embargoed/>", "withheld"), ("<embargoed>soon</embargoed>", "bad_time"),
    (f"<embargoed>{PAST[1:-1]}</embargoed><embargoed>{FAR[1:-1]}</embargoed>", "bad_time"),
    (f"<embargoed>{FAR[1:-1]}</embargoed><embargoed>{PAST[1:-1]}</embargoed>", "bad_time"),
    (f"<embargoed>{PAST[1:-1]}</embargoed><embargoed/>", "withheld"),
    (f"<embargoed>{FAR[1:-1]}</embargoed>", "embargoed"),
])  # fmt: skip
def test_an_embargo_in_newsml_g2_that_nobody_can_tell_is_a_reject(said: str, reason: str) -> None:
    assert reasons(G2 % said) == [reason]


def change(stamp: str) -> str:
    return f"<StatusWillChange><DateAndTime>{stamp}</DateAndTime></StatusWillChange>"


EMBARGOED = '<Status FormalName="Embargoed"/>'


@pytest.mark.parametrize(("said", "reason"), [
    (EMBARGOED, "withheld"), (EMBARGOED + change(""), "withheld"),
    (EMBARGOED + change("20990101T000000Z"), "embargoed"),
    (EMBARGOED + change("20010101T000000Z") + change("20990101T000000Z"), "bad_time"),
    (EMBARGOED + change("20010101T000000Z") + change(""), "withheld"),
    ('<Status FormalName="Usable"/>' + EMBARGOED, "withheld"),
])  # fmt: skip
def test_an_embargo_in_newsml_1_that_nobody_can_tell_is_a_reject(said: str, reason: str) -> None:
    assert reasons(V1 % said) == [reason]
