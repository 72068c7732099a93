"""Documents that are posted: a real server on a free port, a real client."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from streams.errors import PublishError
from streams.events import SECOND_NS
from streams.news.dialects.rss import MAX_BYTES
from streams.news.inbox import http as inbox_http
from streams.news.inbox.http import HttpInbox
from streams.outcome import Outcome
from streams.times import parse_time
from tests.news.inbox.pushed import FEED, Desk, ninjs, until

NOON_NS = parse_time("2026-07-16T12:00:00Z") or 0


class Server:
    """A running inbox, and a client that talks to it."""

    def __init__(self, url: str, client: aiohttp.ClientSession, task: asyncio.Task[None]) -> None:
        self.url, self.client, self.task = url, client, task

    async def post(self, data: Any, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(self.url, data=data, headers=named) as answer:
            body = await answer.json() if answer.content_type == "application/json" else {}
            return answer.status, body, dict(answer.headers)


@contextlib.asynccontextmanager
async def serving(
    desk: Desk, notices: list[Outcome] | None = None, **options: Any
) -> AsyncIterator[Server]:
    given = {"now_ns": lambda: NOON_NS + SECOND_NS, **options}
    notice = (notices if notices is not None else []).append
    inbox = HttpInbox(FEED, desk.take, notice, **given)
    task = asyncio.create_task(inbox.run())
    try:
        await until(lambda: inbox.address is not None, task)
        assert inbox.address is not None
        host, port = inbox.address
        assert host == "127.0.0.1"
        async with aiohttp.ClientSession() as client:
            yield Server(f"http://{host}:{port}/", client, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert inbox.address is None


def played(scene: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        await asyncio.wait_for(scene(), 60)

    asyncio.run(in_time())


def test_a_document_is_accepted_once_it_is_safe() -> None:
    desk, notices = Desk(), []

    async def scene() -> None:
        async with serving(desk, notices) as server:
            desk.open.clear()
            posting = asyncio.create_task(server.post(ninjs("a")))
            await until(lambda: desk.waiting == 1, server.task)
            assert not posting.done()
            desk.open.set()
            status, body, _ = await posting
            assert (status, body["items"], body["new"]) == (202, 1, 1)
            assert (body["dialect"], body["rejects"]) == ("ninjs", [])
            status, body, _ = await server.post(ninjs("a"))
            assert (status, body["items"], body["new"]) == (202, 1, 0)

    played(scene)
    assert desk.takes[0].headlines[0].received_ns == NOON_NS + SECOND_NS
    assert [(each.kind, each.items) for each in notices] == [
        ("connected", 0), ("read", 1), ("read", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_a_feed"),
        (b"hello", "not_a_feed"),
        (b'{"uri": "x", "headlines": [{"value":', "undecodable"),
        (ninjs("never", pubStatus="withheld"), "withheld"),
    ],
)
def test_a_document_of_which_nothing_is_usable_is_refused(data: bytes, reason: str) -> None:
    desk, notices = Desk(), []

    async def scene() -> None:
        async with serving(desk, notices) as server:
            status, body, _ = await server.post(data)
            assert (status, body["reason"]) == (422, reason)
            assert body["detail"].startswith("drop: ")

    played(scene)
    assert [reject.reason for parsed in desk.takes for reject in parsed.rejects] == [reason]
    assert [(each.kind, each.reason) for each in notices[1:]] == [("failed", reason)]


def test_a_sender_is_told_when_an_embargo_is_over() -> None:
    desk = Desk()

    async def scene() -> None:
        async with serving(desk) as server:
            held = ninjs("held", embargoedUntil="2026-07-16T12:01:00.5Z")
            status, body, headers = await server.post(held)
            assert (status, body["reason"], headers["Retry-After"]) == (422, "embargoed", "60")

    played(scene)
    assert desk.titles == []


def test_good_items_are_taken_beside_bad_ones() -> None:
    desk = Desk()

    async def scene() -> None:
        async with serving(desk) as server:
            data = ninjs("good") + b"\n" + ninjs("")
            status, body, _ = await server.post(data)
            assert (status, body["items"]) == (202, 1)
            assert [each["reason"] for each in body["rejects"]] == ["no_title"]

    played(scene)
    assert desk.titles == ["good"]


def test_only_posts_to_the_root_are_answered() -> None:
    async def scene() -> None:
        async with serving(Desk()) as server:
            for method, path, status in [
                ("GET", "", 405), ("PUT", "", 405), ("HEAD", "", 405), ("POST", "other", 404),
            ]:  # fmt: skip
                async with server.client.request(method, server.url + path) as answer:
                    assert answer.status == status

    played(scene)


def test_a_document_beyond_the_limit_is_refused_unread() -> None:
    desk = Desk()

    async def scene() -> None:
        async with serving(desk) as server:
            status, _, _ = await server.post(io.BytesIO(b" " * (MAX_BYTES + 1)))
            assert status == 413
            status, _, _ = await server.post(ninjs("a"))
            assert status == 202

    played(scene)
    assert desk.titles == ["a"]


def test_a_token_is_asked_for() -> None:
    desk = Desk()

    async def scene() -> None:
        async with serving(desk, token="s3cret \u00e9") as server:
            for headers in (
                {}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"},
                {"Authorization": "s3cret \u00e9"}, {"Authorization": "Bearer"},
            ):  # fmt: skip
                status, _, answered = await server.post(ninjs("a"), **headers)
                assert (status, answered["WWW-Authenticate"]) == (401, "Bearer")
            status, _, _ = await server.post(ninjs("a"), Authorization="bearer s3cret \u00e9")
            assert status == 202

    played(scene)
    assert desk.titles == ["a"]


def test_without_a_token_no_web_page_may_post() -> None:
    desk = Desk()

    async def scene() -> None:
        async with serving(desk) as server:
            status, body, _ = await server.post(ninjs("a"), Origin="https://evil.example")
            assert (status, body["reason"]) == (403, "not_local")

    played(scene)
    assert desk.takes == []


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.evil.example:80", "localhost:port"])
def test_nobody_elses_name_leads_to_the_inbox(host: str) -> None:
    """A page elsewhere may point a name of its own at this machine; it posts without an Origin."""
    desk = Desk()

    async def scene() -> None:
        async with serving(desk) as server:
            status, _, _ = await server.post(ninjs("a"), Host=host)
            assert status in {400, 403}

    played(scene)
    assert desk.takes == []


@pytest.mark.parametrize("fault", [PublishError("no broker"), OSError("no space")])
def test_what_cannot_be_kept_may_be_sent_again(fault: Exception) -> None:
    desk, notices = Desk(), []

    async def scene() -> None:
        async with serving(desk, notices) as server:
            desk.fault = fault
            status, body, headers = await server.post(ninjs("a"))
            assert (status, body["reason"], headers["Retry-After"]) == (503, "busy", "1")
            desk.fault = None
            status, _, _ = await server.post(ninjs("a"))
            assert status == 202

    played(scene)
    assert desk.titles == ["a"]
    assert [(each.kind, each.reason) for each in notices[1:]] == [
        ("failed", "not_taken"), ("read", ""),
    ]  # fmt: skip


def test_more_documents_than_memory_is_given_for_wait_outside() -> None:
    desk = Desk()

    async def scene() -> None:
        async with serving(desk) as server:
            desk.open.clear()
            most = inbox_http.MOST_AT_ONCE
            posting = []
            for number in range(most):
                posting.append(asyncio.create_task(server.post(ninjs(str(number)))))
                await until(lambda: desk.waiting == 1, server.task)
            status = 202
            while status != 503:  # until the last of them has come as far as the server
                extra = asyncio.create_task(server.post(ninjs("one more")))
                done, _ = await asyncio.wait({extra}, timeout=0.2)
                posting += [] if done else [extra]
                status = extra.result()[0] if done else 202
            desk.open.set()
            assert {answer[0] for answer in await asyncio.gather(*posting)} == {202}

    played(scene)
    assert {str(number) for number in range(inbox_http.MOST_AT_ONCE)} <= {*desk.titles, "one more"}


def test_a_document_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_http, "BODY_S", 0.1)
    desk = Desk()

    async def scene() -> None:
        never = asyncio.Event()

        async def dripping() -> AsyncIterator[bytes]:
            yield b"{"
            await never.wait()

        async with serving(desk) as server:
            status, body, _ = await server.post(dripping())
            assert (status, body["reason"]) == (408, "too_slow")
            status, _, _ = await server.post(ninjs("a"))
            assert status == 202

    played(scene)
    assert desk.titles == ["a"]


def test_an_address_that_is_taken_ends_the_run() -> None:
    async def scene() -> None:
        async with serving(Desk()) as server:
            port = int(server.url.rstrip("/").rpartition(":")[2])
            with pytest.raises(OSError, match="address"):
                await HttpInbox(FEED, Desk().take, lambda _: None, port=port).run()

    played(scene)


def test_a_quiet_inbox_is_said_to_be_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_http, "HEARD_S", 0.01)
    notices: list[Outcome] = []

    async def scene() -> None:
        async with serving(Desk(), notices) as server:
            await until(lambda: len(notices) > 2, server.task)

    played(scene)
    assert [each.kind for each in notices[:3]] == ["connected", "unchanged", "unchanged"]
