"""`newsquake feeds` as its user meets it: check, add, list, test, status."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.cli.main import main
from agents.config.newsquake import load_config
from streams.http.rules import shown_url
from tests.http import misbehaving as bad
from tests.ingest.newsroom import Life, free_port, newsroom
from tests.news.polling.polling import in_loop
from tests.news.wires.wire_servers import SECRET, AlpacaServer
from tests.running import COMMAND, ROOT, environment

FEEDS = ROOT / "tests" / "feeds"
KEYS = ["path", "dialect", "headlines", "statuses", "problems"]
Said = tuple[int, str, str]
Feeds = Callable[..., Said]


@pytest.fixture
def feeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Feeds:
    """Run `newsquake feeds ...` in an empty folder; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words: object) -> Said:
        try:
            code = main(["feeds", *map(str, words)])
        except SystemExit as end:  # argparse
            code = int(str(end.code))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# -- check


def test_check_gives_one_object_a_document(feeds: Feeds, tmp_path: Path) -> None:
    """Good and bad ones beside each other; a folder stands for all its files."""
    saved = tmp_path / "saved"
    (saved / "below").mkdir(parents=True)
    shutil.copy(FEEDS / "yahoo" / "one_symbol.xml", saved / "below" / "yahoo.xml")
    shutil.copy(FEEDS / "nasdaq_halts" / "summer_with_bom.xml", saved / "halts.xml")
    (saved / "page.html").write_bytes(bad.PAGE)
    (saved / "zero").write_bytes(b"")
    code, out, err = feeds("check", saved, "gone.xml", "--json")
    assert code == 1
    assert err == ""
    found = objects(out)
    assert [sorted(each) for each in found] == [sorted(KEYS)] * 5
    yahoo, halts, page, zero, gone = found
    assert [Path(each["path"]).name for each in found[:4]] == [
        "yahoo.xml", "halts.xml", "page.html", "zero",
    ]  # fmt: skip
    assert yahoo["dialect"] == "yahoo"
    assert yahoo["headlines"][0].keys() >= {"headline_id", "title", "published_ns", "symbols"}
    assert halts["dialect"] == "nasdaq_halts"
    assert halts["statuses"][0]["listing"] == "ACME.XNAS"
    assert halts["headlines"] == []
    for nothing in (page, zero, gone):
        assert (nothing["headlines"], nothing["statuses"]) == ([], [])
        assert nothing["problems"][0].keys() == {"reason", "detail"}
    reasons = [each["problems"][0]["reason"] for each in (page, zero, gone)]
    assert reasons == ["not_a_feed", "not_a_feed", "unreadable"]
    assert gone["path"] == "gone.xml"


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("rss/rdf_dublin_core.xml", 0),
        ("nasdaq_halts/quiet_day.xml", 0),  # nothing in it, and nothing wrong with it
        ("nasdaq_halts/winter_bad_rows.xml", 0),  # some of it can be used
        ("rss/empty_channel.xml", 1),
        ("rss/error_page.xml", 1),
        ("rss/no_bytes.xml", 1),
        ("rss", 1),
        ("yahoo", 1),  # the golden results beside them are no feeds
    ],
)
def test_check_fails_where_nothing_can_be_used(feeds: Feeds, place: str, code: int) -> None:
    assert feeds("check", FEEDS / place)[0] == feeds("check", FEEDS / place, "--json")[0] == code


def test_check_for_people(feeds: Feeds) -> None:
    path = FEEDS / "globenewswire" / "wire_minutes_and_tickers.xml"
    code, out, err = feeds("check", path, "--most", "1")
    first, second, *_ = out.splitlines()
    assert (code, err) == (0, "")
    assert first.startswith(f"{path}: globenewswire (rss20): ")
    assert "headlines" in first
    assert "(to the minute)" in second
    assert any(line.startswith("  ... and ") for line in out.splitlines())


def test_check_believes_the_dialect_it_is_given(feeds: Feeds) -> None:
    path = FEEDS / "nyse_halts" / "current.csv"
    assert objects(feeds("check", path, "--json")[1])[0]["dialect"] == "nyse_halts"
    code, out, _ = feeds("check", path, "--json", "--dialect", "rss")
    assert (code, objects(out)[0]["dialect"]) == (1, "rss")


