"""Whatever is cut off, and whenever: a back-fill from the cursor brings all that is missing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.backoff import Backoff
from streams.events import SECOND_NS, Headline
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.headline import HeadlineParts, make_headline
from streams.news.wires.receiver import NewsReceiver
from streams.rhythm import Expect, Rhythm
from streams.wires.contract import Sifted
from streams.wires.cursor import MOST_FRAMES, MOST_VERSIONS, Cursor
from streams.wires.silence import Silence

START_NS = 1_758_715_200 * SECOND_NS


def headline(
    number: int, stamp_ns: int | None, received_ns: int, action: str = "created"
) -> Headline:
    return make_headline(
        HeadlineParts(
            source="s",
            source_key=str(number),
            title=f"number {number}",
            published_ns=stamp_ns and min(stamp_ns, START_NS),
            updated_ns=stamp_ns,
            received_ns=received_ns,
            action=action,  # type: ignore[arg-type]
            tier="wire",
        )
    )


async def nowhere(_feed: FeedInfo, _parsed: ParsedFeed) -> int:
    return 0


RECEIVER = NewsReceiver(FeedInfo(name="f", source="s"), (), nowhere)


def sifted(cursor: Cursor, *news: Headline) -> Sifted[ParsedFeed]:
    return RECEIVER.sift(ParsedFeed(headlines=news), cursor.state.versions)


class Model:
    """A wire whose server has all news, and a process that can be cut off anywhere."""

    def __init__(self) -> None:
        self.cursor = Cursor()
        self.saved = self.cursor.snapshot(b"")
        self.now_ns = START_NS
        self.published: list[int] = []  # stamps
        self.taken: set[int] = set()
        self.listens = False
        self.since_ns: int | None = None
        self.connect()
        self.fill()

    def publish(self) -> None:
        self.now_ns += SECOND_NS
        self.published.append(self.now_ns)
        if self.listens:
            self.take([self.now_ns])

    def take(self, stamps: list[int]) -> None:
        news = [headline(stamp, stamp, self.now_ns) for stamp in stamps]
        found = sifted(self.cursor, *news)
        self.taken |= {int(each.source_key) for each in found.payload.headlines}
        self.cursor.taken(found.stamps, self.now_ns)

    def connect(self) -> None:
        self.listens = True
        self.since_ns = self.cursor.open_gap(self.now_ns)

    def fill_a_page(self) -> None:
        if self.listens and self.since_ns is not None:
            page = [each for each in self.published if each >= self.since_ns][:2]
            self.take(page)
            if page:
                self.cursor.reach(page[-1])

    def fill(self) -> None:
        if self.listens:
            if self.since_ns is not None:
                self.take([each for each in self.published if each >= self.since_ns])
            self.cursor.close_gap()

    def cut(self) -> None:
        self.listens = False

    def save(self) -> None:
        self.saved = self.cursor.snapshot(b"")

    def crash(self) -> None:
        self.listens = False
        self.cursor = Cursor(self.saved)


ACTIONS = ("publish", "connect", "fill_a_page", "fill", "cut", "save", "crash")


@given(st.lists(st.sampled_from(ACTIONS), max_size=40))
def test_nothing_is_lost_whatever_is_cut_off(actions: list[str]) -> None:
    model = Model()
    model.save()
    for action in actions:
        getattr(model, action)()
    model.connect()
    model.fill()
    assert model.taken == set(model.published)


def test_live_news_does_not_hide_a_gap() -> None:
    model = Model()
    model.cut()
    model.publish()
    model.connect()
    model.publish()  # live, before the back-fill
    assert model.cursor.state.cursor_ns == START_NS
    model.fill()
    assert model.cursor.state.cursor_ns == model.now_ns


def taken_of(cursor: Cursor, *news: Headline) -> list[tuple[str, str]]:
    found = sifted(cursor, *news)
    cursor.taken(found.stamps, news[-1].received_ns or 0)
    return [(each.title, each.action) for each in found.payload.headlines]


def at(number: int, second: int | None, action: str = "created") -> Headline:
    stamp_ns = None if second is None else START_NS + second * SECOND_NS
    return headline(number, stamp_ns, START_NS + 100 * SECOND_NS, action)


def test_an_older_version_is_left_out_and_a_newer_one_is_an_update() -> None:
    cursor = Cursor()
    assert taken_of(cursor, at(1, 5)) == [("number 1", "created")]
    assert taken_of(cursor, at(1, 4)) == []
    assert taken_of(cursor, at(1, 5)) == [("number 1", "created")]
    assert taken_of(cursor, at(1, 6), at(1, 7, "deleted"), at(1, 6)) == [
        ("number 1", "updated"),
        ("number 1", "deleted"),
    ]


def test_a_version_of_no_stamp_is_never_old() -> None:
    cursor = Cursor()
    assert len(taken_of(cursor, at(1, 5), at(1, None, "deleted"), at(1, 4))) == 2


def test_a_stamp_of_the_far_future_hides_nothing() -> None:
    cursor = Cursor()
    cursor.open_gap(START_NS)
    cursor.close_gap()
    taken_of(cursor, at(1, 10**8))
    assert cursor.state.cursor_ns == START_NS + 100 * SECOND_NS
    later = msgspec.structs.replace(at(1, 300), received_ns=START_NS + 300 * SECOND_NS)
    assert len(taken_of(cursor, later)) == 1


def test_what_is_remembered_is_bounded() -> None:
    cursor = Cursor()
    for number in range(3_000):
        found = sifted(cursor, at(number, 5))
        cursor.taken(found.stamps, START_NS, frame_id=str(number))
    assert len(cursor.state.versions) == MOST_VERSIONS
    assert len(cursor._frames) == MOST_FRAMES
    assert cursor.delivered("2999")
    assert not cursor.delivered("0")
    again = Cursor(cursor.snapshot(b"r"))
    assert again.state == cursor.state
    assert len(cursor.snapshot(b"")) < 32_000


def test_a_state_that_is_none_says_so() -> None:
    with pytest.raises(msgspec.DecodeError):
        Cursor(b"\xc1")


# -- silence


def test_silence_is_told_by_the_rhythm_and_twice_as_long_each_time() -> None:
    silence = Silence(
        Rhythm(Expect(busy_per_hour=3_600, quiet_per_hour=3_600)), Backoff(60.0, 200.0)
    )
    lasted_s = []
    for _ in range(4):
        second = next(s for s in range(1_000) if silence.check(START_NS, START_NS + s * SECOND_NS))
        lasted_s.append(second)
    assert lasted_s == [60, 120, 200, 200]
    silence.heard(START_NS, 1)
    assert silence.check(START_NS, START_NS + 60 * SECOND_NS) is not None


def test_a_rare_wire_may_be_quiet_for_hours() -> None:
    silence = Silence(Rhythm(Expect(busy_per_hour=1, quiet_per_hour=1)), Backoff(60.0, 200.0))
    assert silence.check(START_NS, START_NS + 9 * 3_600 * SECOND_NS) is None
    fault = silence.check(START_NS, START_NS + 10 * 3_600 * SECOND_NS)
    assert fault is not None
    assert fault.detail == "nothing in 36000 s, in which 10 items were to be expected"
