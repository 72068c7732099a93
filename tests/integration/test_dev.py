"""`newsquake dev` through the real command: what it starts it finds again, and ends that alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.dev import kafka as kafka_local
from agents.dev import servers
from agents.machine import processes
from tests.integration.conftest import (
    need_alertmanager,
    need_kafka,
    need_prometheus,
    say,
    wait_until,
)
from tests.running import COMMAND, environment

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}  # as /proc/net/tcp and tcp6 print it
LISTEN = "0A"


class Dev:
    """The command, with a state folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "newsquake" / "dev"

    def popen(self, *words: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, "dev", *words],
            env={**environment(), "XDG_STATE_HOME": str(self.home), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **more: str) -> tuple[int, str, str]:
        process = self.popen(*words, **more)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def json(self, *words: str) -> dict[str, Any]:
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def state(self) -> servers.State:
        data = (self.folder / "state.json").read_bytes()
        return msgspec.json.decode(data, type=servers.State)

    def remembered(self) -> bool:
        return (self.folder / "state.json").is_file() and bool(self.state())

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("kafka-*"))


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    made = Dev(tmp_path)
    yield made
    if (made.folder / "state.json").is_file():
        made.run("down")


def listening(pid: int) -> set[tuple[str, int]]:
    """Return the (address, port) pairs on which a process listens."""
    inodes = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        if found := re.fullmatch(r"socket:\[(\d+)\]", str(each.readlink())):
            inodes.add(found[1])
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    heard = [row[1].split(":") for row in rows if row[3] == LISTEN and row[9] in inodes]
    return {(address, int(port, 16)) for address, port in heard}


