"""What is remembered of a feed holds no key of its URL, and still knows the feed."""

from __future__ import annotations

import pytest

from streams.http.rules import Validators
from streams.news.polling.feed_state import FeedState, remembered, saved

KEY = "s3cr3t0123456789abcdef"
URLS = [f"https://x.example/feed?key={KEY}", f"https://me:{KEY}@x.example/feed", f"https://x.example/{KEY}/rss"]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_key_is_not_kept_and_its_feed_is_known_again(url: str) -> None:
    state = FeedState(url=url, interval_s=60, validated_url=url, validators=Validators("etag"), body_hash="b", due_ns=5)  # fmt: skip
    kept = saved(state)
    assert KEY.encode() not in kept
    assert remembered(kept, url, 60) == state
    assert remembered(kept, url + "2", 60) == FeedState(url=url + "2", interval_s=60)


@pytest.mark.parametrize("moved_to", URLS)
def test_a_place_with_a_key_is_forgotten_and_another_is_kept(moved_to: str) -> None:
    state = FeedState(url="https://x.example/a", interval_s=60, moved_to=moved_to)
    kept = saved(state)
    assert KEY.encode() not in kept
    assert remembered(kept, state.url, 60).start_url == state.url
    plain = FeedState(url="https://x.example/a", interval_s=60, moved_to="https://x.example/b")
    assert remembered(saved(plain), plain.url, 60) == plain
