"""What is written: the same bytes each time, the files of the repository, and YAML that reads back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agents.reacting.config import Rule
from dashboards.build import FOLDER, build, differing, main
from dashboards.thresholds import PATH, Thresholds, load
from dashboards.yaml_text import to_yaml

ROOT = Path(__file__).resolve().parents[2]


def test_the_files_are_those_that_are_made() -> None:
    assert list(differing(build(load()), FOLDER)) == [], "python -m dashboards.build"


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "dashboards.build", "--out", tmp_path / seed]
        environment = {"PYTHONHASHSEED": seed, "PATH": ""}
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / s).iterdir()} for s in "12")
    assert first == second


def test_check_tells_of_what_differs_is_missing_or_too_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    assert main(["--check", "--out", str(tmp_path)]) == 0
    (tmp_path / "rules.yml").write_text("groups: []\n")
    (tmp_path / "alerts.yml").unlink()
    (tmp_path / "old.json").write_text("{}")
    assert main(["--check", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert all(name in said for name in ("rules.yml", "alerts.yml", "old.json"))


def test_a_threshold_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    text = PATH.read_text("utf-8")
    for wrong in (
        text + "\n[bogus]\n",
        text.replace("silence_s = 300", "silence_m = 5"),
        text.replace('scrape_interval = "1s"', 'scrape_interval = "often"'),
    ):
        (tmp_path / "thresholds.toml").write_text(wrong)
        with pytest.raises(msgspec.ValidationError):
            load(tmp_path / "thresholds.toml")


def test_the_first_market_rule_is_the_one_of_a_run_without_any() -> None:
    built_in, ours = Rule(), load().market[0]
    assert (ours.name, ours.levels_pct, ours.severity) == (
        built_in.name,
        built_in.levels_pct,
        built_in.severity,
    )


def test_a_changed_threshold_changes_the_rule() -> None:
    thresholds = load()
    lag = msgspec.structs.replace(thresholds.consumer_lag, records=77)
    changed: Thresholds = msgspec.structs.replace(thresholds, consumer_lag=lag)
    assert "> 77" in build(changed)["alerts.yml"]


def test_yaml_and_json_read_back() -> None:
    for name, text in build(load()).items():
        assert json.loads(text) if name.endswith(".json") else yaml.safe_load(text), name


texts = st.text(st.characters(codec="ascii", exclude_categories=["Cc"])) | st.sampled_from(
    ["on", "no", "1e3", "0x10", "12:30", "a: b", "- a", "#", "a\nb", "'", '"', "~", "5m", "null"]
)
values = st.recursive(
    texts | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(st.dictionaries(texts.filter(lambda key: "\n" not in key), values, min_size=1))
def test_any_value_reads_back(value: dict[str, object]) -> None:
    assert yaml.safe_load(to_yaml(value, "heading")) == value  # type: ignore[arg-type]
