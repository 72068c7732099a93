"""Recorded headlines: JSONL, CSV and saved feeds, with all that is wrong in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.errors import ColumnError, InputError
from streams.events import SECOND_NS, Headline, Reject
from streams.news.recorded.files import HeadlineSpec, read_headlines

COLUMNS = {"id": "id", "published": "at", "title": "title", "source": "who"}
NOON_NS = 1_758_715_200 * SECOND_NS
ROW = {"id": "1", "at": "2025-09-24T12:00:00Z", "title": "Acme jumps", "who": "wire"}

Read = Callable[..., tuple[list[Headline], list[Reject]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read text (or rows, as JSONL) as a file of the given name and description."""

    def reader(
        content: str | bytes | list[dict[str, Any]], name: str = "news.jsonl", **spec: Any
    ) -> tuple[list[Headline], list[Reject]]:
        if isinstance(content, list):
            content = "\n".join(map(json.dumps, content))
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        given = {"path": name, "columns": COLUMNS, **spec}
        return read_headlines(path, HeadlineSpec(**given))

    return reader


def reasons(rejects: list[Reject]) -> list[tuple[str, str]]:
    return [(reject.reason, reject.detail.split(": ")[0]) for reject in rejects]


def test_a_row_becomes_a_headline(read: Read) -> None:
    columns = {**COLUMNS, "url": "url", "symbols": "tags", "summary": "text", "updated": "upd"}
    row = {**ROW, "url": "https://a.example", "tags": "ACME;NYSE:BETA, ACME", "text": "<p>Up</p>",
           "upd": 1758718800}  # fmt: skip
    (headline,), rejects = read([row], columns=columns, precision="minute", delay_s=30, feed="f")
    assert rejects == []
    assert (headline.source, headline.source_key, headline.feed) == ("wire", "1", "f")
    assert headline.symbols == ("ACME", "NYSE:BETA")
    assert headline.summary == "Up"
    assert headline.updated_ns == NOON_NS + 3_600 * SECOND_NS
    assert (headline.published_ns, headline.precision_s) == (NOON_NS, 60)
    assert headline.known_ns == NOON_NS + 90 * SECOND_NS
    assert headline.received_ns is None


def test_bad_rows_are_refused_by_line_and_the_others_go_on(read: Read) -> None:
    lines = [
        json.dumps(ROW),
        '{"id": "2", "at": "2025-09-24T12:0',
        "[1, 2]",
        "",
        json.dumps({**ROW, "id": "3", "title": " <i></i> "}),
        json.dumps({"id": "4", "at": ROW["at"], "who": "wire"}),
        json.dumps({**ROW, "id": "5", "at": "1970-01-01"}),
        json.dumps({**ROW, "id": "6", "at": "2099-01-01T00:00:00Z"}),
        json.dumps({**ROW, "id": "7", "at": "yesterday"}),
        json.dumps({**ROW, "id": "8", "at": None}),
        "\x00\x01",
        "[" * 5_000,
        json.dumps(ROW),
        json.dumps({**ROW, "id": "9"}),
    ]
    headlines, rejects = read("\n".join(lines).encode() + b'\n{"title": "\xff"}\n')
    assert [headline.source_key for headline in headlines] == ["1", "9"]
    assert reasons(rejects) == [
        ("undecodable", "news.jsonl:2"),
        ("undecodable", "news.jsonl:3"),
        ("no_title", "news.jsonl:5"),
        ("no_title", "news.jsonl:6"),
        ("past", "news.jsonl:7"),
        ("future", "news.jsonl:8"),
        ("no_time", "news.jsonl:9"),
        ("no_time", "news.jsonl:10"),
        ("undecodable", "news.jsonl:11"),
        ("undecodable", "news.jsonl:12"),
        ("duplicate", "news.jsonl:13"),
        ("undecodable", "news.jsonl:15"),
    ]


def test_missing_optional_columns_leave_an_id_made_from_the_rest(read: Read) -> None:
    columns = {"published": "at", "title": "title"}
    headlines, rejects = read([ROW, {**ROW, "title": "Other"}], columns=columns, source="desk")
    assert rejects == []
    assert len({headline.headline_id for headline in headlines}) == 2
    assert {headline.source for headline in headlines} == {"desk"}


def test_a_column_that_no_row_has_is_an_error_but_a_rare_one_is_not(read: Read) -> None:
    rows = [ROW, {**ROW, "id": "2", "tag": "ACME"}]
    headlines, _ = read(rows, columns={**COLUMNS, "symbols": "tag"})
    assert [headline.symbols for headline in headlines] == [(), ("ACME",)]
    with pytest.raises(ColumnError, match="no column 'tags'; the file has id, at, title, who, tag"):
        read(rows, columns={**COLUMNS, "symbols": "tags"})


def test_one_id_with_a_new_title_is_a_revision(read: Read) -> None:
    titles = ["Acme jumps", "Acme jumps 8%", "Acme jumps 8%", "Acme jumps"]
    headlines, rejects = read([{**ROW, "title": title} for title in titles])
    assert [(h.revision, h.action, h.title) for h in headlines] == [
        (0, "created", "Acme jumps"),
        (1, "updated", "Acme jumps 8%"),
        (2, "updated", "Acme jumps"),
    ]
    assert reasons(rejects) == [("duplicate", "news.jsonl:3")]


