"""The store of the read API: repeats, revisions in any order, restarts, growing old, another layout."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agents.machine.clock import now_ns
from agents.web import store as web_store
from agents.web.reader import Reader, Span
from agents.web.store import KEPT_NS, Store
from streams.errors import JournalError, StateError
from streams.events import DAY_NS, Move
from tests.web.site import T0_NS, alert, headline, mention, reaction

ONE = "0000000000000001"


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    with closing(Reader(path)) as reader:
        yield reader


def test_what_comes_twice_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    records = [headline(), mention(), reaction(), alert(), alert(1, "escalated", 5)]
    for _ in range(3):  # as after two crashes
        with Store(path, kept_ns=None) as store:
            for record in records * 2:
                store.add(record, 1, 2)
    with reading(path) as reader:
        page = reader.headline(ONE)
        assert page is not None
        assert (len(page.revisions), len(page.mentions), len(page.reactions)) == (1, 1, 1)
        told = reader.alert("a000000000000001")
        assert told is not None
        assert [each["transition"] for each in told.transitions] == ["opened", "escalated"]
        assert told.alert["transition"] == "escalated"


def test_the_newest_revision_counts_in_whatever_order_they_come(tmp_path: Path) -> None:
    said = [headline(revision=n, title=f"revision {n}") for n in range(3)]
    for number, order in enumerate(itertools.permutations(said)):
        path = tmp_path / f"{number}.sqlite"
        with Store(path, kept_ns=None) as store:
            for record in order:
                store.add(record, 1)
        with reading(path) as reader:
            page = reader.headline(ONE)
            assert page is not None
            assert page.headline["title"] == "revision 2"
            assert [each["revision"] for each in page.revisions] == [0, 1, 2]


def test_a_late_old_state_does_not_reopen_an_alert(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    with Store(path, kept_ns=None) as store:
        store.add(alert(1, "resolved", 60), 1)
        store.add(alert(1, "escalated", 5), 1)
    with reading(path) as reader:
        (found,) = reader.alerts(Span())
        assert found["state"] == "resolved"
        page = reader.alert("a000000000000001")
        assert page is not None
        assert [each["transition"] for each in page.transitions] == ["escalated", "resolved"]


def test_a_headline_is_found_by_any_line_of_its_issuer_and_by_being_evidence(
    tmp_path: Path,
) -> None:
    path = tmp_path / "web.sqlite"
    with Store(path, kept_ns=None) as store:
        for number in (1, 2, 3):
            store.add(headline(number), 1)
        store.add(mention(1), 1)
        store.add(reaction(2, "9988.XHKG"), 1)
        store.add(alert(3), 1)
    with reading(path) as reader:
        for listing in ("BABA.XNYS", "9988.XHKG"):
            found = reader.headlines(Span(listing=listing))
            assert [each["headline_id"][-1] for each in found] == ["3", "2", "1"]


def test_readers_see_what_is_committed_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    with Store(path, kept_ns=None) as store, reading(path) as reader:
        store.add(headline(1), 1)
        assert reader.headline(ONE) is None
        store.commit()
        assert reader.headline(ONE) is not None


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    with Store(path), pytest.raises(JournalError, match="has it open"):
        Store(path)
    Store(path).close()


def test_places_are_kept_with_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    with Store(path) as store:
        assert store.place("t", 0) is None
        store.set_place("t", 0, 7)
    with Store(path) as store:
        assert store.place("t", 0) == 7


def test_what_is_old_goes_and_what_was_said_again_stays(tmp_path: Path) -> None:
    path, at_ns = tmp_path / "web.sqlite", now_ns()
    with Store(path) as store:
        for number in range(1, 5000):  # more than go at once
            store.add(headline(number), at_ns - KEPT_NS - DAY_NS)
        for record in (mention(1), reaction(1), alert(1)):
            store.add(record, at_ns - KEPT_NS - DAY_NS)
        store.add(headline(9), at_ns)
        store.add(alert(1, "escalated", 5), at_ns)
        store.commit()
    with reading(path) as reader:
        assert [each["headline_id"][-1] for each in reader.headlines(Span(limit=1000))] == ["9"]
        page = reader.alert("a000000000000001")
        assert page is not None
        assert [each["transition"] for each in page.transitions] == ["escalated"]


def test_a_file_that_is_too_big_loses_the_oldest(tmp_path: Path) -> None:
    path, at_ns = tmp_path / "web.sqlite", now_ns()
    with Store(path, most_bytes=1_000_000) as store:
        for number in range(1, 4000):
            store.add(headline(number), at_ns - (4000 - number) * 1_000_000)
        store.commit()
        store.prune(at_ns)
    assert path.stat().st_size <= 1_000_000
    with reading(path) as reader:
        kept = [int(each["headline_id"], 16) for each in reader.headlines(Span(limit=1000))]
    assert len(kept) > 100
    assert kept == list(range(3999, 3999 - len(kept), -1))


def test_another_layout_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "web.sqlite"
    with Store(path, kept_ns=None) as store:
        store.add(headline(1), 1)
        store.set_place("t", 0, 7)
    monkeypatch.setattr(web_store, "LAYOUT", 99)
    with Store(path) as store:
        assert store.place("t", 0) is None  # so that it is all read again
    with reading(path) as reader:
        assert reader.headlines(Span()) == []


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(StateError, match="Move it away"):
        Store(path)
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as other:
        other.execute("CREATE TABLE headline (x)")
        other.commit()
    with pytest.raises(StateError, match=r"another program.*Move it away"):
        Store(tmp_path / "other.sqlite")


def test_moves_tell_whose_a_listing_is(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    move = Move(
        move_id="m", listing="700.XHKG", issuer="TCEHY", trade_date="2025-09-24", kind="day",
        direction="up", level_pct=3, ts_ns=T0_NS, session="regular", price=1.0,
        reference_price=1.0, return_bps=0.0,
    )  # fmt: skip
    with Store(path) as store:
        store.add(move, 1)
    with reading(path) as reader:
        assert reader.issuer_of("700.XHKG") == "TCEHY"
