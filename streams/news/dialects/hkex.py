"""Read the lists of announcements on the Hong Kong exchange's news site: JSON, English or Chinese.

The endpoint is not documented (guides and readers of it agree on the fields used here). Times are
Hong Kong's to the minute. An issuer with two counters, in HKD and CNY, has both as symbols.
"""

from __future__ import annotations

import re
from typing import Final

from streams.errors import RecordError
from streams.json_values import (
    decode_json,
    list_at,
    object_of,
    objects_at,
    starts_json,
    text_at,
)
from streams.news.dialects.documents import DocumentItem, read_items
from streams.news.dialects.vendor_symbols import hong_kong
from streams.news.feed import FeedInfo, ParsedFeed
from streams.times import MINUTE_S, parse_time

SITE: Final = "https://www1.hkexnews.hk"
TEST_CODE: Final = "51500"  # the category of the exchange's test messages

_STAMP = re.compile(r"\s*(\d\d?)/(\d\d?)/(\d{4})\s+(\d\d?:\d\d)(?::\d\d)?\s*")
_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff]")


def knows(head: bytes, _url: str) -> bool:
    """Tell a list of announcements by its own key."""
    return starts_json(head) and b'"newsInfoLst"' in head


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the announcements of one list. Its reasons are those of `read_items`."""
    return read_items(data, feed, received_ns, _opened, _item)


def _opened(data: bytes) -> tuple[str, list[object]]:
    document = decode_json(data)
    if not isinstance(document, dict) or "newsInfoLst" not in document:
        raise RecordError("not_a_feed", "no newsInfoLst in it")
    return "hkex", list_at(document, "newsInfoLst")


def _item(item: object) -> DocumentItem:
    raw = object_of(item)
    title = text_at(raw, "title") or text_at(raw, "lTxt", "sTxt")
    news_id, path = text_at(raw, "newsId"), text_at(raw, "webPath")
    chinese = _CHINESE.search(title) is not None
    return DocumentItem(
        # Both languages of an announcement may have one id; they are no revisions of each other.
        key=f"{news_id}:zh" if news_id and chinese else news_id,
        title=title,
        summary=text_at(raw, "lTxt", "sTxt"),
        url=SITE + path if path.startswith("/") else path,
        language="zh" if chinese else "en",
        symbols=tuple(hong_kong(text_at(each, "sc")) for each in objects_at(raw, "stock")),
        published_ns=_instant(text_at(raw, "relTime")),
        precision_s=MINUTE_S,
        pub_status="test" if text_at(raw, "t1Code").strip() == TEST_CODE else "usable",
    )


def _instant(stamp: str) -> int | None:
    """Return the instant of `17/07/2026 08:13` in Hong Kong, None for anything else."""
    match = _STAMP.fullmatch(stamp[:40])
    return parse_time(f"{match[3]}-{match[2]}-{match[1]}T{match[4]}:00+08:00") if match else None
