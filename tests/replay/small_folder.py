"""Write a small sound replay folder: two listings, two days, one move of 4 % after its news."""

from __future__ import annotations

import json
from pathlib import Path

REPLAY = """\
[replay]
name = "small"
benchmark = "SPY.XNYS"

[[headlines]]
path = "headlines.jsonl"
columns = { id = "id", published = "published_at", title = "title", source = "source" }

[[prices]]
path = "prices.csv"
columns = { symbol = "ticker", time = "ts", price = "price" }
mic = "XNYS"
bar = { seconds = 60, stamp = "start" }
"""
HEADER = "ticker,ts,price\n"
# IBM closes at 100, stands there for an hour of the next day and at 104 from 10:30 on.
PRICES = [
    *(f"{symbol},2007-01-03T20:{at}:00Z,{price}\n"
      for at in (55, 59) for symbol, price in (("IBM", "100.00"), ("SPY", "140.00"))),
    *(f"{symbol},2007-01-04T14:{at}:00Z,{price}\n"
      for at in range(30, 60) for symbol, price in (("IBM", "100.00"), ("SPY", "140.20"))),
    *(f"{symbol},2007-01-04T15:{at:02d}:00Z,{price}\n"
      for at in range(30) for symbol, price in (("IBM", "100.00"), ("SPY", "140.20"))),
    *(f"{symbol},2007-01-04T15:{at}:00Z,{price}\n"
      for at in range(30, 60) for symbol, price in (("IBM", "104.00"), ("SPY", "140.30"))),
]  # fmt: skip
HEADLINES = [
    {
        "id": "a1",
        "published_at": "2007-01-04T15:28:00Z",
        "title": "IBM wins $5 billion services contract",
        "source": "reuters",
    },
    {
        "id": "a2",
        "published_at": "2007-01-04T15:40:00Z",
        "title": "IBM shares rise 4 percent",
        "source": "reuters",
    },
]


def write_small_folder(folder: Path) -> Path:
    """Write the folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "replay.toml").write_text(REPLAY)
    (folder / "prices.csv").write_text(HEADER + "".join(PRICES))
    lines = [json.dumps(headline) + "\n" for headline in HEADLINES]
    (folder / "headlines.jsonl").write_text("".join(lines))
    return folder


def edited(path: Path, old: str, new: str) -> None:
    """Replace a text that is in the file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
