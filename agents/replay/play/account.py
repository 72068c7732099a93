"""A readable account of a finished replay, made from the files in OUT alone."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.replay.play.outputs import read_lines
from streams.codec import Plain
from streams.times import utc

TOLD_ISSUERS = 5  # of those that alerted; the files have all
HORIZON_ORDER = ("1m", "5m", "15m", "60m", "session_close")
LEFT: dict[str, Any] = {"title_justify": "left", "box": None, "pad_edge": False}


def print_account(console: Console, out: Path, summary: Plain) -> None:
    """Print what moved, why, how every headline of it was answered, and where the files are."""
    alerts, log = read_lines(out / "alerts.jsonl"), read_lines(out / "alerts_log.jsonl")
    reactions = pl.read_parquet(out / "reactions.parquet")
    issuers: dict[str, list[Plain]] = defaultdict(list)
    for alert in alerts:
        issuers[alert["issuer"]].append(alert)
    for issuer in list(issuers)[:TOLD_ISSUERS]:
        console.rule(f"{issuer}: {len(issuers[issuer])} alert(s)")
        for alert in issuers[issuer]:
            _print_alert(console, alert, [x for x in log if x["alert_id"] == alert["alert_id"]])
        _print_reactions(console, issuers[issuer], reactions)
    if not alerts:
        console.print("No listing passed a level: no alert.")
    _print_summary(console, out, summary, len(issuers))


def _print_alert(console: Console, alert: Plain, log: list[Plain]) -> None:
    console.print(f"\n[bold]{alert['listing']}[/bold]  {alert['trade_date']}  {alert['rule']}")
    for state in log:
        if state["transition"] == "updated":
            continue
        move = f"{state['return_bps'] / 100:+.2f} %"
        level = f"level {state['level_pct']} %, {move} at {state['price']:.2f}"
        console.print(
            f"  {utc(state['updated_ns'])}  {state['transition']:9}  {level}", highlight=False
        )
    updates = sum(1 for state in log if state["transition"] == "updated")
    if updates:
        console.print(f"  explained anew {updates} times as more news came in", highlight=False)
    _print_other_line(console, alert)
    _print_causes(console, alert["attribution"])


def _print_other_line(console: Console, alert: Plain) -> None:
    other = alert["attribution"]["other_line"]
    if other is None:
        return
    if other["leader"] == alert["listing"]:
        console.print(
            f"  {alert['listing']} led: {other['listing']} had not passed a level before it."
        )
        return
    lag = f"{other['lag_s'] / 3600:.1f} h" if other["lag_s"] >= 3600 else f"{other['lag_s']:.0f} s"
    moved = "" if other["move_bps"] is None else f" and stood at {other['move_bps'] / 100:+.2f} %"
    console.print(f"  {other['leader']} led by {lag}{moved}.", highlight=False)


def _print_causes(console: Console, attribution: Plain) -> None:
    if not attribution["candidates"]:
        market, rest = attribution["market_share"], attribution["unexplained_share"]
        shares = f"the market {_percent(market)}, unexplained {_percent(rest)}"
        console.print(f"  no cause known: no headline in the look-back; {shares}", highlight=False)
        return
    table = Table(title="ranked causes", **LEFT)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("story", ratio=1)
    for cause in attribution["candidates"]:
        copies = f", {cause['copies']} copies" if cause["copies"] else ""
        table.add_row(_percent(cause["share"]), escape(cause["title"]))
        factors = " ".join(f"{name} {value:.2f}" for name, value in cause["factors"].items())
        when = utc(cause["event_ns"])[5:16]
        table.add_row("", f"[dim]{when} {cause['source']}{copies}; {factors}[/dim]")
    table.add_row(_percent(attribution["market_share"]), "the market")
    if attribution["sector_share"]:
        table.add_row(_percent(attribution["sector_share"]), "the sector")
    table.add_row(_percent(attribution["unexplained_share"]), "unexplained")
    console.print(table, highlight=False)
    if attribution["price_led"]:
        console.print("  The price moved before the first of these.")
    if attribution["late_feed"]:
        console.print("  The first of these came within its feed's own delay of the move.")


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _print_reactions(console: Console, alerts: list[Plain], reactions: pl.DataFrame) -> None:
    """Print the measured reaction to each cause named, on every line that alerted."""
    causes = {
        c["headline_id"]: c for a in alerts for c in a["attribution"]["candidates"] if c["share"]
    }
    if not causes:
        return
    console.print("\nmeasured reactions in bps (behind the stroke: less the market's)")
    heads = "".join(f"{name.replace('session_', ''):>11}" for name in HORIZON_ORDER)
    console.print(f"  {'':<11}{'from':>8}{heads}", highlight=False)
    for key, cause in causes.items():
        title = f"{utc(cause['event_ns'])[11:16]} {cause['title']}"
        console.print(escape(title), highlight=False, no_wrap=True, overflow="ellipsis")
        for alert in alerts:
            mine = (pl.col("headline_id") == key) & (pl.col("listing") == alert["listing"])
            found = {r["horizon"]: r for r in reactions.filter(mine).iter_rows(named=True)}
            if found:
                console.print(f"  {alert['listing']:<11}{_cells(found)}", highlight=False)


def _cells(rows: dict[str, Plain]) -> str:
    reference = next(iter(rows.values()))["reference_price"]
    text = f"{'-' if reference is None else f'{reference:.2f}':>8}"
    for horizon in HORIZON_ORDER:
        row = rows.get(horizon)
        cell = "-"
        if row is not None and row["return_bps"] is not None:
            abnormal = "" if row["abnormal_bps"] is None else f"/{row['abnormal_bps']:+.0f}"
            cell = f"{row['return_bps']:+.0f}{abnormal}"
        text += f"{cell:>11}"
    return text


def _print_summary(console: Console, out: Path, summary: Plain, issuers: int) -> None:
    console.rule("summary")
    names = ("ticks", "headlines", "mentions", "reactions", "moves", "alerts", "late", "rejected")
    counts = ", ".join(f"{summary[name]:,} {name}" for name in names)
    if issuers > TOLD_ISSUERS:
        console.print(f"{issuers - TOLD_ISSUERS} more issuers alerted; see alerts.jsonl")
    console.print(counts, highlight=False)
    speed = f"{summary['seconds']:.1f} s, {summary['ticks_per_second']:,} ticks/s"
    console.print(f"{speed}; output_sha256 {summary['output_sha256'][:16]}...", highlight=False)
    console.print(f"files in {out}", highlight=False, soft_wrap=True)
