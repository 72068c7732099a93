"""Make what later versions must be able to read: `python -m tests.compatibility.make [NAME ...]`.

It runs the product of this very checkout, real Kafka included, over the small day of `day.py`,
and packs what that leaves into `made/`. Run it at the commit whose files are to be read later, never
to make a failing test pass: a test that fails says that files of users are no longer read.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.compatibility import make_embedded, make_kafka, make_news, make_replay
from tests.running import ROOT

MAKERS = {
    "embedded": make_embedded.make,
    "replay": make_replay.make,
    "news": make_news.make,
    "kafka": make_kafka.make,
}


def commit() -> str:
    """Return the commit of the product that is run; it must be as committed."""
    folders = ("streams", "agents")
    changed = subprocess.run(
        ["git", "diff", "--quiet", "HEAD", "--", *folders], cwd=ROOT, check=False
    )
    if changed.returncode:
        sys.exit("the product is changed here: make these files of a commit")
    words = ["git", "log", "-1", "--format=%h", "--", *folders]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main(names: list[str]) -> None:
    made_by = commit()
    with tempfile.TemporaryDirectory(prefix="compatibility-") as work:
        for name in names or MAKERS:
            MAKERS[name](Path(work) / name, made_by)
            print(f"{name} is made")


if __name__ == "__main__":
    main(sys.argv[1:])
