"""What every test may ask for: the shared real data, and Hypothesis at two depths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# No deadline: two shared cores make single examples slow for reasons outside the code.
settings.register_profile(
    "default", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# Derandomised, so that what fails there fails again here.
settings.register_profile(
    "ci", settings.get_profile("default"), max_examples=200, print_blob=True, derandomize=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def required() -> frozenset[str]:
    """Return what must not be skipped here: the words of NEWSQUAKE_REQUIRE."""
    words = os.environ.get("NEWSQUAKE_REQUIRE", "").split(",")
    return frozenset(word.strip() for word in words if word.strip())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data beside the repository, or skip (fail where required)."""
    folder = (ROOT / ".." / "shared" / "data").resolve()
    if folder.is_dir():
        return folder
    reason = "no folder ../shared/data beside the repository: the real data is not here"
    if "shared-data" in required():
        pytest.fail(reason + ", and NEWSQUAKE_REQUIRE names shared-data")
    pytest.skip(reason)
