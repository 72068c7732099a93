"""Alerts through a real Alertmanager to a real receiver: once, with their headline, until they are over."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from agents.delivery.endpoint import RetryPolicy
from agents.machine.clock import now_ns
from streams.codec import decode_json
from streams.events import DAY_NS, Alert
from tests.delivery.delivering import HOSTILE, Told, alert, dispatcher, manager, titled, until
from tests.delivery.receiver import Receiver, receiving
from tests.integration.alertmanager import DEPLOY, Manager, listings, notified
from tests.integration.conftest import need, wait_until
from tests.running import demo_day, newsquake

EXAMPLES = sorted((DEPLOY / "examples").glob("*.yml"))
RETRY_POLICY = RetryPolicy(0.05, 0.5, 3600.0)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> list[Alert]:
    """Return every state of the Alibaba day's alerts, in order."""
    out, _ = demo_day(tmp_path_factory.mktemp("alertmanager"))
    lines = (out / "alerts_log.jsonl").read_bytes().splitlines()
    return [decode_json(line, Alert) for line in lines]


def test_the_alibaba_day_is_told_once_an_alert_with_headline_link_and_value(
    am: Manager, receiver: Receiver, day: list[Alert], tmp_path: Path
) -> None:
    """Opened, escalated and updated are one alert; resolved ends it; a kill on the way repeats it."""
    ids = {each.alert_id for each in day}
    assert len(ids) >= 2
    told = Told()
    with dispatcher(tmp_path / "q", manager(am.url, 0.5, RETRY_POLICY), told=told) as sent:
        outbox = sent.outbox_of()
        for each in day:
            if each.transition == "opened":
                outbox.deliver(each)
        wait_until(lambda: len(notified(receiver, "firing")) >= len(ids))
        for each in day:
            if each.state == "open":
                outbox.deliver(each)
        until(lambda: not sent.backlog())
        first = notified(receiver, "firing")
        assert sorted(listings(first)) == sorted({each.listing for each in day})

        am.stop()
        wait_until(lambda: told.count("failed", "am") > 0)
        am.start()  # it remembers whom it told, and no alert at all
        wait_until(lambda: len(am.alerts()) == len(ids))

        newest = {each.alert_id: each for each in day if each.state == "open"}
        shown = {each["annotations"]["alert_id"]: each for each in am.alerts()}
        assert set(shown) == set(newest)
        for id_, one in shown.items():
            check(one, newest[id_])
        for each in day:
            if each.state == "resolved":
                outbox.deliver(each)
        wait_until(lambda: len(notified(receiver, "resolved")) >= len(ids))
    ended = notified(receiver, "resolved")
    assert sorted(listings(ended)) == sorted(listings(first))
    assert sorted(listings(notified(receiver, "firing"))) == sorted(listings(first))


def check(shown: Any, newest: Alert) -> None:
    """Check what Alertmanager has of an alert."""
    assert shown["labels"] == {
        "alertname": newest.rule, "listing": newest.listing,
        "direction": newest.direction, "severity": newest.severity,
    }  # fmt: skip
    (candidate, *_) = newest.attribution.candidates
    said = shown["annotations"]
    assert said["headline"] == candidate.title
    assert said.get("headline_url", "") == candidate.url
    assert said["level_pct"] == str(newest.level_pct)
    assert said["price"] in said["description"]
    assert said["value"] in said["description"]
    assert said["dashboard_url"] == shown["generatorURL"]
    assert newest.listing in said["dashboard_url"]
    assert said["runbook_url"].endswith("RUNBOOK.md#day_move")


def test_an_alert_is_told_at_once(am: Manager, receiver: Receiver, tmp_path: Path) -> None:
    took_ms = []
    with dispatcher(tmp_path / "q", manager(am.url)) as sent:
        outbox = sent.outbox_of()
        for number in range(20):
            began_s = time.monotonic()
            outbox.deliver(alert(number))
            until(lambda number=number: len(receiver.got) > number)
            took_ms.append((receiver.got[number].at_s - began_s) * 1e3)
    took_ms.sort()
    print(f"tell -> receiver: {took_ms[0]:.1f} / {took_ms[10]:.1f} / {took_ms[-1]:.1f} ms")
    assert took_ms[10] < 1000


def test_restarts_of_ours_and_an_alertmanager_that_is_away_hold_nothing_up(
    am: Manager, receiver: Receiver, tmp_path: Path
) -> None:
    with receiving() as gone:
        nowhere = gone.url.removesuffix("/hook")
    targets = (
        manager(nowhere, name="other", retry_policy=RETRY_POLICY),
        manager(am.url, 0.2, RETRY_POLICY),
    )
    with dispatcher(tmp_path / "q", *targets) as sent:
        sent.outbox_of().deliver(alert())
        wait_until(lambda: bool(receiver.got))
    am.stop()
    am.start()
    with dispatcher(
        tmp_path / "q", *targets
    ) as sent:  # it is told again without a word from anybody
        sent.outbox_of().acquire()
        wait_until(lambda: len(am.alerts()) == 1)
        ends = am.alerts()[0]["endsAt"]
        wait_until(lambda: am.alerts()[0]["endsAt"] > ends)
        assert sent.backlog("other") == 1


