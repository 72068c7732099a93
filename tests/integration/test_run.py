"""`newsquake run`: lines in, Mentions, rejects and worker logs out, by one command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from agents.dev.kafka import Account
from streams.events import Mention
from streams.topics import MARKET, REJECTS
from tests.integration.broker import make_topics, read_topic
from tests.integration.conftest import wait_until
from tests.running import COMMAND, ROOT, environment, newsquake, refusal

pytestmark = [
    pytest.mark.slow,
    # kafka-python leaves a socket behind where a client is closed while it connects once more.
    pytest.mark.usefixtures("refused_sockets"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LINES = (
    {"title": "Alibaba lifts its AI budget", "source": "reuters.com", "id": "1"},
    {"listing": "BABA.XNYS", "price": 178.25, "ts_ns": 1_758_720_600_000_000_000},
    {"neither": "one nor the other"},
)


def test_everything_live(
    kafka: Account, admin: KafkaAdminClient, prefix: str, tmp_path: Path
) -> None:
    """A headline is scored, an old tick refused as late, and SIGTERM-free input's end drains all."""
    make_topics(kafka.bootstrap, prefix, 2)
    words = ("run", "--broker", kafka.bootstrap, "--prefix", prefix, "--workers", "2")
    run = subprocess.Popen(
        [*COMMAND, *words, "--out", str(tmp_path / "alerts.jsonl")],
        cwd=ROOT,
        env={**environment(), "XDG_STATE_HOME": str(tmp_path / "state")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stdin
        run.stdin.writelines(json.dumps(line) + "\n" for line in LINES)
        run.stdin.flush()
        market, rejects = f"{prefix}{MARKET}", f"{prefix}{REJECTS}"
        wait_until(lambda: any(_mentions(kafka, market)), 90.0)
        wait_until(lambda: _reasons(kafka, rejects) == {"late", "unknown_line"}, 90.0)
        out, said = run.communicate(timeout=90)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 0, said
    assert "1 ticks, 1 headlines, 1 rejects" in said
    assert "not done" not in said
    assert out == ""  # nothing moved: no alert
    run_folder = tmp_path / "state" / "newsquake" / "run"
    logs = sorted(path.name for path in run_folder.rglob("*.log"))
    assert logs == ["deliver-0.log", "react-0.log", "react-1.log", "score-0.log"]
    assert [mention.issuer for mention in _mentions(kafka, market)] == ["BABA"]


def _mentions(kafka: Account, topic: str) -> list[Mention]:
    got = [g.record for each in read_topic(kafka.bootstrap, topic).values() for g in each]
    return [record for record in got if isinstance(record, Mention)]


def _reasons(kafka: Account, topic: str) -> set[str]:
    got = [g.record for each in read_topic(kafka.bootstrap, topic).values() for g in each]
    return {record.reason for record in got}


def test_topics_that_are_missing_are_named(kafka: Account, prefix: str) -> None:
    done = newsquake("run", "--broker", kafka.bootstrap, "--prefix", prefix)
    assert done.returncode == 1
    assert "newsquake topics create" in refusal(done)
