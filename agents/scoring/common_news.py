"""Tell news of a whole market or of a sector: the Fed, payrolls, oil, what homebuilders see.

Such a title is evidence for what all the listings of the market or of the sector did together,
and never a cause of one company's own move. A report on a market's day that names its driver
(`Wall St falls on weak data`) is a witness of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from agents.scoring.market_reports import is_market_report
from agents.scoring.sector_words import ABROAD, CREDIT, DRIVERS, HOME, SECTORS
from agents.scoring.text import prepare

MARKET = "market"
# Relevance: judgements, in the order of how plainly a title speaks of the home market.
REPORT = 1.0  # a report on the day of the home market
SECTOR = 0.8
DRIVEN = 0.7  # a driver with a word of the home market: the Fed, U.S. payrolls
LOOSE = 0.4  # a driver without a place
ELSEWHERE = 0.3  # of another country


class Common(NamedTuple):
    """What a title says of a whole: of the `market` or of a sector, how plainly, and by what cue."""

    whole: str
    relevance: float
    evidence: str


def _table() -> tuple[list[str], list[list[str]]]:
    """Return the padded cue patterns, and of each what it is evidence of."""
    found: dict[str, list[str]] = {}
    for kind, table in (("macro", DRIVERS), ("sector", SECTORS)):
        for name, phrases in table.items():
            for phrase in phrases.split("; "):
                words = " ".join(prepare(phrase.rstrip("*")).words)
                pattern = f" {words}" if phrase.endswith("*") else f" {words} "
                found.setdefault(pattern, []).append(f"{kind}:{name}")
    return list(found), list(found.values())


_PATTERNS, _MEANINGS = _table()
_AUTOMATON = AhoCorasick(_PATTERNS)


def common_news(words: Sequence[str], *, tells: bool) -> list[Common]:
    """Return the market and the sectors that a title speaks of, the market first.

    `tells`: the title has a direction or an event. A sector is only spoken of where it has, or
    where the title reports on a market: `powers to gold` does not.
    """
    hits = _AUTOMATON.find_matches_as_indexes(f" {' '.join(words)} ", overlapping=True)
    report = is_market_report(words)
    if not (hits or report) or not CREDIT.isdisjoint(words):
        return []
    cues = dict.fromkeys(cue for number, _, _ in hits for cue in _MEANINGS[number])
    drivers = [cue for cue in cues if cue.startswith("macro:")]
    home = not HOME.isdisjoint(words)
    abroad = not home and not ABROAD.isdisjoint(words)
    found = []
    if drivers or report:
        plain = REPORT if report else DRIVEN
        relevance = ELSEWHERE if abroad else plain if home else LOOSE
        found.append(Common(MARKET, relevance, drivers[0] if drivers else "macro:report"))
    if tells or report:
        weight = ELSEWHERE if abroad else SECTOR
        found += [Common(cue[7:], weight, cue) for cue in cues if cue.startswith("sector:")]
    return found