def mode(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


@pytest.mark.slow
def test_up_twice_then_down(dev: Dev) -> None:
    need_kafka()
    first = dev.json("up")["kafka"]
    pid, login = first["pid"], first["sasl_ssl"]

    code, out, err = dev.run("up", "--json")
    assert (code, json.loads(out)["kafka"]) == (0, first)
    assert "already up" in err

    heard = listening(pid)
    assert {address for address, _ in heard} <= LOOPBACK
    ports = {int(each["bootstrap"].rpartition(":")[2]) for each in (first, login)}
    assert ports < {port for _, port in heard}
    assert len(heard) == 3  # the controller's is the third

    password = Path(login["password_file"]).read_text()
    assert len(password) >= 24
    assert [mode(login["password_file"]), mode(first["folder"])] == [0o600, 0o700]
    assert mode(Path(first["folder"]) / "broker.pem") == 0o600
    assert password not in Path(f"/proc/{pid}/cmdline").read_text()
    assert password not in (dev.folder / "state.json").read_text()
    assert sorted(Path(first["folder"]).glob("*.key")) == []

    assert "127.0.0.1" in dev.run("up")[1]
    process = dev.state()["kafka"].process
    assert processes.alive(process)
    assert dev.json("down")["kafka"] == "stopped"
    assert not processes.alive(process)
    assert dev.left() == []
    assert dev.json("down") == {}


@pytest.mark.slow
def test_prometheus_and_alertmanager_come_up_with_the_settings_of_deploy(dev: Dev) -> None:
    need_prometheus()
    need_alertmanager()
    nowhere = {"JAVA_HOME": "/nowhere"}  # so that Kafka cannot be started, which is said
    code, out, err = dev.run("up", "--json", **nowhere)
    assert code == 0, err
    assert "default-jre-headless" in err
    up = json.loads(out)
    assert set(up) == {"alertmanager", "prometheus"}
    for each in up.values():
        heard = listening(each["pid"])
        assert {address for address, _ in heard} <= LOOPBACK
        assert {port for _, port in heard} == {int(each["url"].rpartition(":")[2])}
    url = up["prometheus"]["url"]
    rules = asked(f"{url}/api/v1/rules")["data"]["groups"]
    assert "day_move" in {rule["name"] for group in rules for rule in group["rules"]}
    wait_until(lambda: asked(f"{url}/api/v1/alertmanagers")["data"]["activeAlertmanagers"])
    (manager,) = asked(f"{url}/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert manager["url"].startswith(up["alertmanager"]["url"])
    assert json.loads(dev.run("up", "--json", **nowhere)[1]) == up
    assert dev.json("down") == {"alertmanager": "stopped", "prometheus": "stopped"}


def asked(url: str) -> dict[str, Any]:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as got:
        return json.load(got)


@pytest.mark.slow
def test_a_killed_broker_is_started_anew_and_a_killed_one_is_cleared(dev: Dev) -> None:
    need_kafka()
    first = dev.json("up")["kafka"]
    before = dev.state()["kafka"].process
    os.kill(first["pid"], signal.SIGKILL)
    wait_until(lambda: not processes.alive(before))

    second = dev.json("up")["kafka"]
    assert second["pid"] != first["pid"]
    assert dev.left() == [Path(second["folder"]).name]

    now = dev.state()["kafka"].process
    os.kill(second["pid"], signal.SIGKILL)
    wait_until(lambda: not processes.alive(now))
    assert dev.json("down")["kafka"] == "had already ended"
    assert dev.left() == []


@pytest.mark.slow
def test_down_ends_what_a_killed_up_has_started(dev: Dev) -> None:
    need_kafka()
    up = dev.popen("up")
    wait_until(dev.remembered)
    up.kill()
    up.communicate()
    server = dev.state()["kafka"]
    assert not server.ready
    assert processes.alive(server.process)
    assert dev.json("down") == {"kafka": "stopped"}
    assert not processes.alive(server.process)
    assert dev.left() == []


@pytest.mark.slow
def test_an_interrupted_up_leaves_nothing(dev: Dev) -> None:
    need_kafka()
    up = dev.popen("up")
    wait_until(dev.remembered)
    process = dev.state()["kafka"].process
    up.send_signal(signal.SIGINT)
    _, err = up.communicate(timeout=30)
    assert up.returncode == 130, err
    assert not processes.alive(process)
    assert not dev.remembered()
    assert dev.left() == []


@pytest.mark.slow
def test_a_port_taken_meanwhile_is_left_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_kafka()
    choose = kafka_local.free_ports
    notes: list[str] = []
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        taken = [owner.getsockname()[1]]

        def once_taken(count: int) -> list[int]:
            return (choose(count) + taken)[-count:] if len(notes) < 2 else choose(count)

        monkeypatch.setattr(kafka_local, "free_ports", once_taken)
        with servers.running("kafka", tmp_path, lambda text: (notes.append(text), say(text))[0]):
            assert any("taken" in text for text in notes), notes
    assert list(tmp_path.iterdir()) == []


def remember(dev: Dev, process: processes.Process) -> Path:
    folder = dev.folder / "kafka-x"
    folder.mkdir(parents=True)
    server = servers.Server(process, str(folder), {}, ready=True)
    (dev.folder / "state.json").write_bytes(msgspec.json.encode({"kafka": server}))
    return folder


@pytest.mark.parametrize("change", [{"started_ticks": 1}, {"boot_id": "another boot"}])
def test_a_recycled_pid_is_left_alone(dev: Dev, change: dict[str, Any], tmp_path: Path) -> None:
    ours = processes.spawn(("/bin/sleep", "600"), tmp_path / "console")
    try:
        folder = remember(dev, msgspec.structs.replace(ours, **change))
        assert dev.json("down") == {"kafka": "had already ended"}
        assert processes.alive(ours)
        assert not folder.exists()
    finally:
        processes.end(ours)
    assert not processes.alive(ours)


def test_a_process_that_will_not_end_is_made_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "TERM_LIMIT_S", 0.2)
    deaf = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
    process = processes.spawn(("/bin/sh", "-c", deaf), tmp_path / "console")
    wait_until(lambda: (tmp_path / "console").read_text() == "deaf\n")
    processes.end(process)
    assert not processes.alive(process)


def test_a_folder_that_is_not_ours_is_not_removed(dev: Dev, tmp_path: Path) -> None:
    kept = tmp_path / "precious"
    kept.mkdir()
    gone = processes.Process(2**22 + 1, 1, "")  # above the largest pid there can be
    dev.folder.mkdir(parents=True)
    state = {"kafka": servers.Server(gone, str(kept), {}, ready=True)}
    (dev.folder / "state.json").write_bytes(msgspec.json.encode(state))
    assert dev.json("down") == {"kafka": "had already ended"}
    assert kept.is_dir()


def test_what_must_be_installed_is_said(dev: Dev, tmp_path: Path) -> None:
    code, out, err = dev.run("up", PATH=str(tmp_path), JAVA_HOME="", XDG_CACHE_HOME=str(tmp_path))
    assert (code, out) == (1, "")
    assert "apt-get install --no-install-recommends default-jre-headless maven openssl" in err
    assert "Traceback" not in err


def test_a_download_that_fails_is_said_and_leaves_nothing(dev: Dev, tmp_path: Path) -> None:
    need_kafka()
    if shutil.which("mvn") is None:
        pytest.skip("no Maven here: the jars were fetched before")
    nowhere = f"-Dmaven.repo.local={tmp_path}/none -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1"
    cache = tmp_path / "cache"
    code, out, err = dev.run("up", XDG_CACHE_HOME=str(cache), MAVEN_OPTS=nowhere)
    assert (code, out) == (1, "")
    assert "Maven cannot fetch Kafka" in err
    assert "Traceback" not in err
    assert list((cache / "newsquake").iterdir()) == []
    assert dev.left() == []


def test_a_state_that_cannot_be_read_is_said(dev: Dev) -> None:
    dev.folder.mkdir(parents=True)
    (dev.folder / "state.json").write_text('{"kafka":')
    code, _, err = dev.run("down")
    (dev.folder / "state.json").unlink()
    assert code == 1
    assert "state.json cannot be read" in err
    assert "Traceback" not in err


def test_down_before_any_up_makes_nothing(dev: Dev) -> None:
    assert dev.run("down")[:2] == (0, "nothing is up\n")
    assert not dev.folder.exists()
