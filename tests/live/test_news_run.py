"""`newsquake run` with news of every kind at once: all of it arrives, once, whatever happens."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import socket
import subprocess
from pathlib import Path

import msgspec
import pytest

from streams.events import Headline, Reject
from tests.http import misbehaving as bad
from tests.ingest.newsroom import (
    INTERVAL_S,
    SECRETS,
    Life,
    Newsroom,
    lines_of,
    newsroom,
    until,
    versions,
)
from tests.news.polling.polling import in_loop
from tests.running import COMMAND, environment, refusal

pytestmark = pytest.mark.slow

KILLS = 3


def documents(room: Newsroom, retitled: str = "", *keys: str) -> None:
    """Serve a feed of these items, with the validator that belongs to its bytes."""
    body = bad.rss(*keys)
    if retitled:
        body = body.replace(b"Story a told", retitled.encode())
    room.server.answers["/rss"] = bad.conditional(body, f'"{len(body)}"')


def ailing(room: Newsroom) -> None:
    """Serve a feed that fails once, and let the wire fail twice."""
    room.wire.faults += ["http:503", "http:503"]
    well = bad.document(bad.rss("late"))
    answers = itertools.chain([bad.status(503)], itertools.repeat(well))

    async def answer(writer: asyncio.StreamWriter, asked: bad.Asked) -> None:
        await next(answers)(writer, asked)

    room.server.answers["/sick"] = answer


async def first_words(room: Newsroom, life: Life) -> None:
    """Every source says something; the inbox lets nobody in without its token."""
    await life.until(lambda: room.wire.subscribers)
    for number in (1, 2, 3):
        await room.wire.say(number)
    room.put("one", "Acme opens a plant")
    assert await room.post("Acme hires", "two", token="wrong") == 401
    assert await room.post("Acme hires", "two") == 202
    assert await room.post("Acme hires", "two") == 202
    await life.line(title="Acme on a line", source="Lines", id="1")
    await life.line(neither="one nor the other")
    wanted = {
        *(("rss", 0, "created", f"Story {key} told") for key in "abc"),
        *(("benzinga", 0, "created", f"Acme says number {number}") for number in (1, 2, 3)),
        ("same", 0, "created", "Story x told"),
        ("sick", 0, "created", "Story late told"),
        ("drop", 0, "created", "Acme opens a plant"),
        ("inbox", 0, "created", "Acme hires"),
        ("stdin", 0, "created", "Acme on a line"),
    }
    await life.until(lambda: room.told() >= wanted)
    assert room.told() == wanted
    assert [each.reason for each in room.journal() if isinstance(each, Reject)] == ["unknown_line"]


async def second_thoughts(room: Newsroom, life: Life) -> None:
    """Each of them takes something back or says it anew."""
    before = room.told()
    documents(room, "Story a told again", *"abc")
    await room.wire.say(1, "Acme says number one", later_s=1)
    await room.wire.say(2, action="deleted", later_s=1)
    room.put("one", "Acme opens two plants")
    assert await room.post("Acme hires nobody", "two") == 202
    wanted = {
        ("rss", 1, "updated", "Story a told again"),
        ("benzinga", 1, "updated", "Acme says number one"),
        ("benzinga", 1, "deleted", "Acme says number 2"),
        ("drop", 1, "updated", "Acme opens two plants"),
        ("inbox", 1, "updated", "Acme hires nobody"),
    }
    await life.until(lambda: room.told() - before >= wanted)
    assert room.told() - before == wanted


async def said_meanwhile(room: Newsroom) -> None:
    """News comes while nobody listens."""
    await until(lambda: not room.wire.subscribers)
    documents(room, "Story a told again", *"abcd")
    await room.wire.say(4, later_s=2)
    room.put("three", "Acme closes a plant")


@in_loop
async def test_every_headline_once_through_a_kill_9(tmp_path: Path) -> None:
    async with newsroom(tmp_path) as room:
        room.configure("sick", "rss", "same")
        documents(room, "", *"abc")
        room.server.answers["/same"] = bad.conditional(bad.rss("x"), '"x"')
        ailing(room)
        async with Life(room) as life:
            await first_words(room, life)
            await second_thoughts(room, life)
            said = await life.killed()
        before = room.told()
        await said_meanwhile(room)
        wanted = {
            ("rss", 0, "created", "Story d told"),
            ("benzinga", 0, "created", "Acme says number 4"),
            ("drop", 0, "created", "Acme closes a plant"),
        }
        async with Life(room) as life:
            asked = len(room.server.asked)
            await life.until(lambda: room.told() - before >= wanted)
            await life.until(lambda: "/same" in " ".join(room.server.paths()[asked:]))
            ended = await life.ended()
        assert room.told() - before == wanted
        assert {len(copies) for copies in versions(room.headlines()).values()} == {1}
        faults_are_told_once(lines_of(said))
        assert lines_of(ended)[-1].startswith("0 ticks, 3 headlines, 0 rejects; ")
        assert not any(secret in said + ended for secret in SECRETS.values())
        nothing_is_asked_for_again(room)


def faults_are_told_once(lines: list[str]) -> None:
    """A source that fails says so, and when it has healed; nothing else is said of any."""
    assert any(line.startswith("inbox listens at http://127.0.0.1:") for line in lines)
    wire = [line for line in lines if line.startswith("benzinga")]
    assert wire[0].startswith("benzinga: server_error: HTTP 503; next try in ")
    assert wire[1:] == ["benzinga works again, after 2 failures"]
    sick = [line for line in lines if line.startswith("sick")]
    assert sick[0].startswith("sick: unavailable: 503")
    assert sick[1:] == ["sick works again, after 1 failure"]
    assert len(lines) == 2 + len(wire) + len(sick)  # and what it reads, and where it listens


def nothing_is_asked_for_again(room: Newsroom) -> None:
    """Neither the end of a process nor its beginning costs a server anything."""
    for feed in ("rss", "same"):
        asked = [each for each in room.server.asked if each.path.startswith(f"/{feed}?")]
        assert [each.conditional for each in asked] == [False, *[True] * (len(asked) - 1)]
        times = [each.at_s for each in asked]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert min(gaps) > INTERVAL_S - 0.2
        assert len(asked) > 1


@in_loop
async def test_kills_at_any_moment_lose_nothing(tmp_path: Path) -> None:
    """What was taken and not yet noted may come twice, as it was but for when it was received."""
    chance = random.Random(5)
    async with newsroom(tmp_path) as room:
        room.configure()
        titles = set[str]()
        numbers = itertools.count(1)
        for _ in range(KILLS):
            async with Life(room) as life:
                await life.until(lambda: room.wire.subscribers)
                for number in itertools.islice(numbers, chance.randrange(40, 90)):
                    titles |= {f"File {number}", (await room.wire.say(number)).title}
                    room.put(f"{number}.json", f"File {number}")
                    await asyncio.sleep(0.01)
                await life.killed()
            await until(lambda: not room.wire.subscribers)
        async with Life(room) as life:
            await life.until(lambda: {each.title for each in room.headlines()} >= titles)
            await life.ended(signal.SIGINT)
        found = versions(room.headlines())
        assert {copies[0].title for copies in found.values()} == titles
        assert len(found) == len(titles)
        for copies in found.values():
            assert len({timeless(each) for each in copies}) == 1
        repeats = sum(len(copies) - 1 for copies in found.values())
        assert repeats <= 2 * KILLS  # one of each source, at each kill


def timeless(headline: Headline) -> Headline:
    """Return a headline without when we received it."""
    return msgspec.structs.replace(headline, received_ns=None, known_ns=0, event_ns=0)


# -- what cannot be run


def refused(room: Newsroom, code: int, *words: str, **env: str) -> str:
    """Run it to its end, which must come at once, and return what it says is wrong."""
    state = {"XDG_STATE_HOME": str(room.base / "state")}
    done = subprocess.run(
        [*COMMAND, "run", "--config", str(room.config), *words],
        env={**environment(), **state, **env},
        cwd=room.base,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    done.stderr = "\n".join(
        line for line in done.stderr.splitlines() if not line.startswith("newsquake run: ")
    )
    said = refusal(done)
    assert not any(secret in said for secret in SECRETS.values())
    return said


@in_loop
async def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    async with newsroom(tmp_path) as room:
        room.configure()
        token = {"INBOX_TOKEN": SECRETS["INBOX_TOKEN"]}
        assert 'wires.key_env = "WIRE_KEY"' in refused(room, 2, **token)
        key = {"WIRE_KEY": SECRETS["WIRE_KEY"]}
        assert 'inbox.token_env = "INBOX_TOKEN"' in refused(room, 2, INBOX_TOKEN="", **key)


@in_loop
async def test_a_bad_configuration_is_refused_with_its_line(tmp_path: Path) -> None:
    async with newsroom(tmp_path) as room:
        room.configure("rss", more='[[feeds]]\nname = "rss"\nurl = "https://example.org/"\n')
        said = refused(room, 2, **SECRETS)
        assert f"{room.config}:" in said
        assert '"rss" is given twice' in said


@in_loop
async def test_a_second_run_names_the_first(tmp_path: Path) -> None:
    """Journals are a run's own; the file of what was seen of news may be another's, too."""
    async with newsroom(tmp_path) as room:
        room.configure(more='[news]\nstate = "seen.sqlite"\n')
        spool = ("--spool", str(tmp_path / "one"))
        async with Life(room, *spool) as life:
            await life.until(lambda: room.wire.subscribers)
            for words in (spool, ()):
                said = await asyncio.to_thread(refused, room, 1, *words, **SECRETS)
                assert f"process {life.process.pid} has it open" in said
            await life.ended()


@in_loop
async def test_an_inbox_without_its_port_ends_the_run(tmp_path: Path) -> None:
    async with newsroom(tmp_path) as room:
        room.configure()
        with socket.create_server(("127.0.0.1", room.port)):
            said = await asyncio.to_thread(refused, room, 1, **SECRETS)
        assert "news cannot be read" in said
        assert str(room.port) in said
