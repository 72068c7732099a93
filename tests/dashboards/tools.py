"""The tools of Prometheus and Alertmanager, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import required

ROOT = Path(__file__).resolve().parents[2]
OF = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "alertmanager",
}


def need(tool: str) -> str:
    """Return a tool's path; skip where it is absent, fail where NEWSQUAKE_REQUIRE names it."""
    path = shutil.which(tool)
    if path is None:
        reason = f"{tool} is not installed (Debian: prometheus, prometheus-alertmanager)"
        if OF[tool] in required():
            pytest.fail(f"{reason}, and NEWSQUAKE_REQUIRE names {OF[tool]}")
        pytest.skip(reason)
    return path


def run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool from the root of the repository."""
    command = [need(tool), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def succeed(tool: str, *arguments: str | Path) -> str:
    """Run a tool that must say that all is well; return what it says."""
    done = run(tool, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
