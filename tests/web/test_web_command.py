"""`newsquake web` over OUT and beside a live run, as processes; what it refuses to begin with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running import COMMAND, ROOT, demo_day, environment, newsquake, records, refusal
from tests.web.site import ask

PATIENCE_S = 60.0
ADDRESS = re.compile(r" at (http://127\.0\.0\.1:\d+)")


class Site:
    """A `newsquake` process that serves."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self.process, self._said = process, said
        deadline_s = time.monotonic() + PATIENCE_S
        while not (found := ADDRESS.search(self.said())):
            assert process.poll() is None, self.said()
            assert time.monotonic() < deadline_s, self.said()
            time.sleep(0.02)
        self.address = found[1]

    def said(self) -> str:
        return self._said.read_text("utf-8")


@contextmanager
def started(said: Path, *words: object, **more: str) -> Iterator[Site]:
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            [*COMMAND, *map(str, words)], cwd=ROOT, env={**environment(), **more},
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
    try:
        yield Site(process, said)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_day(tmp_path_factory.mktemp("web"))[0]


def test_the_demo_day_is_served_whole(out: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in out.iterdir())
    with started(tmp_path / "said", "web", out, "--port", 0) as site:
        for alert in records(out, "alerts"):
            told = ask(site.address, f"/api/alerts/{alert['alert_id']}").json
            log = [x for x in records(out, "alerts_log") if x["alert_id"] == alert["alert_id"]]
            assert len(told["transitions"]) == len(log)
            assert {k: told["alert"][k] for k in alert} == alert
            for cause in told["alert"]["attribution"]["candidates"]:
                page = ask(site.address, f"/h/{cause['headline_id']}.json").json
                assert page["headline"]["title"] == cause["title"]
        day = ask(site.address, "/api/headlines?limit=1000&from=2025-09-24&to=2025-09-25").json
        start, end = 1_758_672_000 * 10**9, 1_758_758_400 * 10**9
        wanted = {
            h["headline_id"] for h in records(out, "headlines") if start <= h["event_ns"] < end
        }
        assert {row["headline_id"] for row in day} == wanted
        named = {m["headline_id"] for m in records(out, "mentions") if m["issuer"] == "BABA"}
        mine = ask(site.address, "/api/headlines?listing=9988.XHKG&limit=1000").json
        assert {row["headline_id"] for row in mine} == named
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(PATIENCE_S) == 0
    assert sorted(path.name for path in out.iterdir()) == before


def test_a_live_run_serves_what_it_makes_and_keeps_it(tmp_path: Path) -> None:
    config = tmp_path / "newsquake.toml"
    config.write_text("[web]\nport = 0\n")
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    line = {"title": "Alibaba lifts its AI budget", "source": "reuters.com", "id": "1"}
    with started(tmp_path / "said", "run", "--config", config, **state) as site:
        stdin = site.process.stdin
        assert stdin
        stdin.write(json.dumps(line).encode() + b"\n")
        stdin.flush()
        deadline_s = time.monotonic() + PATIENCE_S
        while not (rows := ask(site.address, "/api/headlines?listing=BABA.XNYS").json):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        page = ask(site.address, f"/h/{rows[0]['headline_id']}.json").json
        received_ns = page["headline"]["received_ns"]
        assert 0 <= page["scored_ns"] - received_ns < PATIENCE_S * 10**9
        os.kill(site.process.pid, signal.SIGKILL)
        site.process.wait(PATIENCE_S)
    with started(tmp_path / "again", "web", "--port", 0, **state) as site:
        again = ask(site.address, "/api/headlines").json
        assert [row["title"] for row in again] == ["Alibaba lifts its AI budget"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web", "--host", "0.0.0.0"), "give --token-env NAME"),
        (("web", "nowhere"), "no summary.json"),
        (("web", "nowhere", "--broker", "127.0.0.1:1"), "give OUT or --broker"),
        (("web",), "nothing to serve"),
        (("web", "--token-env", "NQ_NO_SUCH"), "that variable is not set"),
        (("web", "--port", "70000"), "not a port"),
    ],
)
def test_what_cannot_be_served_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = newsquake(*words)
    assert done.returncode == 2
    assert said in done.stderr
    if "--port" not in words:
        assert said in refusal(done)


@pytest.mark.parametrize("name", ["alerts_log.jsonl", "reactions.parquet"])
def test_a_file_of_out_that_is_broken_is_named(out: Path, tmp_path: Path, name: str) -> None:
    for path in out.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes(b"{\n")
    done = newsquake("web", tmp_path, "--port", 0)
    assert done.returncode == 1
    assert name in refusal(done)
