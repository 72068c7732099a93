"""What is deployed: settings that the servers take, on loopback, by version, without secrets."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.build import alerts_of
from dashboards.thresholds import load
from tests.dashboards.tools import ROOT, run, succeed

DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus" / "prometheus.yml"
ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
COMPOSE = DEPLOY / "compose.yaml"
CONTAINERFILE = DEPLOY / "image" / "Containerfile"
ADDRESS = re.compile(r"\b(\d+\.\d+\.\d+\.\d+):(\d+)\b")
OURS = {"topics", "ingest", "score", "react", "deliver", "web"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(COMPOSE)["services"]
    return found


# -- Prometheus and Alertmanager


def test_prometheus_takes_its_settings() -> None:
    succeed("promtool", "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS)


def test_alertmanager_takes_its_settings() -> None:
    succeed("amtool", "check-config", ALERTMANAGER)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=day_move listing=BABA.XNYS direction=up severity=warning", "market"),
        ("alertname=my_rule listing=9988.XHKG direction=down severity=critical", "market"),
        ("alertname=day_move listing=A.XNYS direction=up severity=warning replay=true", "nobody"),
        ("alertname=ListingStale listing=BABA.XNYS severity=warning", "operators"),
        ("alertname=FeedDown feed=wire severity=warning", "operators"),
        ("alertname=Watchdog severity=none", "watchdog"),
    ],
)
def test_alerts_go_where_they_belong(labels: str, receiver: str) -> None:
    file = f"--config.file={ALERTMANAGER}"
    said = succeed("amtool", "config", "routes", "test", file, *labels.split())
    assert said.splitlines()[0] == receiver


def test_a_move_is_told_at_once_and_by_itself() -> None:
    routes = read(ALERTMANAGER)["route"]["routes"]
    (market,) = (route for route in routes if route["receiver"] == "market")
    assert market["group_by"] == ["..."]
    assert market["group_wait"] == "0s"
    assert market["group_interval"] == "5s"


def test_what_inhibits_and_is_inhibited_are_alerts() -> None:
    names = {alert.name for alert in alerts_of(load())}
    text = ALERTMANAGER.read_text("utf-8").split("inhibit_rules:")[1]
    named = {n for group in re.findall(r'alertname=~?"([^"]+)"', text) for n in group.split("|")}
    assert named
    assert named <= names


def test_the_jobs_are_those_of_the_thresholds() -> None:
    jobs = {job["job_name"]: job for job in read(PROMETHEUS)["scrape_configs"]}
    ours = load().jobs
    assert {ours.live, ours.replay} < set(jobs)
    for name in (ours.live, ours.replay):
        assert jobs[name]["scrape_interval"] == ours.scrape_interval
    source = read(DEPLOY / "grafana" / "provisioning" / "datasources" / "newsquake.yml")
    (prometheus,) = (s for s in source["datasources"] if s["type"] == "prometheus")
    assert prometheus["jsonData"]["timeInterval"] == ours.scrape_interval
    assert "uid" not in prometheus, "dashboards ask for no uid"


def test_the_targets_are_the_ports_of_a_run() -> None:
    run_, workers = (
        read(DEPLOY / "prometheus" / "targets" / name)[0]["targets"]
        for name in ("run.yml", "workers.yml.example")
    )
    assert run_ == ["127.0.0.1:9464"]
    assert workers == [f"127.0.0.1:{9464 + at}" for at in (1, 2, 3)]
    example = tomllib.loads((DEPLOY / "examples" / "news.toml").read_text("utf-8"))
    assert example["metrics"]["port"] == 9464


# -- compose and image


@pytest.mark.parametrize("path", [p for p in DEPLOY.rglob("*.y*ml*") if p.parent.name != "local"])
def test_every_file_is_yaml_and_knows_loopback_alone(path: Path) -> None:
    assert read(path)
    for address, _ in ADDRESS.findall(path.read_text("utf-8")):
        assert ipaddress.ip_address(address).is_loopback, address


def test_every_service_listens_on_loopback_alone() -> None:
    for name, service in services().items():
        assert service["network_mode"] == "host", name
        assert "ports" not in service, name
    listening = {
        "kafka": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9095",
        "prometheus": "--web.listen-address=127.0.0.1:9090",
        "alertmanager": "--web.listen-address=127.0.0.1:9093",
        "grafana": "127.0.0.1",
    }
    for name, where in listening.items():
        assert where in str(services()[name])
    assert "--cluster.listen-address=" in services()["alertmanager"]["command"]
    assert services().keys() == {*listening, *OURS}


def test_no_two_services_want_one_port() -> None:
    ports = ["9092", "9095", "9090", "9093", "3000", "9464", "8420"]
    for service in services().values():
        command = list(map(str, service.get("command", [])))
        ports += (
            [command[command.index("--metrics-port") + 1]] if "--metrics-port" in command else []
        )
    assert len(ports) == len(set(ports))
    scraped = read(DEPLOY / "prometheus" / "targets" / "workers.yml.example")[0]["targets"]
    assert {target.rpartition(":")[2] for target in scraped} == set(ports[7:])


def test_images_have_exact_versions() -> None:
    for name, service in services().items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for name in OURS:
        assert services()[name]["image"] == f"newsquake:{project['version']}"
    local = (DEPLOY / "local" / "pom.xml").read_text("utf-8")
    assert services()["kafka"]["image"].rpartition(":")[2] in local, "the Kafka of the tests"


def test_services_have_no_rights_that_they_do_not_need() -> None:
    for name, service in services().items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        for volume in service.get("volumes", []):
            source, _, *mode = volume.split(":")
            assert not source.startswith(".") or mode == ["ro"], (name, volume)


def test_what_is_mounted_is_here_or_told_of() -> None:
    told = {"./newsquake.toml"}  # the user's own; the head of the file says how
    for service in services().values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith(".") and source not in told:
                assert (DEPLOY / source).exists(), source
    assert "deploy/newsquake.toml" in COMPOSE.read_text("utf-8")
    assert "/deploy/newsquake.toml" in (ROOT / ".gitignore").read_text("utf-8")


def test_the_rules_are_where_prometheus_looks_for_them_inside_its_container() -> None:
    mounts = dict(v.split(":")[:2][::-1] for v in services()["prometheus"]["volumes"])
    inside = "/newsquake/deploy/prometheus"
    assert f"{inside}/prometheus.yml" in mounts
    for file in read(PROMETHEUS)["rule_files"]:
        assert file.startswith("../../dashboards/")
    assert "/newsquake/dashboards" in mounts
    assert f"--config.file={inside}/prometheus.yml" in services()["prometheus"]["command"]


def test_there_is_no_secret_in_any_file() -> None:
    secret = re.compile(
        r"(?i)(password|secret|token|_key)(?!_file)[\w.]*\s*[:=]\s*[\"']?[A-Za-z0-9+/]{6,}"
    )
    for path in DEPLOY.rglob("*"):
        if not path.is_file() or path.parts[len(DEPLOY.parts)] in {"local", "examples"}:
            continue
        found = [line for line in path.read_text("utf-8").splitlines() if secret.search(line)]
        assert [
            line for line in found if "/run/secrets/" not in line and "environment:" not in line
        ] == []
    grafana = services()["grafana"]["environment"]
    assert grafana["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin"
    assert grafana["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert read(COMPOSE)["secrets"] == {"grafana_admin": {"environment": "GRAFANA_ADMIN_PASSWORD"}}
    assert services()["ingest"]["environment"] == {"ALPACA_KEY": None, "ALPACA_SECRET": None}


def test_the_commands_of_the_services_are_known() -> None:
    from agents.cli.main import newsquake_parser

    for name in OURS:
        args = newsquake_parser().parse_args(services()[name]["command"])
        assert args.run, name


def test_the_image_is_built_from_the_lock_and_runs_as_nobody() -> None:
    lines = CONTAINERFILE.read_text("utf-8").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line and not line.startswith(("#", " "))]
    bases = [rest for what, rest in words if what == "FROM"]
    assert all(re.fullmatch(r"python:3\.1\d-slim-\w+( AS build)?", base) for base in bases)
    assert any("uv sync --frozen" in rest for what, rest in words if what == "RUN")
    (user,) = (rest for what, rest in words if what == "USER")
    assert not user.startswith(("root", "0"))
    (entry,) = (rest for what, rest in words if what == "ENTRYPOINT")
    assert entry == '["newsquake"]'
    for what, rest in words:
        if what == "COPY" and not rest.startswith("--from"):
            assert all((ROOT / source).exists() for source in rest.split()[:-1]), rest
    uses = DEPLOY / "image" / "Containerfile.dockerignore"
    assert uses.read_text("utf-8").splitlines()[1] == "*"


def test_the_page_for_operators_names_ports_and_files_that_there_are() -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    configured = "".join(p.read_text("utf-8") for p in DEPLOY.rglob("*") if p.is_file())
    for port in re.findall(r"\b(?:127\.0\.0\.1:|\| |, )(\d{4})\b", page):
        assert port in configured, port
    for path in re.findall(r"\b(?:deploy|dashboards|docs)/[\w./*-]*[\w*]", page):
        if path != "deploy/newsquake.toml" and not path.endswith("workers.yml"):
            assert [*ROOT.glob(path)], path


def test_a_wrong_setting_is_seen(tmp_path: Path) -> None:
    broken = tmp_path / "alertmanager.yml"
    broken.write_text(ALERTMANAGER.read_text("utf-8").replace("name: nobody", "name: anybody"))
    assert run("amtool", "check-config", broken).returncode != 0
