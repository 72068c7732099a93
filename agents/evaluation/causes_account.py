"""Print causes and their figures for people: a table of groups, and one move step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from agents.evaluation.causes import MOVES, alerts_in, judge, labelled_move
from agents.evaluation.labelled import read_rows
from agents.machine.tables import print_wide, wide_table
from agents.machine.terminal import plain_console
from streams.errors import UsageError
from streams.events import Alert
from streams.text import printable
from streams.times import utc

HEADS: Final = {
    "moves": "moves",
    "alerted": "alerted",
    "in_feed": "in feed",
    "found": "found",
    "first_right": "first",
    "first_right_and_named": "first, named",
    "right_share": "right share",
    "wrong_named": "wrong named",
    "named_right": "named right",
    "honest": "honest",
    "market_share": "market",
    "market_title_right": "its title",
}
NOTE: Final = """\
found, first: of moves whose cause is in the feed, a right title is among the candidates, or first; named: with a
share of .15 or more; right share: of all right titles; wrong named: of all moves; named right: of the named;
honest: nothing named where nothing is in the feed; market: mean share of market and sector; its title: a right one
stands behind that.
"""


def _say(text: str) -> None:
    """Print lines as they are."""
    plain_console().print(text)


def print_figures(result: dict[str, Any]) -> None:
    """Print what `evaluate_causes` returns as tables."""
    table = wide_table("", *HEADS.values(), right=frozenset(HEADS.values()))
    for name, figures in result["groups"].items():
        table.add_row(name, *(_plain(figures[key]) for key in HEADS))
    print_wide(table)
    bins = wide_table("share of the first", "moves", "mean", "right", right=frozenset(("moves", "mean", "right")))  # fmt: skip
    for each in result["calibration"]:
        ends = f"{each['from']:.1f} to {each['to']:.1f}"
        bins.add_row(ends, *(_plain(each[key]) for key in ("moves", "mean_share", "right")))
    print_wide(bins)
    _say(NOTE.strip())
    for reason in result["skipped_reasons"]:
        _say(f"skipped: {printable(reason)}")


def _plain(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def explain_move(folder: Path, out: Path, symbol: str, date: str) -> None:
    """Print the alerts of one listing on a trade date: path, shares and candidates, right ones marked.

    UsageError: there is none. InputError: as `alerts_in`.
    """
    alerts = alerts_in(out)
    found = [alert for key, alert in alerts.items() if key[:2] == (symbol, date)]
    if not found:
        known = sorted(key[0] for key in alerts if key[1] == date)
        there = f"on {date} there are alerts of {', '.join(known)}" if known else f"{date} has none"
        raise UsageError(f"--explain {symbol} {date}: no alert of it; {there}")
    moves, _ = read_rows(folder / MOVES, labelled_move)
    labels = {each.move.key: each for each in judge(moves, alerts)}
    for alert in found:
        judged = labels.get((alert.listing, alert.trade_date, alert.direction))
        _print_alert(alert, judged.rights if judged else (False,) * len(alert.attribution.candidates))  # fmt: skip


def _print_alert(alert: Alert, rights: tuple[bool, ...]) -> None:
    why = alert.attribution
    _say(printable(alert.sentence))
    _say(f"beta {why.beta:.2f}; {', '.join(why.flags) or 'no flags'}")
    steps = wide_table("step", "return", "market", "sector", "causes", right=frozenset(("return", "market", "sector")))  # fmt: skip
    number = {c.headline_id: str(n) for n, c in enumerate(why.candidates, 1)}
    for step in alert.timeline:
        parts = (f"{number.get(name, '?')}: {bps:+.0f}" for name, bps in step.causes.items())
        ends = f"{utc(step.start_ns)} - {utc(step.end_ns)}"
        returns = (f"{bps:+.0f}" for bps in (step.return_bps, step.market_bps, step.sector_bps))
        steps.add_row(ends, *returns, ", ".join(parts))
    print_wide(steps)
    _say("returns in bps, times in UTC; of each cause its part of the step")
    causes = wide_table("", "share", "right", "time", "title", "factors")
    for (n, candidate), right in zip(enumerate(why.candidates, 1), rights, strict=True):
        factors = " ".join(f"{name} {value:.2f}" for name, value in candidate.factors.items())
        causes.add_row(str(n), f"{candidate.share:.3f}", "*" if right else "", utc(candidate.event_ns), printable(candidate.title), factors)  # fmt: skip
    print_wide(causes)
    for story in why.market_candidates:
        _say(f"{story.scope}: {utc(story.event_ns)} {printable(story.title)}")
