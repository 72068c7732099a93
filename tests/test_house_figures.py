"""The figures of the house, of a small house whose figures can be counted by hand."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests import house_figures

ONE = '''\
"""A module."""
import logging

log = logging.getLogger(__name__)


class Item:
    """A thing."""

    def take(self, one: int, *, two: int = 2) -> int:
        """Take it."""
        log.info("taken")
        try:
            return one + two
        except (ValueError, Exception):
            log.warning("not")
        except KeyError:
            pass

    def give(self, one): ...
'''
TWO = """\
class Item: ...


def _hidden() -> None:
    def inner(a: int) -> None: ...
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name, text in {"agents/one.py": ONE, "agents/room/two.py": TWO, "tests/no.py": TWO}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    (tmp_path / "agents" / "untracked.py").write_text(TWO)
    return tmp_path


def test_the_figures_of_a_small_house(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house_figures.main(["--json", "--root", str(house)])
    figures = json.loads(capsys.readouterr().out)
    assert figures == {
        "lines": 25,
        "files": 2,
        "files_a_folder": {"agents": 1, "agents/room": 1},
        "longest_file": [20, "agents/one.py"],
        "functions": 4,
        "function_lines_median": 1.5,
        "function_lines_p95": 9,
        "longest_function": [9, "agents/one.py:10 take"],
        "longest_class": [14, "agents/one.py:7 Item"],
        "most_parameters": [2, "agents/one.py:10 take"],
        "excepts": 2,
        "broad_excepts": ["agents/one.py:15"],
        "broad_excepts_pct": 50.0,
        "class_names_with_two_meanings": {"Item": ["agents/one.py:7", "agents/room/two.py:1"]},
        "log_calls": {"info": 1, "warning": 1},
        "public_things": 6,
        "public_documented_pct": 50.0,
        "functions_of_a_public_name": 3,
        "functions_documented_pct": 33.3,
        "functions_annotated_pct": 75.0,
    }


def test_a_table_names_each_figure(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house_figures.main(["--root", str(house)])
    rows = dict(line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:])
    assert rows["class names with two meanings"] == "1: Item"
    assert rows["log calls"] == "2: info 1, warning 1"
    assert rows["broad excepts"] == "1 of 2 (50.0 %): agents/one.py:15"
    assert rows["files a folder, the fullest"] == "agents 1, agents/room 1"
