"""Each revision of an item goes on once, whatever is repeated, mixed up, killed or started again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import JournalError, StateError
from streams.events import DAY_NS, SECOND_NS, Headline, Reject, Status
from streams.news.headline import HeadlineParts, make_headline
from streams.news.seen_items import KEPT_NS, NewsItem, SeenItems, read_states

NOW_NS = 1_758_700_000 * SECOND_NS


def headline(key: str, title: str, **more: Any) -> Headline:
    return make_headline(HeadlineParts(
        source="wire", source_key=key, title=title, received_ns=NOW_NS,
        **{"published_ns": NOW_NS - SECOND_NS, "tier": "wire", **more},
    ))  # fmt: skip


def read(book: SeenItems, *items: NewsItem, now_ns: int = NOW_NS) -> list[Any]:
    found = book.classify(items, now_ns)
    book.mark_seen(found, now_ns)
    return [
        (item.title, item.revision, item.action) if isinstance(item, Headline) else item
        for item in found.fresh
    ]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SeenItems]:
    book = SeenItems(tmp_path / "news.sqlite")
    yield book
    book.close()


def test_a_retitled_item_is_the_next_revision_and_a_repeat_is_none(book: SeenItems) -> None:
    assert read(book, headline("1", "BABA up")) == [("BABA up", 0, "created")]
    assert read(book, headline("1", "BABA up")) == []
    assert read(book, headline("1", "BABA soars")) == [("BABA soars", 1, "updated")]
    assert read(book, headline("1", "BABA soars", summary="on AI")) == [
        ("BABA soars", 2, "updated")
    ]


def test_new_times_and_links_alone_are_no_revision(book: SeenItems) -> None:
    read(book, headline("1", "BABA up", url="https://a.example/1?x=1"))
    again = headline("1", "BABA up", url="https://a.example/1?x=2", updated_ns=NOW_NS)
    assert book.classify([again], NOW_NS).repeats == 1
    assert read(book, again) == []


def test_an_old_copy_out_of_a_cache_is_stale_and_words_put_back_are_not(book: SeenItems) -> None:
    read(book, headline("1", "A"), headline("1", "B"))
    old = book.classify([headline("1", "A")], NOW_NS)
    assert (old.fresh, old.stale) == ([], 1)
    read(book, headline("1", "C", updated_ns=NOW_NS))
    put_back = headline("1", "A", updated_ns=NOW_NS + 1)
    assert read(book, put_back) == [("A", 3, "updated")]


def test_words_dated_before_the_newest_are_stale_even_if_new_to_us(book: SeenItems) -> None:
    read(book, headline("1", "C", updated_ns=NOW_NS))
    assert read(book, headline("1", "B", updated_ns=NOW_NS - 1)) == []
    assert read(book, headline("1", "D", updated_ns=NOW_NS)) == [("D", 1, "updated")]


def test_a_deletion_is_the_last_revision(book: SeenItems) -> None:
    read(book, headline("1", "A"))
    assert read(book, headline("1", "A", action="deleted")) == [("A", 1, "deleted")]
    assert read(book, headline("1", "A", action="deleted")) == []
    assert read(book, headline("1", "A")) == []  # the feed still has it in its cache


def test_the_numbers_of_a_source_that_counts_itself_are_kept(book: SeenItems) -> None:
    assert read(book, headline("1", "C", revision=3, action="updated")) == [("C", 3, "updated")]
    assert read(book, headline("1", "B", revision=2, action="updated")) == []  # it comes late
    assert read(book, headline("1", "D", revision=7, action="updated")) == [("D", 7, "updated")]


def test_statuses_and_rejects_go_on_once(book: SeenItems) -> None:
    halt = Status(listing="BABA.XNYS", ts_ns=NOW_NS, action="halt", reason="T1")
    bad = Reject(stage="read", reason="no_title", detail="f: item 3", ts_ns=NOW_NS, record="x | y")
    moved = msgspec.structs.replace(bad, detail="f: item 4", ts_ns=NOW_NS + 1)
    resume = msgspec.structs.replace(halt, action="resume", ts_ns=NOW_NS + SECOND_NS)
    assert read(book, halt, bad) == [halt, bad]
    assert read(book, halt, moved, resume) == [resume]


@pytest.mark.parametrize(
    ("before", "now", "event", "why"),
    [
        ({}, {}, "item known", "its words are those seen last"),
        ({}, {"title": "B"}, "item revised", "its words are new"),
        ({"updated_ns": NOW_NS}, {"title": "B", "updated_ns": NOW_NS - 1}, "item is an old copy",
         "it is dated before the one seen"),
        ({"revision": 3}, {"title": "B", "revision": 2}, "item is an old copy",
         "its revision is older than the one seen"),
    ],
)  # fmt: skip
def test_the_log_says_why_an_item_goes_on_or_not(
    before: dict[str, Any], now: dict[str, Any], event: str, why: str, book: SeenItems, caplog: Any
) -> None:
    with caplog.at_level("DEBUG", "streams.news.seen_items"):
        read(book, headline("1", **{"title": "A", **before}))
        read(book, headline("1", **{"title": "A", **now}))
        read(book, Reject(stage="read", reason="no_title", detail="f: x", ts_ns=None, record="r"))
    told = [each.msg for each in caplog.records]
    assert [each["event"] for each in told] == ["item new", event, "item rejected"]
    assert (told[1]["why"], told[2]["reason"]) == (why, "no_title")
    assert told[0]["headline_id"] == told[1]["headline_id"]


def test_what_is_known_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "news.sqlite"
    code = (
        "import os, sys, pathlib, msgspec\n"
        "from streams.news.seen_items import SeenItems\n"
        "from streams.events import Headline\n"
        "book = SeenItems(pathlib.Path(sys.argv[1]))\n"
        "item = msgspec.json.decode(sys.argv[2], type=Headline)\n"
        "book.mark_seen(book.classify([item], 1), 1); book.save('f', b'state')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    said = json.dumps(msgspec.to_builtins(headline("1", "A")))
    done = subprocess.run([sys.executable, "-c", code, path, said], check=False)
    assert done.returncode == -signal.SIGKILL
    with closing(SeenItems(path)) as book:
        assert book.load("f") == b"state"
        assert read(book, headline("1", "A"), headline("1", "B")) == [("B", 1, "updated")]
        assert read_states(path) == {"f": b"state"}  # while it is open


def test_one_process_at_a_time_and_only_our_files(tmp_path: Path, book: SeenItems) -> None:
    with pytest.raises(JournalError, match="has it open"):
        SeenItems(tmp_path / "news.sqlite")
    (tmp_path / "other").write_bytes(b"no database at all, " * 100)
    with pytest.raises(StateError, match="Move it away"):
        SeenItems(tmp_path / "other")
    with pytest.raises(StateError):
        read_states(tmp_path / "nowhere")


def test_what_was_not_seen_for_long_is_forgotten(book: SeenItems) -> None:
    read(book, headline("1", "A"), headline("2", "B"))
    read(book, headline("2", "B"), now_ns=NOW_NS + 20 * DAY_NS)
    read(book, headline("3", "C"), now_ns=NOW_NS + KEPT_NS + 2 * DAY_NS)
    assert len(book) == 2


said = st.tuples(st.sampled_from("12"), st.sampled_from("ABC"), st.booleans())


@given(st.lists(st.lists(said, max_size=4), max_size=8), st.integers(0, 8))
def test_every_id_and_revision_goes_on_once(
    tmp_path_factory: pytest.TempPathFactory, polls: list[list[Any]], restart: int
) -> None:
    """In rising revisions, and whatever words a feed newly says are passed on."""
    path = tmp_path_factory.mktemp("book") / "news.sqlite"
    book, got, first_said = SeenItems(path), [], set()
    for number, poll in enumerate(polls):
        if number == restart:
            book.close()
            book = SeenItems(path)
        items = [
            headline(key, title, action="deleted" if gone else "created")
            for key, title, gone in poll
        ]
        first_said |= set(poll)
        found = book.classify(items, NOW_NS)
        book.mark_seen(found, NOW_NS)
        assert len(items) == len(found.fresh) + found.repeats + found.stale
        got += found.fresh
    book.close()
    for key in "12":
        ours = [h.revision for h in got if h.source_key == key]
        assert ours == list(range(len(ours)))
    assert {(h.source_key, h.title, h.action == "deleted") for h in got} == first_said
