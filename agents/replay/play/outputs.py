"""What a replay leaves in OUT: canonical, sorted files and one hash over them all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import polars as pl

from agents.machine.own_files import OwnFiles
from streams.codec import Plain, canonical_json
from streams.events import Alert, Headline, Mention, Move, Reaction, Reject

Record = Headline | Mention | Reaction | Move | Alert | Reject
SortKey = Callable[[Plain], tuple[int, str]]

# file -> (event time, primary key) of a record, in the order of the hash (DESIGN 8)
KEYS: dict[str, SortKey] = {
    "headlines": lambda r: (r["event_ns"], f"{r['headline_id']}:{r['revision']}"),
    "mentions": lambda r: (r["event_ns"], f"{r['headline_id']}:{r['revision']}:{r['issuer']}"),
    "reactions": lambda r: (r["event_ns"], f"{r['headline_id']}:{r['listing']}:{r['horizon']}"),
    "moves": lambda r: (r["ts_ns"], r["move_id"]),
    "alerts": lambda r: (r["opened_ns"], r["alert_id"]),
    "alerts_log": lambda r: (r["updated_ns"], r["alert_id"]),
    "rejects": lambda r: (r["ts_ns"] or 0, r["reason"]),
}
FILE_OF: dict[type, str] = {
    Headline: "headlines",
    Mention: "mentions",
    Reaction: "reactions",
    Move: "moves",
    Alert: "alerts_log",
    Reject: "rejects",
}
PARQUET = "reactions"
SUMMARY = "summary.json"
RESULTS = (SUMMARY, f"{PARQUET}.parquet", *(f"{n}.jsonl" for n in KEYS if n != PARQUET))
_POLARS: dict[str, pl.DataType] = {
    "event_ns": pl.Int64(),
    "start_ns": pl.Int64(),
    "due_ns": pl.Int64(),
    "flags": pl.List(pl.String()),
    **dict.fromkeys(("headline_id", "issuer", "listing", "horizon"), pl.String()),
}


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """How many records each file holds, and the hash over all."""

    counts: dict[str, int]
    output_sha256: str


def write_outputs(own: OwnFiles, records: Iterable[Record]) -> Written:
    """Write every file of a finished replay; each appears whole or not at all."""
    plain: dict[str, list[Plain]] = {name: [] for name in KEYS}
    newest: dict[str, Plain] = {}
    for record in records:
        row = msgspec.to_builtins(record)
        plain[FILE_OF[type(record)]].append(row)
        if isinstance(record, Alert):
            newest[record.alert_id] = row
    plain["alerts"] = list(newest.values())
    digest = hashlib.sha256()
    for name, rows in plain.items():
        lines = sorted((*KEYS[name](row), canonical_json(row), row) for row in rows) if rows else []
        for line in lines:
            digest.update(line[2] + b"\n")
        if name == PARQUET:
            _write_parquet(own, [line[3] for line in lines])
        else:
            own.put(f"{name}.jsonl", b"".join(line[2] + b"\n" for line in lines))
    counts = {name: len(rows) for name, rows in plain.items()}
    return Written(counts=counts, output_sha256=digest.hexdigest())


def write_summary(own: OwnFiles, summary: Plain) -> None:
    """Write `summary.json`: the last file, so that its presence means the replay is whole."""
    own.put(SUMMARY, msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")


def _write_parquet(own: OwnFiles, rows: list[Plain]) -> None:
    schema = {name: _POLARS.get(name, pl.Float64()) for name in Reaction.__struct_fields__}
    with own.replacing(f"{PARQUET}.parquet") as fresh:
        pl.DataFrame(rows, schema=schema, orient="row").write_parquet(fresh)


def read_lines(path: Path) -> list[Plain]:
    """Return the records of a JSON Lines file."""
    decode = msgspec.json.Decoder(Plain).decode
    return [decode(line) for line in path.read_bytes().splitlines()]
