"""A small day of our own: four listings of three invented companies, told line by line.

Borealis rises by ten percent after a contract, its second line follows forty seconds later, and
Talavera falls by six after a warning: opened, escalated and updated alerts, open reactions, copies,
a price report, a revision and a deletion. The same day as lines for a live run and as a folder for
a replay. Of two partitions one has Borealis and the other Talavera.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Line = dict[str, Any]

UNIVERSE = """\
issuer,name,symbol,mic,currency,shares_per_unit,aliases,isin,cik,sector,benchmark
MKT,Market Index Trust,MKT,XNYS,USD,1,Market Index Trust,,,index,
BOR,Borealis Mining,BOR,XNYS,USD,1,Borealis|Borealis Mining,,,materials,MKT.XNYS
BOR,Borealis Mining,BORB,XNAS,USD,1,Borealis|Borealis Mining,,,materials,MKT.XNYS
TALA,Talavera Foods,TAL,XNYS,USD,1,Talavera|Talavera Foods,,,food,MKT.XNYS
"""
DAILY = "symbol,date,close\n" + "".join(
    f"{symbol},2025-09-{day},{close}\n"
    for day in (22, 23)
    for symbol, close in (("MKT", 500), ("BOR", 100), ("BORB", 50), ("TAL", 40))
)
DAILY_TABLE = """
[[daily]]
path = "daily.csv"
columns = { symbol = "symbol", date = "date", close = "close" }
mic = "XNYS"
"""
REPLAY = (
    """\
[replay]
name = "small-day"
universe = "universe.csv"
benchmark = "MKT.XNYS"

[[headlines]]
path = "headlines.jsonl"
columns = { id = "id", published = "published", title = "title", url = "url", source = "source" }

