from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import Headline
from tests.scoring.makers import compound, headline, scorer

TRUE_CASE = "Alibaba chief says AI spending will exceed 380 billion yuan plan"


def test_the_flagship_headline() -> None:
    (mention,) = scorer().score(headline(TRUE_CASE, at_s=60))
    assert mention.issuer == "BABA"
    assert mention.event_types == ("capex_expansion",)
    assert mention.direction is not None
    assert mention.direction > 0
    assert mention.vader == compound(TRUE_CASE)
    assert mention.novelty == 1.0
    assert mention.relevance == 0.9
    assert mention.evidence == ("alias:Alibaba",)


def test_vader_reads_the_title_as_it_came() -> None:
    title = "UPDATE 1-AT&T; profit is GREAT!!!"
    (mention,) = scorer().score(headline(title))
    assert mention.vader == compound(title)


def test_a_failed_scorer_is_unknown_and_not_zero() -> None:
    (mention,) = scorer(lambda _: None).score(headline(TRUE_CASE))
    assert mention.vader is None


def test_mentions_come_in_the_universes_order() -> None:
    mentions = scorer().score(headline("Nvidia and Alibaba partner on physical AI software"))
    assert [mention.issuer for mention in mentions] == ["BABA", "NVDA"]
    assert all(mention.event_types == ("partnership_contract",) for mention in mentions)


def test_a_headline_about_nobody_gives_nothing() -> None:
    assert scorer().score(headline("Fed cuts rates")) == []


def test_copies_lose_novelty() -> None:
    room = scorer()
    novelty = [room.score(headline(TRUE_CASE, key=str(i), at_s=i))[0].novelty for i in range(3)]
    assert novelty == [1.0, 0.75, 0.5625]


def test_what_is_known_of_the_headline_is_carried_along() -> None:
    sent = headline(
        TRUE_CASE, received_ns=7, precision_s=60, delay_s=3, url="u", tier="wire", flags=("late",)
    )
    (mention,) = scorer().score(sent)
    for field in ("headline_id", "received_ns", "precision_s", "delay_s", "url", "tier", "flags"):
        assert getattr(mention, field) == getattr(sent, field)


def test_a_deletion_without_a_title_reaches_its_issuers() -> None:
    room = scorer()
    (before,) = room.score(headline(TRUE_CASE, key="x"))
    (after,) = room.score(headline("", key="x", action="deleted", revision=1))
    assert (after.issuer, after.action, after.story_id) == ("BABA", "deleted", before.story_id)


def test_a_damaged_snapshot_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        scorer().restore(b"damaged")


TITLES = st.text(max_size=60) | st.sampled_from(
    [
        TRUE_CASE,
        "UPDATE 1-" + TRUE_CASE,
        "Nvidia and Alibaba partner on physical AI software",
        "Alibaba shares jump 9%",
        "$BABA (NYSE: BABA) <9988.HK> \ud800 T-Mobile, AT&T; Apple pie 12:30 X: $M",
        "Target Visa Gap Meta Apple Ford",
        "Alibaba",
        "Alibaba-",
        "-Alibaba's",
    ]
)
ROOM = scorer(lambda _: 0.0)
EMPTY = ROOM.snapshot()


@given(st.lists(st.tuples(TITLES, st.integers(0, 200_000)), max_size=12), st.integers(0, 12))
def test_any_titles_score_alike_across_a_restart(entries: list[tuple[str, int]], cut: int) -> None:
    sent: list[Headline] = [
        headline(title, key=str(i), at_s=at_s, symbols=(title[:9],))
        for i, (title, at_s) in enumerate(entries)
    ]
    ROOM.restore(EMPTY)
    whole = [ROOM.score(each) for each in sent]
    ROOM.restore(EMPTY)
    part = [ROOM.score(each) for each in sent[:cut]]
    saved = ROOM.snapshot()
    ROOM.restore(EMPTY)
    ROOM.restore(saved)
    assert part + [ROOM.score(each) for each in sent[cut:]] == whole
    for mention in (mention for mentions in whole for mention in mentions):
        assert 0 <= mention.relevance <= 1
        assert 0 < mention.novelty <= 1
        assert mention.direction is None or -1 < mention.direction < 1