def test_a_revision_column_is_believed(read: Read) -> None:
    columns = {**COLUMNS, "revision": "rev", "action": "what"}
    rows = [
        {**ROW, "rev": 3, "what": "created"},
        {**ROW, "rev": 5, "what": "Updated", "title": "New"},
        {**ROW, "rev": 5, "what": "updated", "title": "New"},
        {**ROW, "rev": 6, "what": "deleted"},
    ]
    headlines, rejects = read(rows, columns=columns)
    assert [(h.revision, h.action) for h in headlines] == [
        (3, "created"), (5, "updated"), (6, "deleted"),
    ]  # fmt: skip
    assert reasons(rejects) == [("duplicate", "news.jsonl:3")]


def test_receipts_decide_what_was_known_and_when(read: Read) -> None:
    columns = {**COLUMNS, "received": "seen"}
    rows = [
        {**ROW, "seen": "2025-09-24T12:10:00Z"},
        {**ROW, "id": "2", "seen": "2025-09-26T12:00:00Z"},
        {**ROW, "id": "3", "at": "", "seen": 1758715200.5},
        {**ROW, "id": "4", "seen": None},
        {**ROW, "id": "5", "seen": "soon"},
    ]
    headlines, rejects = read(rows, columns=columns)
    assert [(h.event_ns - NOON_NS, h.known_ns - NOON_NS, h.flags) for h in headlines] == [
        (0, 600 * SECOND_NS, ()),
        (172_800 * SECOND_NS, 172_800 * SECOND_NS, ("published_implausible",)),
        (SECOND_NS // 2, SECOND_NS // 2, ("no_published",)),
        (0, 0, ()),
    ]
    assert reasons(rejects) == [("bad_time", "news.jsonl:5")]


def test_a_stamp_coarser_than_declared_stays_coarse(read: Read) -> None:
    (minute, day), _ = read(
        [{**ROW, "at": "2025-09-24 12:00"}, {**ROW, "id": "2", "at": "2025-09-24"}]
    )
    assert minute.known_ns - minute.event_ns == 60 * SECOND_NS
    assert day.known_ns - day.event_ns == 86_400 * SECOND_NS


def test_csv_reads_like_jsonl(read: Read) -> None:
    text = (
        "\ufeffid,at,title,who\r\n"
        '1,2025-09-24T12:00:00Z,"Acme, Inc. ""jumps""",wire\r\n'
        "2,2025-09-24T12:00:00Z,too,many,fields\r\n"
        "\r\n"
        "3,1758715200000,Beta slips,wire\r\n"
    )
    headlines, rejects = read(text, "news.csv")
    assert [h.title for h in headlines] == ['Acme, Inc. "jumps"', "Beta slips"]
    assert {h.event_ns for h in headlines} == {NOON_NS}
    assert reasons(rejects) == [("undecodable", "news.csv:3")]
    with pytest.raises(ColumnError, match="no column 'who'"):
        read("id,at,title\n", "news.csv")


def test_a_saved_feed_reads_through_the_feed_parser(read: Read) -> None:
    item = "<item><title>T</title><guid>g</guid><pubDate>{}</pubDate></item>"
    stamps = ["Wed, 24 Sep 2025 12:00:00 GMT"] * 2 + ["Thu, 01 Jan 1970 00:00:00 GMT"]
    document = f"<rss version='2.0'>{''.join(item.format(stamp) for stamp in stamps)}</rss>"
    headlines, rejects = read(document, "acme.xml", columns={}, delay_s=5)
    assert [(h.source, h.known_ns - h.event_ns) for h in headlines] == [("acme", 5 * SECOND_NS)]
    assert sorted(reason for reason, _ in reasons(rejects)) == ["duplicate", "past"]


def test_an_empty_file_has_no_headlines(read: Read) -> None:
    assert read("") == ([], [])


def test_files_that_cannot_be_read(read: Read, tmp_path: Path) -> None:
    spec = HeadlineSpec(path="x.jsonl", columns=COLUMNS)
    with pytest.raises(InputError, match="No such file"):
        read_headlines(tmp_path / "x.jsonl", spec)
    with pytest.raises(InputError, match="unknown kind of headline file"):
        read("x", "news.pdf")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"title": "t"}, "`published` or `received`"),
        ({"published": "p"}, "must name `title`"),
        ({"title": "t", "published": "p", "ticker": "x"}, "there is no 'ticker'"),
    ],
)
def test_wrong_descriptions_say_what_would_be_right(columns: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HeadlineSpec(path="x.jsonl", columns=columns)


def test_unknown_keys_of_a_description_are_refused() -> None:
    given = {"path": "x.jsonl", "columns": {"title": "t", "published": "p"}, "delay": 3}
    with pytest.raises(msgspec.ValidationError, match="delay"):
        msgspec.convert(given, HeadlineSpec)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "expected"),
    [("R1_replay_dev_2013-10", 17_774), ("R2_replay_dev_2007-01", 44_196)],
)
def test_the_real_replays_read_without_loss(shared_data: Path, folder: str, expected: int) -> None:
    columns = {"id": "id", "published": "published_at", "title": "title", "source": "source"}
    spec = HeadlineSpec(path="headlines.jsonl", columns=columns, precision="minute")
    headlines, rejects = read_headlines(shared_data / folder / "headlines.jsonl", spec)
    assert (len(headlines), Counter(r.reason for r in rejects)) == (expected, Counter())
    assert len({headline.headline_id for headline in headlines}) == expected
