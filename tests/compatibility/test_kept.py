"""What is kept of the old code is what its manifest says, and small."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.compatibility import kept
from tests.running import COMMAND, environment

MOST_BYTES = 300_000
GONE = 2**22 + 1  # no process has this number (pid_max is at most 2**22)


def test_the_manifest_is_of_what_lies_there() -> None:
    known = kept.manifest()
    assert {f"{name}.tar.xz" for name in known} == {x.name for x in kept.MADE.glob("*.tar.xz")}
    for name, said in known.items():
        assert said["sha256"] == kept.digest(name), name
        assert said["what"], name
    assert sum(each["bytes"] for each in known.values()) < MOST_BYTES


def test_servers_that_an_old_dev_up_remembers_are_cleared_away(tmp_path: Path) -> None:
    """They have long ended; their folders go, and nobody else's process is touched."""
    home = tmp_path / "newsquake" / "dev"
    state = json.loads((kept.unpack("dev", tmp_path / "old") / "state.json").read_bytes())
    assert {"kafka"} <= set(state) <= {"kafka", "alertmanager", "prometheus"}
    for name, server in state.items():
        folder = home / Path(server["folder"]).name
        folder.mkdir(parents=True)
        server["folder"] = str(folder)
        server["process"]["pid"] = GONE
        assert folder.name.startswith(f"{name}-")
    (home / "state.json").write_text(json.dumps(state))
    done = subprocess.run(
        [*COMMAND, "dev", "down", "--json"],
        env={**environment(), "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == dict.fromkeys(state, "had already ended")
    assert not [path for path in home.iterdir() if path.is_dir()]
