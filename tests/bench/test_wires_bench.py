"""The bench of the wires still measures; what it finds is nobody's failure."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.bench.wires import FIGURES, ROOT


@pytest.mark.slow
def test_the_latency_of_a_wire_is_measured() -> None:
    command = [sys.executable, "-m", "tests.bench.wires", "--seconds", "1", "--feeds", "20"]
    done = subprocess.run(
        [*command, "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout)
    assert set(figures) == set(FIGURES)
    assert figures["wire_headlines"] > 0
    assert figures["documents"] > 0
    assert figures["documents_failed"] == 0