[[prices]]
path = "ticks.csv"
columns = { symbol = "symbol", mic = "mic", time = "ts", price = "price", size = "size" }
"""
    + DAILY_TABLE
)
LIVE = '[universe]\nfile = "universe.csv"\nbenchmark = "MKT.XNYS"\n' + DAILY_TABLE


def second(text: str) -> int:
    """Return seconds since 1970 of `DAY HH:MM:SS` in September 2025, UTC."""
    return int(dt.datetime.fromisoformat(f"2025-09-{text}+00:00").timestamp())


BEGIN = second("23 19:59:00")
MIDNIGHT = second("24 00:00:05")
SAVED = second("24 13:33:00")  # a checkpoint is made here,
CUT = second("24 13:36:00")  # and here the process is killed
STEP_S = 10
LATE_STEP_S = 300


class Step(NamedTuple):
    """What is said after the Clock of second `at`; then comes the Clock of `then`."""

    at: int
    then: int
    lines: list[Line]


def _seconds() -> list[int]:
    """Return the seconds of all Clocks: dense around the news, then ever rarer."""
    first = range(BEGIN, BEGIN + 60, STEP_S)
    dense = range(second("24 13:29:00"), second("24 13:50:00"), STEP_S)
    sparse = range(second("24 13:50:00"), second("24 15:00:00"), LATE_STEP_S)
    ends = ("24 19:58:00", "24 19:59:30", "24 20:00:10", "24 20:15:10", "24 20:16:00")
    after = ("25 00:00:05", "25 00:00:06", "25 13:29:00")
    return [*first, MIDNIGHT, *dense, *sparse, *map(second, (*ends, *after))]


def steps() -> Iterator[Step]:
    """Yield the day; no line follows the last Clock."""
    seconds = _seconds()
    for number, (at, then) in enumerate(itertools.pairwise(seconds)):
        yield Step(at, then, [*_news(at), *_ticks(number, at)])


def _ramp(at: int, begin: str, share_a_step: float, most_steps: int) -> float:
    """Return how far a price has gone since `begin`, as a share."""
    done = (at - second(begin)) / STEP_S
    return share_a_step * min(max(done, 0.0), most_steps)


def _prices(number: int, at: int) -> dict[str, float]:
    wiggle = (number % 3 - 1) * 0.0004
    risen = _ramp(at, "24 13:31:00", 0.0025, 42) - _ramp(at, "24 13:46:00", 0.001, 20)
    follows = _ramp(at, "24 13:31:40", 0.0025, 40)
    fallen = _ramp(at, "24 13:40:00", 0.0025, 24)
    return {
        "MKT.XNYS": 500 * (1 + _ramp(at, "24 13:30:00", 0.00002, 100) + wiggle / 4),
        "BOR.XNYS": 100 * (1 + risen + wiggle),
        "BORB.XNAS": 50 * (1 + follows - wiggle),
        "TAL.XNYS": 40 * (1 - fallen + wiggle),
    }


def _ticks(number: int, at: int) -> list[Line]:
    stamps_ns = at * 10**9 + 500_000_000
    return [
        {"listing": listing, "price": round(price, 2), "ts_ns": stamps_ns + place * 1000,
         "size": 100 + number % 7}
        for place, (listing, price) in enumerate(_prices(number, at).items())
    ]  # fmt: skip


NEWS: dict[str, Line] = {
    "24 13:30:40": {"id": "n1", "source": "reuters.com",
                    "title": "Borealis Mining wins $2 billion copper supply contract"},
    "24 13:32:10": {"id": "n2", "source": "apnews.com",
                    "title": "Borealis Mining wins $2 billion contract to supply copper"},
    "24 13:34:40": {"id": "n3", "source": "apnews.com",
                    "title": "Borealis shares jump 5%"},
    "24 13:37:10": {"id": "n1", "source": "reuters.com", "revision": 1, "action": "updated",
                    "title": "Borealis Mining wins $2.4 billion copper supply contract"},
    "24 13:39:50": {"id": "n4", "source": "reuters.com",
                    "title": "Talavera Foods cuts its full-year profit outlook"},
    "24 13:41:00": {"id": "n5", "source": "apnews.com",
                    "title": "Talavera Foods chief executive resigns after probe"},
    "24 13:44:00": {"id": "n2", "source": "apnews.com", "revision": 1, "action": "deleted",
                    "title": "Borealis Mining wins $2 billion contract to supply copper"},
}  # fmt: skip
ODD: Line = {"neither": "a headline nor a tick"}


def _news(at: int) -> list[Line]:
    """Return the headlines of a second, and once a line that is nothing."""
    found = [news for told, news in NEWS.items() if second(told) == at]
    odd = [ODD] if at == second("24 13:31:10") else []
    return [{**each, "url": f"https://{each['source']}/{each['id']}"} for each in found] + odd


def write_live(folder: Path, more: str = "") -> Path:
    """Write newsquake.toml and what it names; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "universe.csv").write_text(UNIVERSE)
    (folder / "daily.csv").write_text(DAILY)
    config = folder / "newsquake.toml"
    config.write_text(LIVE + more)
    return config


def write_replay(folder: Path) -> Path:
    """Write the day as a folder for `newsquake replay`; return it."""
    write_live(folder)
    (folder / "newsquake.toml").unlink()
    (folder / "replay.toml").write_text(REPLAY)
    ticks, headlines = ["symbol,mic,ts,price,size\n"], []
    for step in steps():
        for line in step.lines:
            if "price" in line:
                symbol, mic = line["listing"].split(".")
                ticks.append(f"{symbol},{mic},{line['ts_ns']},{line['price']},{line['size']}\n")
            elif "title" in line and "revision" not in line:
                stamp = dt.datetime.fromtimestamp(step.at, dt.UTC).isoformat()
                headlines.append(json.dumps({**line, "published": stamp}) + "\n")
    (folder / "ticks.csv").write_text("".join(ticks))
    (folder / "headlines.jsonl").write_text("".join(headlines))
    return folder