def test_an_alert_that_ended_while_alertmanager_was_away_is_told_for_a_while(
    am: Manager, receiver: Receiver, tmp_path: Path
) -> None:
    am.stop()
    told = Told()
    with dispatcher(tmp_path / "q", manager(am.url, retry_policy=RETRY_POLICY), told=told) as sent:
        outbox = sent.outbox_of()
        outbox.deliver(alert())
        until(lambda: told.count("failed", "am") > 0)
        outbox.deliver(alert(transition="resolved"))
        am.start()
        wait_until(lambda: bool(notified(receiver, "firing")))
        until(lambda: not sent.backlog())


def test_a_retracted_alert_ends(am: Manager, receiver: Receiver, tmp_path: Path) -> None:
    with dispatcher(tmp_path / "q", manager(am.url)) as sent:
        outbox = sent.outbox_of()
        outbox.deliver(alert())
        wait_until(lambda: bool(notified(receiver, "firing")))
        outbox.deliver(alert(transition="retracted"))
        wait_until(lambda: bool(notified(receiver, "resolved")))


def test_what_a_feed_wrote_is_inert(am: Manager, receiver: Receiver, tmp_path: Path) -> None:
    hostile = titled(HOSTILE, url="javascript:alert(1)")
    with dispatcher(tmp_path / "q", manager(am.url)) as sent:
        sent.outbox_of().deliver(hostile)
        wait_until(lambda: bool(receiver.got))
    (told,) = notified(receiver, "firing")
    assert set(told["labels"]) == {"alertname", "listing", "direction", "severity"}
    headline = told["annotations"]["headline"]
    assert headline.startswith('{{ template "slack.default.title" . }} \u2039@U024BE7LH\u203a')
    assert "{{ .Labels }}" in headline  # as it was written: nobody has read it as a template
    assert not set("<>\u202e\x07") & set(headline)
    assert "headline_url" not in told["annotations"]
    assert all("script" not in text for text in told["annotations"].values())


def test_an_alert_that_is_refused_does_not_take_others_with_it(
    am: Manager, receiver: Receiver, tmp_path: Path
) -> None:
    told = Told()
    am.stop()
    with dispatcher(tmp_path / "q", manager(am.url, retry_policy=RETRY_POLICY), told=told) as sent:
        outbox = sent.outbox_of()
        for number in range(3):
            ahead = (
                {"opened_ns": now_ns() + DAY_NS} if number == 1 else {}
            )  # it ends before it begins
            outbox.deliver(alert(number, **ahead))
        am.start()
        until(lambda: not sent.backlog())
        (letter,) = sent.dead_letters()
        assert letter.reject.reason == "refused"
        assert "start time must be before end time" in letter.reject.detail
        assert len(am.alerts()) == 2


def test_replays_are_quiet_unless_asked(
    am: Manager, receiver: Receiver, day: list[Alert], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOOK_SECRET", "a secret of a test")
    (tmp_path / "newsquake.toml").write_text(
        f'[[alertmanagers]]\nurl = "{am.url}"\n'
        f'[[webhooks]]\nname = "desk"\nurl = "{receiver.url}"\nsecret_env = "HOOK_SECRET"\n'
    )
    folder = newest_demo(tmp_path)
    words = ("replay", folder, "--config", tmp_path / "newsquake.toml", "--json", "--out")
    done = newsquake(*words, tmp_path / "quiet")
    assert done.returncode == 0, done.stderr
    assert (receiver.got, am.alerts()) == ([], [])
    done = newsquake(*words, tmp_path / "loud", "--deliver")
    assert done.returncode == 0, done.stderr
    told = [got.json for got in receiver.got if "type" in got.json]
    assert [(each["alert"]["alert_id"], each["type"].removeprefix("alert.")) for each in told
            if each["alert"]["listing"] == "9988.XHKG"] == [
        (each.alert_id, each.transition) for each in day if each.listing == "9988.XHKG"
    ]  # fmt: skip
    assert len(told) == len(day)
    assert {each["labels"]["replay"] for each in told} == {"true"}
    assert {each["labels"]["replay"] for each in am.alerts()} <= {"true"}
    assert not list((tmp_path / "loud").glob("outbox*"))


def newest_demo(tmp_path: Path) -> Path:
    done = newsquake("demo", "--out", tmp_path / "demo", "--speed", "max")
    assert done.returncode == 0, done.stderr
    return tmp_path / "demo" / "replay"


@pytest.mark.parametrize("path", [*EXAMPLES, DEPLOY / "alertmanager.yml"], ids=lambda p: p.name)
def test_the_routes_that_are_shipped_are_right(path: Path) -> None:
    need("alertmanager", None if shutil.which("amtool") else "amtool is not installed")
    done = subprocess.run(
        ["amtool", "check-config", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_a_move_goes_to_the_receiver_of_an_example_and_a_replay_to_nobody(path: Path) -> None:
    need("alertmanager", None if shutil.which("amtool") else "amtool is not installed")
    labels = ["alertname=day_move", "listing=BABA.XNYS", "direction=up", "severity=critical"]
    routed = ["amtool", "config", "routes", "test", f"--config.file={path}"]
    for more, wanted in (([], path.stem), (["replay=true"], "nobody")):
        done = subprocess.run(
            [*routed, *labels, *more], capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == wanted, done.stderr
