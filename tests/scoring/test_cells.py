"""The story window in parts: a scorer that is restarted from them says what it would have said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.scoring import cells as cells_module
from agents.scoring import story_window as story_window_module
from agents.scoring.cells import StoryCells
from agents.scoring.stories import StoryIndex
from streams.events import SECOND_NS

HOUR_NS = 3600 * SECOND_NS
WORDS = ("Alibaba", "lifts", "AI", "budget", "Nvidia", "partnership", "cuts", "outlook", "8 %")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few headlines fill pages, and page keys be used again."""
    monkeypatch.setattr(cells_module, "PAGE_MEMBERS", 3)
    monkeypatch.setattr(cells_module, "PAGES", 10)
    monkeypatch.setattr(story_window_module, "MAX_MEMBERS", 12)


headlines = st.tuples(
    st.integers(0, 40),  # id: some come again
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join),
    st.sampled_from((("BABA",), ("NVDA",), ("BABA", "NVDA"), ())),
    st.integers(0, 9),  # hours since the one before
    st.sampled_from("  skk"),  # s: a checkpoint; k: one, and a restart
)


@given(st.lists(headlines, max_size=60))
def test_restarts_from_cells_change_nothing(
    plan: list[tuple[int, str, tuple[str, ...], int, str]],
) -> None:
    whole, index, kept = StoryIndex(), StoryIndex(), dict[str, bytes]()
    cells, now_ns = StoryCells(index), 0
    for number, title, issuers, hours, step in plan:
        now_ns += hours * HOUR_NS
        words = (f"h{number}", title, issuers, now_ns)
        assert index.assign(*words) == whole.assign(*words)
        if step != " ":
            kept |= {key: body for key, body in cells.changes().items() if body is not None}
            assert len(kept) <= 11
        if step == "k":
            index = StoryIndex()
            cells = StoryCells(index)
            cells.restore(kept)
            assert index.numbers == whole.numbers


def test_nothing_new_is_nothing_to_write() -> None:
    index = StoryIndex()
    cells = StoryCells(index)
    assert cells.changes() == {}
    index.assign("h", "Alibaba lifts AI budget", ("BABA",), HOUR_NS)
    assert sorted(cells.changes()) == ["stories/0", "window"]
    assert cells.changes() == {}
