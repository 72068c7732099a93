"""Every alert: proved by a unit test, explained by a page, and asking only for what exists."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.cli.main import newsquake_parser
from agents.metrics.declared import DECLARED
from dashboards.alert import AlertRule
from dashboards.build import FOLDER, alerts_of
from dashboards.thresholds import load
from tests.dashboards.promql import asked, tokens
from tests.dashboards.series import strangers
from tests.dashboards.tools import ROOT, run, succeed

THRESHOLDS = load()
ALERTS = alerts_of(THRESHOLDS)
SEVERITIES = {"critical", "warning", "info", "none"}
RUNBOOK = (FOLDER / "RUNBOOK.md").read_text("utf-8")
PARTS = ("**Meaning.**", "**Likely causes.**", "**First three checks.**", "**Silence.**")

each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


def rules_of(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / name).read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


# -- what each has


def test_the_set_is_whole() -> None:
    assert [alert.name for alert in ALERTS] == [
        "day_move", "HeadlineBurst", "SentimentShock", "ListingStale", "FeedDown", "FeedStale",
        "HeadlineLatencyHigh", "ConsumerLagHigh", "RecordSetAside", "RejectsGrowing", "LabelOverflow",
        "ScrapeMissing", "AlertDeliveryFailing", "Watchdog",
    ]  # fmt: skip


@each_alert
def test_it_has_all_that_a_receiver_wants(alert: AlertRule) -> None:
    (rule,) = (rule for rule in rules_of("alerts.yml") if rule["alert"] == alert.name)
    assert rule["labels"] == {"severity": alert.severity}
    assert alert.severity in SEVERITIES
    annotations = rule["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert all(annotations.values())
    assert not annotations["summary"].endswith(".")


@each_alert
def test_it_holds_on_purpose(alert: AlertRule) -> None:
    by_nature = {"day_move", "Watchdog"}  # goes on as long as the engine's; always fires
    assert bool(alert.hold) + bool(alert.keep) == (alert.name not in by_nature)


@each_alert
def test_its_description_says_the_value_and_the_window(alert: AlertRule) -> None:
    slots = {name for _, name, _, _ in string.Formatter().parse(alert.description)}
    assert slots & {"value", "move"} or alert.name == "ScrapeMissing"  # a value of 0 says nothing
    assert re.search(r"\d+ ?[smh]\b|hours of the week|window|evaluation", alert.description)


@each_alert
def test_its_unit_test_sees_it_quiet_firing_and_over(alert: AlertRule) -> None:
    (test,) = (t for t in written_tests() if t["name"] == alert.name)
    states = [bool(step["exp_alerts"]) for step in test["alert_rule_test"]]
    if alert.proof.always:
        assert states == [True]
        return
    assert states[0] is False
    assert states[-1] is False
    assert any(states)
    (fired, *_) = (s["exp_alerts"][0] for s in test["alert_rule_test"] if s["exp_alerts"])
    assert set(fired["exp_labels"]) - {"severity"} == set(alert.by)


def test_only_the_watchdog_is_never_quiet() -> None:
    assert [alert.name for alert in ALERTS if alert.proof.always] == ["Watchdog"]


def written_tests() -> list[dict[str, Any]]:
    tests: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    return tests


# -- what they ask for


@pytest.mark.parametrize("name", ["rules.yml", "alerts.yml"])
def test_every_series_exists_with_its_labels(name: str) -> None:
    records = {rule["record"] for rule in rules_of("rules.yml")}
    for rule in rules_of(name):
        assert list(strangers(rule["expr"], records)) == [], rule


def test_every_recording_rule_is_used() -> None:
    used = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.json"))
    used += (FOLDER / "alerts.yml").read_text("utf-8")
    assert [r["record"] for r in rules_of("rules.yml") if r["record"] not in used] == []


def test_a_series_that_nobody_makes_is_seen() -> None:
    assert list(strangers("rate(newsquake_mentions_total[5m])", set())) == []
    assert list(strangers("newsquake_mentions", set())) == ["newsquake_mentions"]
    assert list(strangers('newsquake_price{ticker="A"}', set())) == ["newsquake_price{ticker}"]
    (both,) = asked('sum by (a) (x{b="c{d}",e=~"f"}[5m])')
    assert (both.name, set(both.labels)) == ("x", {"b", "e"})
    assert [text for _, text in tokens("a >= 1.5")] == ["a", ">=", "1.5"]


def test_the_tests_of_the_alerts_speak_of_declared_series() -> None:
    for test in written_tests():
        for series in test["input_series"]:
            assert list(strangers(series["series"], set())) == []


def test_the_alert_of_a_move_has_the_labels_of_the_direct_path() -> None:
    from agents.delivery.message import labels_of
    from tests.dashboards.series import an_alert

    move = ALERTS[0]
    direct = labels_of(an_alert("ACME.XNYS", "up"), replay=False)
    assert direct == {"alertname": move.name, "severity": move.severity, **move.proof.labels}
    assert "replay" in move.expr


def test_levels_of_market_rules_are_counted() -> None:
    assert set(DECLARED["level_crossings"].labels) == {"listing", "level", "direction"}
    from agents.reacting.config import DAY_LEVELS_PCT

    for rule in THRESHOLDS.market:
        assert set(rule.levels_pct) <= set(DAY_LEVELS_PCT)


# -- the tools


def test_promtool_takes_the_rules_and_lints_them() -> None:
    files = (FOLDER / "rules.yml", FOLDER / "alerts.yml")
    succeed("promtool", "check", "rules", "--lint=all", "--lint-fatal", *files)


def test_promtool_finds_all_alerts_as_they_must_be() -> None:
    succeed("promtool", "test", "rules", FOLDER / "alerts_test.yml")


def test_promtool_sees_an_alert_that_is_not_as_it_must_be(tmp_path: Path) -> None:
    for name in ("rules.yml", "alerts.yml", "alerts_test.yml"):
        text = (FOLDER / name).read_text("utf-8")
        (tmp_path / name).write_text(
            text.replace(" fails\n", " falls\n") if name == "alerts.yml" else text
        )
    assert run("promtool", "test", "rules", tmp_path / "alerts_test.yml").returncode != 0


MORE = """\
rule_files: [{folder}/rules.yml, {folder}/alerts.yml]
evaluation_interval: 15s
group_eval_order: [newsquake, newsquake-market-alerts, newsquake-pipeline-alerts]
tests:
  - name: a calm day
    interval: 15s
    input_series:
      - {{series: 'up{{job="newsquake",instance="a"}}', values: 1x300}}
      - {{series: 'newsquake_level_crossings_total{{job="newsquake",instance="a",listing="A.XNYS",level="3",direction="up"}}', values: 0x300}}
      - {{series: 'newsquake_last_tick_timestamp_seconds{{job="newsquake",instance="a",listing="A.XNYS"}}', values: 0+15x300}}
      - {{series: 'newsquake_listing_open{{job="newsquake",instance="a",listing="A.XNYS"}}', values: 1x300}}
      - {{series: 'newsquake_last_tick_timestamp_seconds{{job="newsquake",instance="a",listing="SHUT.XHKG"}}', values: 0x300}}
      - {{series: 'newsquake_listing_open{{job="newsquake",instance="a",listing="SHUT.XHKG"}}', values: 0x300}}
      - {{series: 'newsquake_mentions_total{{job="newsquake",instance="a",issuer="A",sentiment="positive"}}', values: 0+0.1x300}}
      - {{series: 'newsquake_mentions_total{{job="newsquake",instance="a",issuer="A",sentiment="negative"}}', values: 0+0.1x300}}
      - {{series: 'newsquake_rejects_total{{job="newsquake",instance="a",stage="react",reason="late"}}', values: 0+0.1x300}}
      - {{series: 'newsquake_feed_failing{{job="newsquake",instance="a",feed="wire"}}', values: (0 1)x150}}
    alert_rule_test: &quiet
{quiet}
  - name: a replay moves nobody, under whichever job it is scraped
    interval: 15s
    input_series:
      - {{series: 'up{{job="newsquake",instance="a"}}', values: 1x300}}
      - {{series: 'newsquake_replay_info{{job="newsquake",instance="a",name="day"}}', values: 1x20}}
      - {{series: 'newsquake_level_crossings_total{{job="newsquake",instance="a",listing="A.XNYS",level="3",direction="up"}}', values: 0x10 1x9}}
      - {{series: 'newsquake_alert_open{{job="newsquake",instance="a",rule="day_move",listing="A.XNYS",direction="up"}}', values: _x10 1x9}}
      - {{series: 'newsquake_last_tick_timestamp_seconds{{job="newsquake",instance="a",listing="A.XNYS"}}', values: 0x20}}
      - {{series: 'newsquake_listing_open{{job="newsquake",instance="a",listing="A.XNYS"}}', values: 1x20}}
      - {{series: 'newsquake_replay_info{{job="newsquake-replay",instance="a",name="day"}}', values: 1x20}}
      - {{series: 'newsquake_level_crossings_total{{job="newsquake-replay",instance="a",listing="A.XNYS",level="3",direction="up"}}', values: 0x10 1x9}}
      - {{series: 'newsquake_alert_open{{job="newsquake-replay",instance="a",rule="day_move",listing="A.XNYS",direction="up"}}', values: _x10 1x9}}
      - {{series: 'newsquake_last_tick_timestamp_seconds{{job="newsquake-replay",instance="a",listing="A.XNYS"}}', values: 0x20}}
      - {{series: 'newsquake_listing_open{{job="newsquake-replay",instance="a",listing="A.XNYS"}}', values: 1x20}}
    promql_expr_test:
      - expr: sum by (alertname, replay) (ALERTS{{alertname!="Watchdog"}})
        eval_time: 4m
        exp_samples: [{{labels: '{{alertname="day_move",replay="true"}}', value: 1}}]
      - expr: ALERTS{{alertname!="Watchdog",replay=""}}
        eval_time: 5m15s
        exp_samples: []
      - expr: ALERTS{{alertname!="Watchdog"}}
        eval_time: 12m
        exp_samples: []
