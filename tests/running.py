"""Run the installed `newsquake` command as a process, and read what it leaves in OUT."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(sys.executable).with_name("newsquake")
COMMAND = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "agents.cli.main"]
TEMPLATES = Path(__file__).with_name("replays")
LONGEST_S = 170  # no run of these tests takes a third of it
# DESIGN 8: the files of the hash in their order; reactions stand in a Parquet file.
HASHED = ("headlines", "mentions", "reactions", "moves", "alerts", "alerts_log", "rejects")

Plain = dict[str, Any]


def environment(hash_seed: str = "0") -> dict[str, str]:
    """Return this process's environment, wide and colourless, with a hash seed of its own."""
    wide = {"COLUMNS": "240", "NO_COLOR": "1", "TERM": "dumb"}
    return {**os.environ, **wide, "PYTHONHASHSEED": hash_seed}


def newsquake(*words: object, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the command to its end, whatever that is."""
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        cwd=ROOT,
        env=environment(hash_seed),
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST_S,
        check=False,
    )


def replayed(folder: Path, out: Path, *words: object, hash_seed: str = "0") -> Plain:
    """Replay a folder that must work and return its summary, the printed and the written one."""
    done = newsquake("replay", folder, "--out", out, "--json", *words, hash_seed=hash_seed)
    assert done.returncode == 0, done.stderr
    printed: Plain = json.loads(done.stdout)
    assert printed == summary_of(out)
    return printed


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line in which a run says what is wrong; there is no traceback beside it."""
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("newsquake")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def summary_of(out: Path) -> Plain:
    """Return `summary.json`."""
    summary: Plain = json.loads((out / "summary.json").read_bytes())
    return summary


def records(out: Path, name: str) -> list[Plain]:
    """Return the records of one file of OUT, by its name without suffix."""
    if name == "reactions":
        return pl.read_parquet(out / "reactions.parquet").to_dicts()
    return [json.loads(line) for line in (out / f"{name}.jsonl").read_bytes().splitlines()]


def recomputed_sha256(out: Path) -> str:
    """Return the hash of OUT as anyone can compute it from the files, with json and polars."""
    digest = hashlib.sha256()
    for name in HASHED:
        for record in records(out, name):
            line = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def filled(name: str, data: Path, folder: Path) -> Path:
    """Write the template `name` into `folder`, its paths leading into `data`; return the folder."""
    text = (TEMPLATES / name / "replay.toml").read_text("utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "replay.toml").write_text(text.replace('path = "', f'path = "{data}/'), "utf-8")
    return folder


@functools.cache
def demo_day(base: Path) -> tuple[Path, str]:
    """Run the demo once, under `base`; return its OUT and what it printed."""
    out = base / "demo-day"
    done = newsquake("demo", "--out", out, "--speed", "max")
    assert done.returncode == 0, done.stderr
    return out, done.stdout


@functools.cache
def nine_stocks(base: Path, data: Path) -> tuple[Path, Path]:
    """Replay R2 once, under `base`; return its folder and its OUT."""
    folder, out = filled("r2", data, base / "nine-stocks"), base / "nine-stocks-out"
    replayed(folder, out)
    return folder, out
