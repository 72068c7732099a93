from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.scoring.stories import StoryIndex
from agents.scoring.story_tokens import story_tokens
from agents.scoring.story_window import WINDOW_NS
from streams.events import MINUTE_NS

FIRST = "Alibaba to open data centres in Brazil, France and the Netherlands"


def told(*titles: str, gap_ns: int = MINUTE_NS) -> list[tuple[str, int]]:
    index = StoryIndex()
    return [index.assign(str(i), title, ("BABA",), i * gap_ns) for i, title in enumerate(titles)]


def same(*titles: str) -> bool:
    return len({story for story, _ in told(*titles)}) == 1


@pytest.mark.parametrize(
    "copy",
    [
        FIRST,
        "UPDATE 2-" + FIRST,
        "RPT-" + FIRST,
        FIRST + " - Reuters",
        FIRST.upper(),
        "Alibaba to open data centers in Brazil, France, Netherlands",
        "Alibaba opening data centres in Netherlands, Brazil and France",
    ],
)
def test_copies_and_rewrites_are_one_story(copy: str) -> None:
    assert same(FIRST, copy)


@pytest.mark.parametrize(
    "other",
    [
        "Alibaba unveils Qwen3-Max with over a trillion parameters",
        "Alibaba sells stake in retailer",
        "Tencent to open office in Berlin",
    ],
)
def test_other_news_is_another_story(other: str) -> None:
    assert not same(FIRST, other)


def test_numbers_that_disagree_part_two_stories() -> None:
    assert not same("Acme Q2 profit rises 12 pct", "Acme Q3 profit falls 31 pct")


def test_rank_counts_the_members_before_by_event_time() -> None:
    assert [rank for _, rank in told(FIRST, FIRST, FIRST)] == [0, 1, 2]
    index = StoryIndex()
    index.assign("late", FIRST, ("BABA",), 10)
    assert index.assign("early", FIRST, ("BABA",), 5)[1] == 0
    assert index.assign("late", FIRST, ("BABA",), 10)[1] == 1


def test_a_revision_keeps_its_story_whatever_its_title() -> None:
    index = StoryIndex()
    story, _ = index.assign("1", FIRST, ("BABA",), 0)
    assert index.assign("1", "Something else altogether", ("BABA",), MINUTE_NS) == (story, 0)
    assert len(index) == 1


def test_news_of_two_companies_is_never_one_story() -> None:
    index = StoryIndex()
    first, _ = index.assign("1", "Quarterly profit beats estimates", ("BABA",), 0)
    second, _ = index.assign("2", "Quarterly profit beats estimates", ("JD",), 1)
    third, _ = index.assign("3", "Quarterly profit beats estimates", ("JD", "BABA"), 2)
    assert first != second
    assert third in {first, second}


def test_a_day_ends_a_story() -> None:
    (first, _), (second, rank) = told(FIRST, FIRST, gap_ns=WINDOW_NS + 1)
    assert first != second
    assert rank == 0


def test_the_window_is_bounded_and_leaves_nothing_behind() -> None:
    index = StoryIndex()
    for i in range(400):
        index.assign(str(i), f"Story number {i} of Acme", ("ACME",), i * 30 * MINUTE_NS)
    assert len(index) <= 49
    index.assign("end", "Far later", (), 10**19)
    assert len(index) == 1
    assert len(index._window.postings) == len(index._window.frequency) == 2


TITLES = st.sampled_from(
    [
        FIRST,
        "UPDATE 1-" + FIRST,
        "Acme profit rises 5 pct",
        "Acme profit up 5 pct",
        "",
        "\ud800",
        "1",
    ]
) | st.text(max_size=30)
ENTRY = st.tuples(
    st.sampled_from("abcdefgh"),
    TITLES,
    st.sampled_from([(), ("A",), ("B",), ("A", "B")]),
    st.integers(0, 3 * WINDOW_NS),
)


@given(st.lists(ENTRY, max_size=20), st.integers(0, 20))
def test_a_restored_index_goes_on_alike(
    entries: list[tuple[str, str, tuple[str, ...], int]], cut: int
) -> None:
    whole, part = StoryIndex(), StoryIndex()
    expected = [whole.assign(*entry) for entry in entries]
    got = [part.assign(*entry) for entry in entries[:cut]]
    resumed = StoryIndex()
    resumed.restore(part.snapshot())
    got += [resumed.assign(*entry) for entry in entries[cut:]]
    assert got == expected
    assert resumed.snapshot() == whole.snapshot()


@given(st.text())
def test_any_title_has_tokens(title: str) -> None:
    assert story_tokens(title)