"""


def test_a_calm_day_and_a_replay_call_nobody(tmp_path: Path) -> None:
    names = [alert.name for alert in ALERTS if alert.name != "Watchdog"]
    quiet = "\n".join(
        f"      - {{eval_time: {minute}m, alertname: {name}, exp_alerts: []}}"
        for name in names
        for minute in (5, 30, 60)
    )
    text = MORE.format(folder=FOLDER, quiet=quiet).replace(" &quiet", "")
    (tmp_path / "more_test.yml").write_text(text.replace("(0 1)x150", " ".join(["0 1"] * 150)))
    succeed("promtool", "test", "rules", tmp_path / "more_test.yml")


# -- the runbook


def pages() -> dict[str, str]:
    """Return the runbook's page of each heading."""
    parts = re.split(r"^## (.+)$", RUNBOOK, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@each_alert
def test_its_page_says_what_to_do(alert: AlertRule) -> None:
    anchors = {heading.lower().replace(" ", "-"): text for heading, text in pages().items()}
    assert alert.anchor in anchors
    page = anchors[alert.anchor]
    places = [page.find(part) for part in PARTS]
    assert min(places) > 0
    assert places == sorted(places)
    checks = page[places[2] : places[3]]
    assert re.findall(r"^(\d)\. ", checks, re.MULTILINE) == ["1", "2", "3"]
    assert checks.count("```") >= 2 or checks.count("`") >= 6, "each check with a command"
    assert "silence add" in page[places[3] :]
    assert f"alertname={alert.name}" in page[places[3] :]


def test_the_commands_of_the_runbook_exist() -> None:
    commands = set(re.findall(r"newsquake ([a-z]+) ", RUNBOOK))
    assert commands
    parser = newsquake_parser()
    actions = [a for a in parser._actions if a.choices]
    assert commands <= {name for action in actions for name in action.choices or ()}


def test_what_the_runbook_asks_prometheus_exists() -> None:
    records = {rule["record"] for rule in rules_of("rules.yml")}
    asked_of = re.findall(r"promtool query instant \S+ '(.+?)'$", RUNBOOK, re.MULTILINE)
    assert len(asked_of) >= 10
    for expr in asked_of:
        assert list(strangers(expr, records)) == [], expr


def test_links_lead_to_the_runbook_of_this_repository() -> None:
    assert THRESHOLDS.links.runbook.endswith("dashboards/RUNBOOK.md#{anchor}")
    assert (ROOT / "dashboards" / "RUNBOOK.md").is_file()
