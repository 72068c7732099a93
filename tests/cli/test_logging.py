"""`--log-level` and `--log`: on every command that runs for long, and passed on to its workers."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.cli.main import newsquake_parser
from agents.cli.options import LOG_FORMS, LOG_LEVELS
from agents.machine.supervisor import Job, Supervisor
from streams import logs
from tests.replay.small_folder import write_small_folder
from tests.running import newsquake

LONG = (
    ("run",), ("ingest",), ("worker", "react"), ("replay", "DIR", "--out", "OUT"), ("demo",),
    ("web",), ("feeds", "test"), ("doctor",), ("journal", "export", "DIR"),
    ("journal", "import", "DIR"),
)  # fmt: skip
HEAVY = {"aiohttp", "aiokafka", "faust", "kafka", "msgspec", "numpy", "polars", "rich", "structlog"}


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("words", LONG, ids=" ".join)
def test_a_long_command_says_how_it_logs(words: tuple[str, ...]) -> None:
    args = newsquake_parser().parse_args(words)
    assert (args.log_level, args.log) == ("warning", "text")
    args = newsquake_parser().parse_args([*words, "--log-level", "debug", "--log", "json"])
    assert (args.log_level, args.log) == ("debug", "json")


def test_the_options_are_what_the_logs_know() -> None:
    assert (LOG_LEVELS, LOG_FORMS) == (logs.LEVELS, logs.FORMS)


def test_help_brings_no_library() -> None:
    code = "import sys; from agents.cli import main\ntry: main(['--help'])\n"
    code += "finally: print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stderr.split())


def test_a_replay_says_what_it_read_as_json(tmp_path: Path) -> None:
    folder = write_small_folder(tmp_path / "small")
    words = ("replay", folder, "--out", tmp_path / "out", "--json")
    quiet = newsquake(*words)
    told = newsquake(*words, "--log-level", "debug", "--log", "json")
    assert quiet.stderr == ""
    events = [json.loads(line) for line in told.stderr.splitlines()]
    read = {each["file"]: each for each in events if each["event"].endswith(" read")}
    assert read["prices.csv"]["rows"] == 184
    assert read["headlines.jsonl"]["headlines"] == 2
    assert all(each["logger"].startswith("agents.") for each in read.values())


def test_a_worker_logs_as_its_supervisor_does(root: logging.Logger, tmp_path: Path) -> None:
    root.handlers[:] = []  # another test of this process may have set ours up
    assert logs.words() == ()
    logs.set_up("debug", "json")
    assert logs.words() == ("--log-level", "debug", "--log", "json")
    job = Job("react-0", ("worker", "react", "--broker", "127.0.0.1:1"))
    supervisor = Supervisor([job], tmp_path, lambda _: None)
    supervisor.start()
    try:
        (worker,) = supervisor._workers
        assert worker.process.args[3:] == [*job.words, *logs.words(), "--leash"]
    finally:
        supervisor.end()


def test_a_worker_logs_in_the_form_that_it_is_given() -> None:
    """The client library's own warnings: nobody listens there."""
    words = ("worker", "score", "--broker", "127.0.0.1:1")
    told = newsquake(*words, "--log", "json", "--log-level", "debug")
    assert told.returncode == 1
    lines = told.stderr.splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert {"event", "level", "logger", "timestamp"} <= events[0].keys()
    assert lines[-1].startswith("newsquake: no Kafka broker answers at 127.0.0.1:1")
