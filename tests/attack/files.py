"""Files that other people name and fill: names that a terminal obeys, tables that inflate without end."""

from __future__ import annotations

import gzip
import os
import subprocess
import time
from pathlib import Path

from tests.attack.registry import attack, hold
from tests.attack.running import System, command
from tests.ingest.newsroom import release
from tests.replay.small_folder import write_small_folder
from tests.running import COMMAND, environment

ESCAPE = "\x1b]0;owned\x07\x1b[31m"
GIB = 2**30


@attack("low", "no ESC reaches the terminal, a good file beside them is read", limit_s=60)
def escapes_in_names_of_dropped_files(base: Path) -> None:
    """Files of a watched folder, good, bad, unreadable and not UTF-8 in their names."""
    drop = base / "drop"
    drop.mkdir()
    (drop / f"{ESCAPE}.xml").write_bytes(b"no feed at all")
    (drop / f"{ESCAPE}.json").write_bytes(release("Behind a bad name", "1"))
    (drop / f"shut{ESCAPE}.xml").write_bytes(b"<rss/>")
    (drop / f"shut{ESCAPE}.xml").chmod(0)
    Path(os.fsdecode(bytes(drop) + b"/\xff\xfe.json")).write_bytes(release("No UTF-8", "2"))
    (drop / "good.json").write_bytes(release("Good words", "3"))
    table = '[[folders]]\nname = "drop"\npath = "drop"\nsource = "Dropped"\ninterval_s = 0.1\n'
    system = System(base, table)
    with system.run() as run:
        run.up()
        run.until(lambda: "Good words" in system.titles(), 20, "the good file is not read")
        run.answers()
        run.ends()
    hold({"Behind a bad name", "No UTF-8"} <= system.titles(), "a file is lost for its name")


@attack("low", "no ESC and no traceback in what it says", limit_s=90)
def escapes_in_names_of_replayed_files(base: Path) -> None:
    """A replay folder and its files, in errors and in results."""
    folder = write_small_folder(base / f"in{ESCAPE}")
    (folder / "prices.csv").rename(folder / f"prices{ESCAPE}.csv")
    text = (folder / "replay.toml").read_text().replace('"prices.csv"', '"prices*.csv"')
    for broken in ("", "nonsense", "ticker,ts,price\nIBM,never,1\n"):
        if broken:
            (folder / f"prices{ESCAPE}.csv").write_text(broken)
        (folder / "replay.toml").write_text(text)
        _quiet(command("replay", folder, "--out", base / f"out{ESCAPE}", cwd=base))
    _quiet(command("replay", base / f"none{ESCAPE}", "--out", base / "x", cwd=base))
    _quiet(command("feeds", "check", base / f"none{ESCAPE}.xml", folder, cwd=base))
    (base / f"n{ESCAPE}.toml").write_text("nonsense = ")
    _quiet(command("run", "--config", base / f"n{ESCAPE}.toml", cwd=base))


def _quiet(done: subprocess.CompletedProcess[str]) -> None:
    words = done.args[1:3]
    hold("Traceback" not in done.stderr, f"a traceback from {words}: {done.stderr[-150:]}")
    hold("\x1b" not in done.stdout + done.stderr, f"ESC from {' '.join(words)[:40]!r}")


def _measured(folder: Path, out: Path, within_s: float = 90.0) -> tuple[int, int, str]:
    """Replay; return the exit code, the most memory it had, and what it said."""
    said = out.with_suffix(".said")
    with said.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, "replay", str(folder), "--out", str(out)], env=environment(),
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    most, end_s = 0, time.monotonic() + within_s
    while process.poll() is None:
        if time.monotonic() > end_s or most > 3 * GIB:
            process.kill()
            process.wait()
            break
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            most = max(most, int(line.split()[1]) * 1024 if line.startswith("VmHWM") else 0)
        time.sleep(0.02)
    return process.returncode, most, said.read_bytes().decode("utf-8", "replace")


def _bomb(base: Path, name: str, data: bytes) -> None:
    folder = write_small_folder(base / "in")
    (folder / name).write_bytes(data)
    text = (folder / "replay.toml").read_text().replace('"prices.csv"', f'"{name}"')
    (folder / "replay.toml").write_text(text)
    code, most, said = _measured(folder, base / "out")
    hold("Traceback" not in said, f"a traceback: {said[-150:]}")
    hold(most <= GIB, f"{most / GIB:.1f} GiB of memory")
    hold(code in {1, 2}, f"exit code {code}, {most / GIB:.1f} GiB: {said.strip()[-120:]}")


@attack("low", "refused with a line, in less than 1 GiB of memory", limit_s=150)
def gzipped_prices_that_inflate(base: Path) -> None:
    """2 MB of gzip that are 2 GB of one line of CSV."""
    block = gzip.compress(b"0" * 50_000_000, 9)
    _bomb(base, "prices.csv.gz", gzip.compress(b"ticker,ts,price\n") + block * 40)


@attack("low", "refused with a line, in less than 1 GiB of memory", limit_s=150)
def gzipped_rows_that_inflate(base: Path) -> None:
    """The same, of rows that are right: 60 million of them."""
    block = gzip.compress(b"IBM,2007-01-03T20:55:00Z,100.00\n" * 1_500_000, 9)
    _bomb(base, "prices.csv.gz", gzip.compress(b"ticker,ts,price\n") + block * 40)


@attack("low", "refused with a line, in less than 1 GiB of memory", limit_s=150)
def parquet_that_inflates(base: Path) -> None:
    """A Parquet file of 400 million equal rows, run-length encoded."""
    import polars as pl

    rows = 60_000_000
    frame = pl.select(
        ticker=pl.repeat("IBM", rows), price=pl.repeat(100.0, rows), ts=pl.repeat(1_167_854_100, rows)
    )  # fmt: skip
    path = base / "bomb.parquet"
    frame.write_parquet(path, compression="zstd")
    data = path.read_bytes()
    path.unlink()
    _bomb(base, "prices.parquet", data)
