"""`newsquake feeds status`: how the sources of news of a run have been doing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.broker.connection import Connection
from agents.config.newsquake import load_config
from agents.feeds.spans import span
from agents.ingest.feed_health import BUCKETS_S, FeedRecord, Spread, records_in
from agents.ingest.sources import seen_items_of
from agents.machine.clock import now_ns
from agents.machine.folders import home_of
from agents.machine.tables import print_wide, wide_table
from agents.machine.terminal import plain_console, print_json
from streams.errors import InputError
from streams.events import SECOND_NS
from streams.news.seen_items import read_states

NOTE = """\
last item: how long ago, and how many items this time of the week expects since (quiet: too many).
late: publication to receipt of what came while we listened; first: stories that others told, too.
"""


COLUMNS: Final = (
    "feed", "state", "last item", "items", "new", "revised", "repeats", "empty", "rejects",
    "failures", "late p50", "late p95", "first", "ahead", "behind",
)  # fmt: skip


def run_status(
    config: Path | None, broker: Connection | None, spool: Path | None, *, as_json: bool
) -> int:
    """Print how the feeds of a run do, those that its configuration names, or all where it names none.

    `broker` and `spool` tell whose run it is, None where the run has none of its own. InputError:
    that run has read no news.
    """
    settings = load_config(config)
    names = settings.news_names()
    home = spool or home_of(broker.slug if broker else None)
    records = _records(seen_items_of(settings, config, home))
    records = [each for each in records if not names or each.feed in names]
    at_ns = now_ns()
    if as_json:
        rows = [plain(record, at_ns) for record in records]
        print_json(rows)
    else:
        _print(records, at_ns)
    return 0


def _records(path: Path) -> list[FeedRecord]:
    if not path.exists():
        raise InputError(
            str(path),
            "no run has read news into it yet. Give the --config, --broker and --spool of the run",
        )
    return records_in(read_states(path))


def plain(record: FeedRecord, at_ns: int) -> dict[str, Any]:
    """Return a record as JSON says it: without its rhythm, with what that expects."""
    row: dict[str, Any] = msgspec.to_builtins(record)
    del row["rhythm"], row["expect"]
    for name in ("lateness", "ahead", "behind"):
        spread = getattr(record, name)
        ends = [*map(str, BUCKETS_S), "more"]
        row[f"{name}_s"] = {
            "p50": _finite(spread.quantile_s(0.5)),
            "p95": _finite(spread.quantile_s(0.95)),
            "buckets": dict(zip(ends, spread.counts, strict=True)),
        }
        del row[name]
    expected = record.expected_since_last(at_ns)
    row["expected_since_last"] = None if expected is None else round(expected, 3)
    row["state"] = state_of(record, at_ns)
    return row


def state_of(record: FeedRecord, at_ns: int) -> str:
    """Return a feed's state in one word."""
    if record.failing:
        return "failing"
    if record.last_read_ns is None:
        return "waiting"
    if record.quiet(at_ns):
        return "quiet"
    return "empty" if record.empty_reads == record.reads and record.reads else "ok"


def _print(records: list[FeedRecord], at_ns: int) -> None:
    table = wide_table(*COLUMNS, right=frozenset(COLUMNS[2:]))
    for record in records:
        table.add_row(*_row(record, at_ns))
    print_wide(table)
    console = plain_console()
    for record in records:
        if record.failing:
            again = f"{record.failing} in a row"
            console.print(
                f"{record.feed}: {again}, {record.last_fault}", markup=False, soft_wrap=True
            )
    console.print(NOTE, style="dim", end="", markup=False)


def _row(record: FeedRecord, at_ns: int) -> list[str]:
    late = record.lateness
    counts = (
        record.items, record.fresh, record.revisions, record.repeats, record.empty_reads,
        sum(record.rejects.values()), sum(record.failures.values()),
    )  # fmt: skip
    return [
        record.feed,
        state_of(record, at_ns),
        _last(record, at_ns),
        *(f"{count:,}" for count in counts),
        _half(late),
        span(late.quantile_s(0.95)),
        f"{record.first:,} of {record.stories:,}",
        _half(record.ahead),
        _half(record.behind),
    ]


def _last(record: FeedRecord, at_ns: int) -> str:
    if record.last_item_ns is None:
        return "never"
    age = span((at_ns - record.last_item_ns) / SECOND_NS)
    expected = record.expected_since_last(at_ns) or 0.0
    return f"{age} ({expected:.1f} expected)"


def _half(spread: Spread) -> str:
    return span(spread.quantile_s(0.5))


def _finite(seconds: float | None) -> float | str | None:
    return "more" if seconds is not None and math.isinf(seconds) else seconds