@in_loop
async def test_check_of_addresses(tmp_path: Path) -> None:
    async with bad.serving() as server:
        server.answers["/good"] = bad.document(bad.rss("a", "b"))
        server.answers["/page"] = bad.document(bad.PAGE)
        places = [server.url("/good"), server.url("/page"), server.url("/gone")]
        places += ["http://[bad", "ftp://127.0.0.1/x", f"http://127.0.0.1:{free_port()}/"]
        done = await asyncio.to_thread(
            command, tmp_path, "check", *places, "--json", "--contact", "me@x.org"
        )
    assert done.returncode == 1
    found = objects(done.stdout)
    assert [each["path"] for each in found] == [shown_url(place) for place in places]
    reasons = [each["problems"][0]["reason"] if each["problems"] else "" for each in found]
    assert reasons == ["", "not_a_feed", "not_found", "bad_url", "bad_url", "connect"]
    assert len(found[0]["headlines"]) == 2
    assert {each.headers["user-agent"].partition(" ")[2] for each in server.asked} == {
        "(+me@x.org)"
    }


def command(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run it as a process of its own, so that servers of this one can answer; no traceback."""
    state = {"XDG_STATE_HOME": str(folder / "state"), "COLUMNS": "400"}
    done = subprocess.run(
        [*COMMAND, "feeds", *words],
        cwd=folder,
        env={**environment(), **state, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


# -- add, list


def test_add_makes_a_configuration(feeds: Feeds) -> None:
    url = "https://news.example.org/rss/company.xml?s=BABA"
    more = ("--symbol", "BABA", "--symbol", "9988.HK", "--precision", "minute", "--interval", "300")
    code, out, _ = feeds(
        "add", url, "--untried", *more, "--source", 'The "Example"', "--tier", "wire"
    )
    assert code == 0
    assert out.startswith("newsquake.toml: added\n[[feeds]]\n")
    (feed,) = load_config(Path("newsquake.toml")).feeds
    assert (feed.name, feed.url, feed.interval_s) == ("news-example-company", url, 300)
    info = feed.feed
    assert (info.symbols, info.precision_s) == (("BABA", "9988.HK"), 60)
    assert (info.source, info.tier) == ('The "Example"', "wire")
    _, out, _ = feeds("list", "--json")
    (row,) = json.loads(out)
    assert row == {
        "name": "news-example-company", "kind": "feed", "dialect": "auto", "interval_s": 300.0,
        "source": 'The "Example"', "tier": "wire", "where": shown_url(url),
    }  # fmt: skip
    assert [*map(str.split, feeds("list")[1].splitlines())][1][0] == "news-example-company"


KEPT = '# what we listen to\r\n[[feeds]]\nname = "one" # the first\nurl = "https://one.example/"'


def test_add_keeps_what_stands_there_to_the_byte(feeds: Feeds, tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_bytes(KEPT.encode())
    real.chmod(0o640)
    link.symlink_to(real)
    for _ in range(2):
        assert feeds("add", f"https://rss.com/{_}", "--untried", "--config", link)[0] == 0
    data = real.read_bytes()
    assert data.startswith(KEPT.encode() + b"\n\n[[feeds]]\n")
    assert real.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert [feed.name for feed in load_config(link).feeds] == ["one", "0", "1"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.toml", "real.toml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("https://one.example/",), 'the feed "one" has this address already'),
        (("https://two.example/", "--name", "one"), '"one" is given twice'),
        (("https://two.example/", "--name", "with blank"), '"with blank" must be letters'),
        (("https://two.example/", "--interval", "1"), 'wrong with it: key "interval_s" in [[feeds]] #2: it must be'),
        (("https://two.example/", "--interval", "nan"), "it must be from 5 to 86400"),
        (("https://two.example/", "--interval", "often"), "invalid float"),
        (("https://two.example/", "--tier", "best"), '"best" is not known'),
        (("https://two.example/", "--dialect", "esperanto"), "'esperanto' is not known; valid: auto"),
        (("two.example",), "must begin with http:// or https://"),
        (("http://[two",), "is no address"),
        (("ftp://two.example/",), "must begin with http:// or https://"),
    ],
)  # fmt: skip
def test_add_refuses_and_changes_nothing(
    feeds: Feeds, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "newsquake.toml"
    path.write_bytes(KEPT.encode())
    code, out, err = feeds("add", *words, "--untried")
    assert (code, out) == (2, "")
    assert said in err
    assert ".newsquake.toml.new" not in err
    assert path.read_bytes() == KEPT.encode()
    assert [each.name for each in tmp_path.iterdir()] == ["newsquake.toml"]


def test_add_where_there_is_no_folder(feeds: Feeds) -> None:
    code, _, err = feeds("add", "https://x.example/", "--untried", "--config", "none/x.toml")
    assert code == 1
    assert "none/x.toml: cannot be written" in err


@in_loop
async def test_add_asks_first(tmp_path: Path) -> None:
    path = tmp_path / "newsquake.toml"
    async with bad.serving() as server:
        server.answers["/good"] = bad.document(bad.rss("a"))
        server.answers["/page"] = bad.document(bad.PAGE)
        server.answers["/quiet"] = bad.document(bad.rss())

        async def add(place: str, *words: str) -> subprocess.CompletedProcess[str]:
            return await asyncio.to_thread(command, tmp_path, "add", server.url(place), *words)

        for wrong in ("/page", "/gone"):
            done = await add(wrong)
            assert done.returncode == 1
            assert "is unchanged; --untried adds it anyway" in done.stderr
            assert not path.exists()
        done = await add("/good", "--name", "good", "--symbol", "BABA")
        assert (done.returncode, done.stderr) == (0, "")
        assert "[BABA] Story a told" in done.stdout
        assert (await add("/quiet")).returncode == 0  # a feed, on a quiet day
    names = [feed["name"] for feed in tomllib.loads(path.read_text())["feeds"]]
    assert names == ["good", "127-0-0-1-quiet"]


def test_list_names_every_kind(feeds: Feeds) -> None:
    assert "names no news" in feeds("list")[1]
    Path("newsquake.toml").write_text(
        KEPT + '\n[[wires]]\nkind = "alpaca"\nkey_env = "K"\nsecret_env = "S"\n'
        '[[folders]]\nname = "drop"\npath = "in"\nsource = "S"\n[inbox]\nsource = "P"\n'
    )
    rows = json.loads(feeds("list", "--json")[1])
    assert [(row["name"], row["kind"]) for row in rows] == [
        ("one", "feed"), ("drop", "folder"), ("inbox", "inbox"), ("alpaca", "wire"),
    ]  # fmt: skip
    assert len(feeds("list")[1].splitlines()) == 5


# -- test


@in_loop
async def test_test_tells_well_from_wrong(tmp_path: Path) -> None:
    async with bad.serving() as server, AlpacaServer() as wire:
        server.answers["/good"] = bad.document(bad.rss("a", "b"))
        server.answers["/page"] = bad.document(bad.PAGE)
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.xml").write_text("x")
        text = "".join(
            f'[[feeds]]\nname = "{name}"\nurl = "{server.url(f"/{name}")}"\n'
            for name in ("good", "page", "gone")
        )
        for name, key in (("wire", "GOOD"), ("locked", "BAD"), ("keyless", "NONE")):
            text += (
                f'[[wires]]\nname = "{name}"\nkind = "alpaca"\nkey_env = "{key}"\n'
                f'secret_env = "GOOD"\nurl = "{wire.stream_url}"\n'
            )
        for name, path in (("in", "in"), ("out", "out")):
            text += (
                f'[[folders]]\nname = "{name}"\npath = "{path}"\nsource = "S"\npattern = "*.xml"\n'
            )
        text += f'[inbox]\nsource = "P"\nport = {free_port()}\n'
        (tmp_path / "newsquake.toml").write_text(text)
        keys = {"GOOD": SECRET, "BAD": "wr0ng-key"}

        async def test(*names: str) -> tuple[int, dict[str, Any]]:
            done = await asyncio.to_thread(command, tmp_path, "test", *names, "--json", **keys)
            assert done.stderr == ""
            assert not any(key in done.stdout for key in keys.values())
            return done.returncode, {each["name"]: each for each in objects(done.stdout)}

        assert (await test("good", "wire", "in", "inbox"))[0] == 0
        code, found = await test()
    assert code == 1
    well = {name: each["well"] for name, each in found.items()}
    assert well == {
        "good": True, "page": False, "gone": False, "wire": True, "locked": False,
        "keyless": False, "in": True, "out": False, "inbox": True,
    }  # fmt: skip
    details = {name: each["detail"] for name, each in found.items()}
    assert details["good"].startswith("rss, 2 items, the newest ")
    assert details["page"].startswith("not_a_feed: ")
    assert details["gone"].startswith("not_found: ")
    assert details["wire"] == "connected and subscribed"
    assert details["locked"].startswith("auth_failed: ")
    assert "set BAD and GOOD to a valid key" in details["locked"]
    assert 'wires.key_env = "NONE"' in details["keyless"]
    assert details["in"].endswith("1 files match *.xml")
    assert "No such file" in details["out"]


def test_test_of_what_is_not_configured(feeds: Feeds) -> None:
    code, _, err = feeds("test")
    assert code == 2
    assert "newsquake feeds add URL" in err
    Path("newsquake.toml").write_text(KEPT)
    code, _, err = feeds("test", "two")
    assert code == 2
    assert 'no source of news is called "two"; there are: one' in err


# -- status


def test_status_before_any_run(feeds: Feeds) -> None:
    code, _, err = feeds("status")
    assert code == 1
    assert "no run has read news into it yet" in err


def test_status_of_what_is_no_book(feeds: Feeds, tmp_path: Path) -> None:
    (tmp_path / "news.sqlite").write_text("not a book")
    code, _, err = feeds("status", "--spool", tmp_path)
    assert code == 1
    assert "news.sqlite" in err


@pytest.mark.slow
@in_loop
async def test_status_of_a_run(tmp_path: Path) -> None:
    async with newsroom(tmp_path) as room:
        room.server.answers["/rss"] = bad.document(bad.rss("a", "b"))
        room.configure("rss", "gone")
        said: dict[str, Any] = {}

        async def told(rows: set[str]) -> bool:
            done = await asyncio.to_thread(command, tmp_path, "status", "--json")
            assert done.returncode == 0, done.stderr
            said.update({row["feed"]: row for row in json.loads(done.stdout)})
            return {name for name, row in said.items() if row["state"] != "waiting"} >= rows

        async with Life(room) as life:
            await life.until(lambda: room.noted() >= 2)
            room.put("one", "Acme opens a plant")
            while not await told({"rss", "gone", "drop"}):
                assert life.process.returncode is None, life.said()
            table = await asyncio.to_thread(command, tmp_path, "status")
            await life.ended()
        assert said.keys() == {"rss", "gone", "benzinga", "drop", "inbox"}
        rss, gone = said["rss"], said["gone"]
        assert (rss["state"], rss["items"], rss["fresh"], rss["failures"]) == ("ok", 2, 2, {})
        assert rss["lateness_s"]["p50"] is None  # it was out before we listened
        assert (gone["state"], set(gone["failures"])) == ("failing", {"not_found"})
        assert gone["last_fault"].startswith("not_found: 404")
        assert rss["expected_since_last"] == 0
        lines = table.stdout.splitlines()
        assert lines[0].split()[:3] == ["feed", "state", "last"]
        assert any(re.match(r"gone: \d+ in a row, not_found: 404", line) for line in lines)
        assert SECRET not in table.stdout + str(said)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("look",),
        ("check",),
        ("check", "x", "--dialect", "esperanto"),
        ("check", "x", "--most", "many"),
        ("add",),
        ("list", "--config", "gone.toml"),
        ("test", "--config", "gone.toml"),
        ("status", "--config", "gone.toml"),
    ],
    ids=" ".join,
)
def test_bad_usage(feeds: Feeds, words: tuple[str, ...]) -> None:
    code, out, err = feeds(*words)
    assert (code, out) == (2, "")
    assert err
