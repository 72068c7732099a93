"""Where a redirect leads is followed, remembered only when it is for good, and doubted when it fails."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.http import misbehaving as bad
from tests.news.polling.polling import HTTP, Polling, World, feed_of, fetched_from, in_loop

HOUR_S = 3_600
OLD, NEW = bad.rss("a", "b"), bad.rss("b", "c")


async def polled(world: World, server: bad.Server, seconds: float) -> list[str]:
    """Poll /feed for so long in a poller of its own and return the paths that were asked."""
    before = len(server.asked)
    async with Polling(world, feed_of(server.url())) as polling:
        await polling.passes(seconds)
    return server.paths()[before:]


@in_loop
@pytest.mark.parametrize("code", [301, 308])
async def test_a_permanent_move_is_remembered_over_restarts(code: int) -> None:
    world = World()
    async with bad.serving() as server:
        server.answers |= {
            "/feed": bad.redirect(code, "/moved"), "/moved": bad.conditional(OLD, '"one"'),
        }  # fmt: skip
        assert await polled(world, server, 10) == ["/feed", "/moved"]
        assert await polled(world, server, 130) == ["/moved", "/moved"]
        assert server.asked[-1].conditional
    assert world.keys() == ["a", "b"]
    assert world.outcomes[0].detail.endswith("/moved")


@in_loop
@pytest.mark.parametrize("codes", [(302,), (303,), (307,), (301, 302), (302, 301)])
async def test_any_other_redirect_is_followed_anew_each_time(codes: tuple[int, ...]) -> None:
    world = World()
    paths = ["/feed", *(f"/{n}" for n in range(1, len(codes))), "/end"]
    async with bad.serving() as server:
        for path, code, to in zip(paths, codes, paths[1:], strict=False):
            server.answers[path] = bad.redirect(code, to)
        server.answers["/end"] = bad.conditional(OLD, '"one"')
        assert await polled(world, server, 70) == [*paths, *paths]
    # Only the URL that gave a validator gets it back.
    assert [each.path for each in server.asked if each.conditional] == ["/end"]


@in_loop
async def test_a_permanent_move_to_a_page_is_not_remembered() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers |= {"/feed": bad.redirect(301, "/login"), "/login": bad.document(bad.PAGE)}
        await polled(world, server, 10)
        server.answers["/feed"] = bad.document(OLD)
        assert await polled(world, server, 130) == ["/feed", "/feed"]
    assert world.befell() == ["not_a_feed", "read", "unchanged"]


@in_loop
async def test_a_move_that_fails_is_taken_back_and_nothing_is_lost() -> None:
    world = World()
    async with bad.serving() as server:
        server.answers |= {"/feed": bad.redirect(301, "/moved"), "/moved": bad.document(OLD)}
        await polled(world, server, 10)
        server.answers |= {"/feed": bad.conditional(NEW, '"x"'), "/moved": bad.status(404)}
        asked = await polled(world, server, HOUR_S)
    assert asked[:4] == ["/moved", "/moved", "/moved", "/feed"]
    assert set(asked[3:]) == {"/feed"}
    assert world.keys() == ["a", "b", "b", "c"]


@in_loop
async def test_a_chain_may_have_five_redirects() -> None:
    async with bad.serving() as server:
        for n in range(7):
            server.answers[f"/{n}"] = bad.redirect(302, f"/{n + 1}")
        server.answers["/7"] = bad.document(OLD)
        fine = await fetched_from(server.url("/2"))
        long = await fetched_from(server.url("/1"))
    assert (fine.body, fine.hops, fine.final_url) == (OLD, (302,) * 5, server.url("/7"))
    assert (long.body, long.reason, long.hops) == (None, "too_many_redirects", (302,) * 5)
    assert server.paths().count("/7") == 1


@in_loop
@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/a", "redirect_loop"),
        ("/a#part", "redirect_loop"),
        ("/b", "redirect_loop"),
        ("", "bad_redirect"),
        ("ftp://127.0.0.1/feed", "bad_redirect"),
        ("http://[::1", "bad_redirect"),
        ("http://127.0.0.1:99999/", "bad_redirect"),
        ("\xff\xfe", "not_found"),
    ],
)
async def test_where_a_redirect_cannot_lead(location: str, reason: str) -> None:
    async with bad.serving() as server:
        server.answers |= {"/a": bad.redirect(301, "/b"), "/b": bad.redirect(301, location)}
        fetched = await fetched_from(server.url("/a"))
    assert fetched.reason == reason
    assert len(server.asked) <= 3


@in_loop
async def test_a_redirect_without_a_location_leads_nowhere() -> None:
    async with bad.serving() as server:
        server.answers["/feed"] = bad.status(301)
        fetched = await fetched_from(server.url())
    assert (fetched.reason, fetched.detail) == ("bad_redirect", "301 to ''")


# -- encryption


@asynccontextmanager
async def encrypted(folder: Path) -> AsyncIterator[tuple[bad.Server, ssl.SSLContext]]:
    """Serve over TLS, with a context that trusts the server."""
    context = bad.self_signed(folder)
    async with bad.serving(context) as server:
        yield server, ssl.create_default_context(cafile=str(folder / "certificate.pem"))


@in_loop
async def test_encryption_is_not_given_up(tmp_path: Path) -> None:
    async with bad.serving() as plain, encrypted(tmp_path) as (server, trust):
        plain.answers["/feed"] = bad.document(OLD)
        server.answers["/feed"] = bad.redirect(301, plain.url())
        world = World()
        async with Polling(
            world, feed_of(server.url()), http=msgspec.structs.replace(HTTP, tls=trust)
        ) as polling:
            await polling.passes(10)
    assert world.befell() == ["downgrade"]
    assert plain.asked == []


@in_loop
async def test_encryption_is_gained_for_good(tmp_path: Path) -> None:
    async with bad.serving() as plain, encrypted(tmp_path) as (server, trust):
        server.answers["/feed"] = bad.document(OLD)
        plain.answers["/feed"] = bad.redirect(308, server.url())
        world = World()
        async with Polling(
            world, feed_of(plain.url()), http=msgspec.structs.replace(HTTP, tls=trust)
        ) as polling:
            await polling.passes(130)
    assert world.befell()[0] == "read"
    assert (len(plain.asked), len(server.asked)) == (1, 3)
