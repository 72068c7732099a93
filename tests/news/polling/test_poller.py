"""Whatever a server does: nothing lost, nothing asked too often, and all is well when it is."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.errors import PublishError
from streams.events import SECOND_NS
from streams.http.options import HttpOptions
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.polling.feed_state import FeedState
from streams.news.polling.poller import PollerLimits
from streams.time_source import MACHINE_TIME
from streams.times import DAY_S
from tests.http import misbehaving as bad
from tests.news.polling.polling import QUICK, Polling, World, feed_of, in_loop

HOUR_S = 3_600
OLD, NEW = bad.rss("a", "b"), bad.rss("b", "c")


# -- a server that behaves


@in_loop
async def test_an_unchanged_feed_is_asked_with_its_validators_and_read_once() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(600)
            server.answers["/feed"] = bad.conditional(NEW, '"two"')
            await polling.passes(70)
    assert world.keys() == ["a", "b", "b", "c"]
    assert world.befell() == ["read", *["unchanged"] * (len(world.outcomes) - 2), "read"]
    assert [each.headers.get("if-none-match") for each in server.asked[:2]] == [None, '"one"']
    assert 10 <= len(server.asked) <= 13


@in_loop
async def test_the_log_says_what_became_of_each_poll(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        with caplog.at_level("DEBUG", "streams.news.polling"):
            async with Polling(world, feed_of(server.url())) as polling:
                await polling.passes(70)
                server.answers["/feed"] = bad.status(404)
                await polling.passes(70)
    said: list[Any] = [each.msg for each in caplog.records]
    assert [(each["event"], each["status"]) for each in said[:3]] == [
        ("feed read", 200), ("feed unchanged", 304), ("feed failed", 404)
    ]  # fmt: skip
    assert (said[1]["why"], said[2]["reason"]) == ("304 to its validators", "not_found")
    assert all(each["next_s"] >= 50 for each in said)


@in_loop
async def test_both_validators_are_sent_and_no_cookie_is_kept() -> None:
    world = World()
    modified = "Thu, 26 Nov 2026 10:00:00 GMT"
    async with bad.serving() as server:
        server.answers["/feed"] = bad.document(
            OLD, ETag='W/"x"', Last_Modified=modified, Set_Cookie="id=7; Path=/"
        )
        url = server.url(host="localhost")  # cookies of mere addresses would be dropped anyway
        async with Polling(
            world, feed_of(url), http=HttpOptions(user_agent="newsquake/1 (+me)")
        ) as polling:
            await polling.passes(90)
    first, second = (each.headers for each in server.asked)
    assert (second["if-none-match"], second["if-modified-since"]) == ('W/"x"', modified)
    assert "cookie" not in second
    assert first["user-agent"] == "newsquake/1 (+me)"
    assert first["accept-encoding"] == "gzip, deflate, br"


@in_loop
async def test_the_same_bytes_are_not_read_twice_without_validators_either() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.document(OLD)
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(600)
    assert world.reads == 1
    assert set(world.befell()[1:]) == {"unchanged"}


@in_loop
@pytest.mark.parametrize(
    ("headers", "least_s"), [({}, 60), ({"Cache_Control": "public, max-age=300"}, 300)]
)
async def test_requests_are_never_closer_than_the_interval_nor_than_max_age(
    headers: dict[str, str], least_s: float
) -> None:
    world = World()
    at_s: list[float] = []

    async def answer(writer: asyncio.StreamWriter, asked: bad.Asked) -> None:
        at_s.append(world.time.seconds)
        await bad.document(OLD, **headers)(writer, asked)

    async with bad.serving() as server:
        server.answers["/feed"] = answer
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(HOUR_S)
    gaps = [after - before for before, after in itertools.pairwise(at_s)]
    assert min(gaps) >= least_s - 0.5  # measured at the server, a request's time may vary
    assert max(gaps) <= least_s * 1.11
    assert len({round(gap, 3) for gap in gaps}) > 1  # jitter


@in_loop
async def test_max_age_stretches_the_interval_only_so_far() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.document(OLD, Cache_Control="max-age=31536000")
        async with Polling(world, feed_of(server.url(), max_age_s=120)) as polling:
            await polling.passes(HOUR_S)
    assert 27 <= len(server.asked) <= 31


# -- validators and what has been taken


@in_loop
async def test_what_was_not_taken_is_fetched_again_without_a_condition() -> None:
    world = World()

    async def refuse(_info: FeedInfo, _parsed: ParsedFeed) -> int:
        raise PublishError("the broker is away")

    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        take, world.take = world.take, refuse  # type: ignore[method-assign]
        with pytest.raises(PublishError):
            async with Polling(world, feed_of(server.url())) as polling:
                await polling.passes(10)
        world.take = take  # type: ignore[method-assign]
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(10)
    assert [each.conditional for each in server.asked] == [False, False]
    assert world.keys() == ["a", "b"]


@in_loop
async def test_a_page_instead_of_a_feed_fails_and_leaves_the_validators() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(10)
            server.answers["/feed"] = bad.document(bad.PAGE, ETag='"page"')
            await polling.passes(HOUR_S)
            assert len(server.asked) < 10
            server.answers["/feed"] = bad.conditional(OLD, '"one"')
            await polling.passes(HOUR_S)
    assert set(world.befell()[1:4]) == {"not_a_feed"}
    assert world.befell()[-1] == "unchanged"
    assert {each.headers["if-none-match"] for each in server.asked[1:]} == {'"one"'}
    # The page is told to those who keep rejects, once.
    assert [reject.reason for each in world.taken for reject in each.rejects] == ["not_a_feed"]


@in_loop
async def test_a_feed_that_turns_empty_is_no_failure_and_does_not_stick() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(10)
            # The server goes on to name the same validator, whatever it has.
            server.answers["/feed"] = bad.document(bad.rss(), ETag='"one"')
            await polling.passes(200)
            server.answers["/feed"] = bad.conditional(NEW, '"one"')
            await polling.passes(120)
    assert [(each.kind, each.items) for each in world.outcomes[:3]] == [
        ("read", 2), ("read", 0), ("read", 0),
    ]  # fmt: skip
    assert not server.asked[2].conditional
    assert world.keys() == ["a", "b", "b", "c"]
    assert sum(bool(each.rejects) for each in world.taken) == 1


@in_loop
async def test_a_mended_document_is_believed_when_it_comes_twice() -> None:
    # Cut on its way, where nothing tells: no length, and the connection closed.
    whole, cut = bad.rss("a", "b", "c"), bad.rss("a", "b", "c")[:-90]
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.document(cut, Content_Length=None, ETag='"one"')
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(10)
            server.answers["/feed"] = bad.conditional(whole, '"one"')
            await polling.passes(120)
    assert not server.asked[1].conditional
    assert set(world.keys()) == {"a", "b", "c"}
    assert server.asked[2].conditional


@in_loop
async def test_a_feed_that_is_always_malformed_is_asked_with_its_validators_in_the_end() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD[:-10], '"one"')
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(240)
    assert [each.conditional for each in server.asked[:4]] == [False, False, True, True]
    assert world.reads == 1


@in_loop
async def test_a_validator_that_cannot_be_sent_is_not() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.document(OLD, ETag='"caf\xe9"')
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(200)
    assert not any(each.conditional for each in server.asked)
    assert set(world.befell()) == {"read", "unchanged"}


def release(*embargoes: str) -> bytes:
    """Return ninjs with an item for each time, "" for one that may be told at once."""
    items = [
        {"uri": f"tag:{n}", "headline": f"Plan {n}", "versionCreated": "2026-11-26T10:00:00Z",
         **({"embargoedUntil": until} if until else {})}
        for n, until in enumerate(embargoes)
    ]  # fmt: skip
    return msgspec.json.encode({"items": items})


@in_loop
@pytest.mark.parametrize("first", ["", "2026-11-26T11:00:00Z"], ids=["with others", "alone"])
async def test_what_an_embargo_held_back_comes_when_it_ends(first: str) -> None:
    world = World()  # it is 10:30
    async with bad.serving() as server:
        document = release(first, "2026-11-26T11:00:00Z")
        server.answers["/feed"] = bad.conditional(document, '"one"')
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(1_799)
            assert world.keys() == ([] if first else ["tag:0"])
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(600)
    assert set(world.keys()) == {"tag:0", "tag:1"}
    assert len(world.keys()) <= 3
    assert "failed" not in {each.kind for each in world.outcomes}
    assert sum(bool(each.rejects) for each in world.taken) == 1


# -- 304 storms


@in_loop
async def test_a_304_that_nobody_asked_for_is_a_failure_and_heals() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.status(304)
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(DAY_S)
            asked = len(server.asked)
            server.answers["/feed"] = bad.conditional(OLD, '"one"')
            await polling.passes(1.2 * HOUR_S)
    assert set(world.befell()[: asked - 1]) == {"unasked_304"}
    assert asked <= 32  # six doublings to an hour, then an hour each
    assert not any(each.conditional for each in server.asked[:asked])
    assert world.keys() == ["a", "b"]


@in_loop
async def test_a_server_that_says_304_for_ever_is_asked_for_the_whole_once_a_day() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        async with Polling(world, feed_of(server.url(), interval_s=HOUR_S)) as polling:
            await polling.passes(10)
            server.answers["/feed"] = bad.conditional(NEW, '"one"')
            await polling.passes(DAY_S + 2 * HOUR_S)
    assert world.keys() == ["a", "b", "b", "c"]
    assert [each.conditional for each in server.asked].count(False) == 2


# -- 429, 503 and Retry-After


@in_loop
@pytest.mark.parametrize(
    ("headers", "least_s"),
    [
        ({"Retry_After": "1800"}, 1800),
        ({"Retry_After": "Thu, 26 Nov 2026 11:00:00 GMT", "Date": "Thu, 26 Nov 2026 10:00:00 GMT"}, HOUR_S),
        ({"Retry_After": "Thu, 26 Nov 2026 11:30:00 GMT"}, HOUR_S),
        ({"Retry_After": "99999999999999999999"}, DAY_S),
        ({"Retry_After": "soon"}, 60),
        ({"Retry_After": "-5"}, 60),
        ({}, 60),
    ],
    ids=["seconds", "date", "date by our clock", "for ever", "words", "negative", "none"],
)  # fmt: skip
@pytest.mark.parametrize(("code", "reason"), [(429, "rate_limited"), (503, "unavailable")])
async def test_retry_after_is_kept(
    code: int, reason: str, headers: dict[str, str], least_s: float
) -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.status(code, **headers)
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(least_s - 1)
            assert len(server.asked) == 1
            server.answers["/feed"] = bad.document(OLD)
            await polling.passes(least_s * 0.11 + 2)
    assert world.befell()[:2] == [reason, "read"]


# -- failures of every kind


def broken(code: int) -> bad.Answer:
    return bad.status(code, b"<h1>no</h1>")


FAILURES: dict[str, tuple[bad.Answer, str, int]] = {
    # What the server does -> our name, and the most requests in a day at an interval of a minute.
    "401": (broken(401), "unauthorized", 15),
    "403": (broken(403), "forbidden", 15),
    "404": (broken(404), "not_found", 15),
    "410": (broken(410), "gone", 13),
    "418": (broken(418), "client_error", 32),
    "500": (broken(500), "server_error", 32),
    "204": (bad.status(204), "bad_status", 32),
    "page": (bad.document(bad.PAGE), "not_a_feed", 32),
    "no bytes": (bad.document(b""), "not_a_feed", 32),
    "zip cut": (bad.document(bad.gzipped(OLD)[:-9], Content_Encoding="gzip"), "truncated", 32),
    "zip damaged": (
        bad.document(b"\x1f\x8b\x08\0garbage, garbage", Content_Encoding="gzip"), "bad_encoding", 32,
    ),
    "length too long": (bad.document(OLD, Content_Length=len(OLD) + 9), "truncated", 32),
    "chunks of garbage": (
        bad.raw(bad.response(200, b"zz\r\n!", Content_Length=None, Transfer_Encoding="chunked")),
        "bad_http", 32,
    ),
    "chunks cut": (
        bad.raw(bad.response(200, b"99\r\n<rss>", Content_Length=None, Transfer_Encoding="chunked")),
        "truncated", 32,
    ),
    "no HTTP": (bad.raw(b"220 mail.example ESMTP\r\n\r\n"), "bad_http", 32),
    "reset": (bad.reset, "reset", 32),
    "redirect loop": (bad.redirect(302, "/feed"), "redirect_loop", 32),
    "redirect nowhere": (bad.redirect(302, "mailto:x@example.org"), "bad_redirect", 32),
}  # fmt: skip


@in_loop
@pytest.mark.parametrize("name", FAILURES)
async def test_a_failing_server_is_asked_ever_more_seldom_for_ever_and_heals(name: str) -> None:
    answer, reason, most = FAILURES[name]
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(10)
            server.answers["/feed"] = answer
            await polling.passes(DAY_S)
            in_a_day = len(server.asked) - 1
            await polling.passes(2 * DAY_S)
            assert len(server.asked) > in_a_day + 1  # not given up
            server.answers["/feed"] = bad.conditional(NEW, '"two"')
            while "c" not in world.keys() and world.time.seconds < 4.2 * DAY_S:  # noqa: SIM118
                await polling.passes(HOUR_S)
    assert world.befell()[1] == reason
    assert set(world.befell()[1 : in_a_day + 1]) == {reason}
    assert 5 <= in_a_day <= most
    assert world.keys() == ["a", "b", "b", "c"]


SLOW: dict[str, tuple[bad.Answer, str]] = {
    "never": (bad.never, "timeout"),
    "slow head": (bad.dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.05), "timeout"),
    "slow body": (bad.dripping(bad.response(200, Content_Length=9_999), b"x", 0.05), "too_slow"),
    "half a body": (bad.dripping(bad.response(200, Content_Length=9_999), b"x", 60), "timeout"),
}


@in_loop
@pytest.mark.parametrize("name", SLOW)
async def test_a_slow_server_is_left_in_time_and_heals(name: str) -> None:
    answer, reason = SLOW[name]
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = answer
        began_s = time.monotonic()
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(130)
            assert len(server.asked) == 2
            took_s = time.monotonic() - began_s
            server.answers["/feed"] = bad.document(OLD)
            await polling.passes(300)
    assert took_s < 10
    assert world.befell()[:3] == [reason, reason, "read"]
    assert world.keys() == ["a", "b"]


@in_loop
async def test_nobody_there_is_tried_every_few_minutes() -> None:
    world = World()
    async with bad.serving() as server:
        url = server.url()
    async with Polling(world, feed_of(url)) as polling:
        await polling.passes(DAY_S)
    assert set(world.befell()) == {"connect"}
    assert 200 < len(world.outcomes) < 300


@in_loop
async def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    world = World()
    async with bad.serving(bad.self_signed(tmp_path)) as server:
        server.answers["/feed"] = bad.document(OLD)
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(10)
    assert world.befell() == ["tls"]
    assert world.keys() == []


@in_loop
async def test_a_key_in_a_url_is_in_no_outcome() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.redirect(301, "/on?token=SECRET")
        server.answers["/on"] = bad.document(OLD)
        server.answers["/loop"] = bad.redirect(302, "/loop?token=SECRET")
        feeds = [
            feed_of(server.url(path + "?token=SECRET"), path) for path in ("/feed", "/loop", "/")
        ]
        async with Polling(world, *feeds) as polling:
            await polling.passes(90)
    assert len(world.outcomes) >= 3
    assert "SECRET" not in repr(world.outcomes)


# -- politeness among feeds


@in_loop
@pytest.mark.parametrize(("at_once", "gap_s", "answer_s"), [(2, 0.0, 0.05), (8, 0.04, 0.0)])
async def test_a_host_gets_few_requests_at_once_and_apart(
    at_once: int, gap_s: float, answer_s: float
) -> None:
    world = World()

    async def slow(writer: asyncio.StreamWriter, asked: bad.Asked) -> None:
        await asyncio.sleep(answer_s)
        await bad.document(OLD)(writer, asked)

    async with bad.serving() as server:
        server.answers["/feed"] = slow
        feeds = [feed_of(server.url(f"/feed?{n}"), f"f{n}", interval_s=0.01) for n in range(8)]
        limits = PollerLimits(request=QUICK, gap_s=gap_s, per_host=at_once)
        poller = world.poller(*feeds, limits=limits, time=MACHINE_TIME)
        task = asyncio.create_task(poller.run())
        while len(server.asked) < 20:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    at_s = [each.at_s for each in server.asked]
    assert server.most_at_once <= at_once
    assert (at_s[-1] - at_s[0]) / (len(at_s) - 1) >= max(gap_s, answer_s / at_once) * 0.9


@in_loop
async def test_500_feeds_start_spread_over_their_interval() -> None:
    world = World()
    feeds = [feed_of("http://127.0.0.1:9/", f"f{n}") for n in range(500)]
    async with Polling(world, *feeds) as polling:
        await polling.passes(0.05)
        waits_s = sorted(due_s for due_s, _, _ in world.time._sleepers)
    assert len(waits_s) == 500
    gaps = [after - before for before, after in itertools.pairwise(waits_s)]
    assert max(gaps[:-2]) < 0.2
    assert 50 < waits_s[-1] - waits_s[0] < 70


# -- what a poller finds when it starts


@in_loop
async def test_a_restart_waits_for_what_is_due() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        for _ in range(5):
            async with Polling(world, feed_of(server.url())) as polling:
                await polling.passes(5)
        assert len(server.asked) == 1
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(60)
    assert [each.conditional for each in server.asked] == [False, True]


@in_loop
@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (lambda url: feed_of(url, interval_s=20), 2),
        (lambda url: feed_of(url + "?other"), 2),
        (feed_of, 1),
    ],
    ids=["a shorter interval", "another URL", "nothing"],
)
async def test_a_changed_feed_is_asked_by_its_new_configuration(
    change: Callable[[str], Any], asked: int
) -> None:
    world = World()
    async with bad.serving() as server:
        server.answers["/feed"] = bad.conditional(OLD, '"one"')
        async with Polling(world, feed_of(server.url(), interval_s=HOUR_S)) as polling:
            await polling.passes(10)
        async with Polling(world, change(server.url())) as polling:
            await polling.passes(15)
    assert len(server.asked) == asked


@in_loop
@pytest.mark.parametrize("saved", [b"", b"\xc1", b"\x80", b"garbage"])
async def test_a_state_that_cannot_be_read_is_none(saved: bytes) -> None:
    world = World()
    world.states["wire"] = saved
    async with bad.serving() as server:
        server.answers["/feed"] = bad.document(OLD)
        async with Polling(world, feed_of(server.url())) as polling:
            await polling.passes(5)
    assert world.keys() == ["a", "b"]


def test_a_clock_that_was_wrong_stops_no_feed() -> None:
    state = FeedState(url="http://x/", interval_s=60, whole_ns=2 * SECOND_NS)
    assert state.due(1e9, SECOND_NS).remaining_s(SECOND_NS) == DAY_S
    assert state.due(60, SECOND_NS).remaining_s(10**15) == 0
    assert not state.conditions(SECOND_NS).headers()
