"""Put rows into frames, repeat frames, and frame a log anew: none of it may change its meaning."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from streams.events import Clock, Mention, TickFrame
from tests.oracle.rows import Row, frame_of, rows_of

Record = Clock | TickFrame | Mention


def framed(
    items: Iterable[Row | Mention | Clock], sizes: Sequence[int], runs: int
) -> Iterator[Record]:
    """Gather consecutive rows into frames of the sizes given, in turn, over `runs` publishers."""
    size = itertools.cycle(sizes)
    run_of = itertools.cycle(f"run{k}" for k in range(runs))
    seqs: dict[str, int] = {}
    rows: list[Row] = []
    for item in (*items, None):
        if isinstance(item, Row):
            rows.append(item)
            continue
        while rows:
            take, run = next(size), next(run_of)
            yield frame_of(rows[:take], run, seqs.get(run, 0))
            seqs[run] = seqs.get(run, 0) + len(rows[:take])
            rows = rows[take:]
        if item is not None:
            yield item


def repeated(records: Sequence[Record], at: int, later: int) -> list[Record]:
    """Let one frame come twice, `later` records after itself."""
    frames = [k for k, record in enumerate(records) if isinstance(record, TickFrame)]
    if not frames:
        return list(records)
    k = frames[at % len(frames)]
    cut = min(len(records), k + 1 + later)
    return [*records[:cut], records[k], *records[cut:]]


def stretches(records: Iterable[Record]) -> Iterator[Record | tuple[str, int, list[Row]]]:
    """Yield each record, but frames that follow each other in one run as (run, first, rows)."""
    run, first, rows = "", 0, list[Row]()
    for record in (*records, None):
        follows = isinstance(record, TickFrame) and record.run == run
        if rows and not (follows and record.first_seq == first + len(rows)):  # type: ignore[union-attr]
            yield run, first, rows
            rows = []
        if isinstance(record, TickFrame):
            run, first = (record.run, record.first_seq) if not rows else (run, first)
            rows = rows + rows_of(record)
        elif record is not None:
            yield record


def reframe(records: Iterable[Record], cuts: Sequence[int]) -> list[Record]:
    """Split and merge consecutive frames of one run into frames of `cuts` rows, in turn."""
    size = itertools.cycle(cuts)
    out: list[Record] = []
    for part in stretches(records):
        if not isinstance(part, tuple):
            out.append(part)
            continue
        run, first, rows = part
        while rows:
            take = next(size)
            out.append(frame_of(rows[:take], run, first))
            first, rows = first + len(rows[:take]), rows[take:]
    return out
