"""Replays into folders where others' files lie, and of histories that harm the engine."""

from __future__ import annotations

import json
from pathlib import Path

from tests.attack.registry import attack, hold
from tests.attack.running import command
from tests.replay.small_folder import edited, write_small_folder
from tests.running import contents

KEPT = "every file of the user's is there, unchanged; "
MINE = {"summary.json": b'{"mine": true}', "moves.jsonl": b"mine\n", "journal/notes.txt": b"mine"}


def _leave(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _kept(folder: Path, before: dict[str, bytes]) -> None:
    after = contents(folder) if folder.is_dir() else {}
    lost = sorted(name for name, data in before.items() if after.get(name) != data)
    hold(not lost, f"gone or overwritten: {', '.join(lost)}")


@attack(7, KEPT + "it refuses, or writes beside them", limit_s=60, ci=True)
def out_is_the_folder_replayed(base: Path) -> None:
    """`newsquake replay A --out A`, where A has a folder `journal` of its own."""
    folder = write_small_folder(base / "a")
    # Under a name of its own: a replay refuses to write over the headlines that it reads.
    (folder / "headlines.jsonl").rename(folder / "news.jsonl")
    edited(folder / "replay.toml", "headlines.jsonl", "news.jsonl")
    _leave(folder, {"journal/notes.txt": b"mine", "journal/2026/diary.txt": b"mine"})
    before = contents(folder)
    command("replay", folder, "--out", folder, cwd=base)
    _kept(folder, before)


@attack(7, KEPT + "it refuses and names one", limit_s=60)
def out_holds_files_of_others(base: Path) -> None:
    """`summary.json`, `moves.jsonl` and `journal/` that no replay made."""
    folder, out = write_small_folder(base / "a"), base / "out"
    _leave(out, MINE)
    done = command("replay", folder, "--out", out, cwd=base)
    _kept(out, MINE)
    hold(done.returncode == 2, f"exit code {done.returncode}")


@attack(7, KEPT + "it refuses and names one", limit_s=60)
def demo_into_files_of_others(base: Path) -> None:
    """`newsquake demo --out` with the same, and a folder `replay` of somebody's."""
    out = base / "out"
    _leave(out, {**MINE, "replay/replay.toml": b"mine"})
    before = contents(out)
    command("demo", "--out", out, "--speed", "max", cwd=base)
    _kept(out, before)


@attack(7, "nothing outside OUT is touched", limit_s=60)
def out_whose_journal_is_a_link(base: Path) -> None:
    """OUT/journal and OUT/summary.json are links to the user's own."""
    folder, out, mine = write_small_folder(base / "a"), base / "out", base / "mine"
    _leave(mine, {"notes.txt": b"mine", "lock": b"mine"})
    out.mkdir()
    (out / "journal").symlink_to(mine)
    (out / "summary.json").symlink_to(mine / "notes.txt")
    before = contents(mine)
    command("replay", folder, "--out", out, cwd=base)
    _kept(mine, before)


def _replayed(base: Path, prices: str, headlines: list[dict[str, str]], what: str) -> Path:
    folder = write_small_folder(base / "a")
    with (folder / "prices.csv").open("a") as file:
        file.write(prices)
    with (folder / "headlines.jsonl").open("a") as lines:
        lines.writelines(json.dumps(each) + "\n" for each in headlines)
    done = command("replay", folder, "--out", base / "out", cwd=base)
    hold("Traceback" not in done.stderr, f"{what}: a traceback: {done.stderr[-200:]}")
    hold(done.returncode == 0, f"{what}: exit code {done.returncode}: {done.stderr[-200:]}")
    return base / "out"


@attack(1, "the replay ends well; a reject names the price", limit_s=90)
def prices_beyond_int64(base: Path) -> None:
    """Rows of 5e12, 1e300, inf and nan in a price file."""
    rows = "".join(
        f"IBM,2007-01-04T16:{n:02}:00Z,{price}\n"
        for n, price in enumerate(("5e12", "5000000000000", "5e12", "1e300", "inf", "nan", "-1"))
    )
    out = _replayed(base, rows, [], "huge prices")
    reasons = {json.loads(line)["reason"] for line in (out / "rejects.jsonl").open()}
    hold("bad_price" in reasons, f"rejects: {sorted(reasons)}")


@attack(2, "the replay ends well, no reaction twice", limit_s=90)
def headline_back_after_ten_days(base: Path) -> None:
    """One id on the 4th, again on the 16th with another of its company between, trades only then."""
    at = ("2007-01-04T15:45:00Z", "2007-01-16T14:00:00Z", "2007-01-16T15:00:00Z")
    news = [
        {"id": key, "published_at": stamp, "title": "IBM wins contract", "source": "reuters"}
        for key, stamp in zip(("same", "other", "same"), at, strict=True)
    ]
    rows = "".join(f"IBM,2007-01-16T{h}:{m:02}:00Z,101\n" for h in (15, 16) for m in range(60))
    out = _replayed(base, rows, news, "an id that comes back")
    import polars as pl

    reactions = pl.read_parquet(out / "reactions.parquet")
    twins = reactions.height - reactions.unique(["headline_id", "listing", "horizon", "event_ns"]).height  # fmt: skip
    hold(not twins, f"{twins} reactions twice")
