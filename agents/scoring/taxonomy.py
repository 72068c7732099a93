"""Name the kinds of event a headline reports, by cue phrases in one pass.

`price_report` is no event: it retells a move of the price, and so can never explain one. It is
found by grammar (what moves, and by how much), since a false one would silence a real cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from agents.scoring.clauses import Span
from agents.scoring.cues import CUES, EVENT_TYPES
from agents.scoring.lexicon import BREAKS
from agents.scoring.results import (
    announces_date,
    gives_figures,
    gives_forecast,
    is_clinical,
    is_dividend_notice,
)
from agents.scoring.text import prepare
from agents.scoring.witness import is_market_report, reacts, states_cause

_REPORT = "price_report"
_BIT = {name: 1 << i for i, name in enumerate((*EVENT_TYPES, "none"))}
_NO_EVENTS = ("macro_sector", "opinion", "no_news", _REPORT)
_EVENTS = sum(_BIT[name] for name in EVENT_TYPES if name not in _NO_EVENTS)

_SHARES = frozenset(
    "share shares stock stocks adr adrs ads scrip sensex nifty dow nikkei ftse dax kospi topix"
    " futures hsi index equities bourse".split()
)
_VERBS = frozenset(
    word
    for stem in (
        "jump rise fall drop gain surge soar plunge slump tumble sink slide slip climb tank dip pop"
        " spike rocket skyrocket plummet retreat advance decline rebound edge inch crash bounce"
        " recover rally swoon leap zoom firm ease weaken close end open trade"
    ).split()
    for word in (stem, stem + "s", stem + "ed", stem.removesuffix("e") + "ing", stem + "d")
) | frozenset(
    "up down higher lower rose fell sank slid rallied rallies rallying dropped slipped dipped"
    " dropping slipping risen fallen leapt popped tanked crashes trading moving skids nosedives".split()
)
# Verbs that say a price went somewhere, without `trades`, `closes`, `opens` and their like.
_MOVES = _VERBS - frozenset(
    word + end
    for word in ("clos", "end", "open", "trad", "eas", "firm", "recover")
    for end in ("e", "es", "ed", "ing", "s", "d", "")
)
_PUSHES = frozenset(
    "sends send sent drives drive drove pushes push pushed lifts lift lifted boosts boost boosted"
    " drags drag dragged knocks knock knocked hammers hammer hits sinks sank slams jolts".split()
)
# After `shares` these make it a thing that is sold or counted, not a price.
_NOT_PRICES = frozenset(
    "offering sale sales repurchase buyback buybacks split issue issuance options option deal swap"
    " purchase plan program placement target targets exchange offer capital outstanding incentive"
    " award awards compensation holder holders dividend buy".split()
)
_FUNDAMENTALS = frozenset(
    "profit profits sales revenue revenues revs earnings income output orders order production"
    " exports deliveries margin margins eps traffic bookings net loss demand shipments imports"
    " subscribers users dividend quarter q1 q2 q3 q4 volume volumes costs prices price".split()
)
_WHEN = frozenset(
    "on after as amid following premarket pre post afterhours late early today again most monday"
    " tuesday wednesday thursday friday".split()
)
_BETWEEN = frozenset("is are stock now sharply".split())  # Alibaba is up 8%
_PERCENT = frozenset("% percent pct pc".split())
_CUTS = frozenset("cut cuts cutting slash slashes axe axes eliminate eliminates shed sheds".split())
_JOBS = frozenset("jobs staff workforce positions employees posts".split())
_EXTREMES = frozenset("high highs highest low lows lowest peak".split())
_REPORT_PHRASES = (
    "52 week high; 52 week low; stocks to watch; stock to watch; shares to watch; hot stocks;"
    " buzzing stocks; top gainers; top losers; biggest gainers; biggest losers; market movers;"
    " premarket movers; premarket gainers; premarket losers; midday movers; biggest moves;"
    " before the bell; after the bell; market wrap; most active; on the move; unusual volume;"
    " heavy volume; market update; stock market today; closing bell; opening bell; market talk;"
    " is moving; are moving; stock movers; market close; wall st ends; wall street ends;"
    " wall street rises; wall street falls; wall st rises; wall st falls; wall street drops;"
    " new 52 week; fresh 52 week; intraday high; intraday low; market snapshot; moving higher;"
    " pare losses; pares losses; pare gains; pares gains; extend gains; extends gains;"
    " extend rally; extends rally; extend losses; extends losses; going on with;"
    " moving lower; trading higher; trading lower; trades higher; trades lower; gaps up; gaps down"
)


def _patterns() -> tuple[list[str], list[int]]:
    """Return the cue patterns, padded with spaces, and the type bit of each."""
    bits: dict[str, int] = {}
    for name, phrases in {**CUES, _REPORT: _REPORT_PHRASES}.items():
        for phrase in phrases.split(";"):
            cue = phrase.strip()
            words = " ".join(prepare(cue.rstrip("*")).words)
            pattern = f" {words}" if cue.endswith("*") else f" {words} "
            bits[pattern] = bits.get(pattern, 0) | _BIT[name]
    return list(bits), list(bits.values())


_PATTERNS, _BITS = _patterns()
_AUTOMATON = AhoCorasick(_PATTERNS)


def _cued(words: Sequence[str]) -> int:
    """Return the bits of all cues, but for those inside a longer cue."""
    text = f" {' '.join(words)} "
    found = _AUTOMATON.find_matches_as_indexes(text, overlapping=True)
    if len(found) == 1:
        return _BITS[found[0][0]]
    bits = 0
    for number, start, end in found:
        hidden = any(
            first <= start and end <= last and last - first > end - start
            for _, first, last in found
        )
        if not hidden:
            bits |= _BITS[number]
    return bits


def _has_percent(words: Sequence[str], start: int, end: int) -> int | None:
    """Return the place of a percent sign that follows a figure in the span."""
    for i in range(max(start, 1), min(end, len(words))):
        per_cent = words[i] == "per" and words[i + 1 : i + 2] == ["cent"]
        if (words[i] in _PERCENT or per_cent) and words[i - 1][0].isdigit():
            return i
    return None


def _shares_move(words: Sequence[str], i: int) -> bool:
    """Tell whether the `shares` at `i` move: `shares jump`, `shares of Alibaba fell`."""
    if i and words[i - 1] in ("per", "market", "a", "sell", "sells", "buy", "buys", "issue"):
        return False
    reach = 7 if words[i + 1 : i + 2] == ["of"] else 4
    for j in range(i + 1, min(i + 1 + reach, len(words))):
        if words[j] in BREAKS or words[j] in _NOT_PRICES:
            return False
        if words[j] in _VERBS:
            return True
        if words[j] in ("hit", "hits", "touch", "touches", "at", "near", "reach"):
            return any(word in _EXTREMES for word in words[j + 1 : j + 7])
    return False


def _shares_are_moved(words: Sequence[str], i: int) -> bool:
    """Tell whether something moves the `shares` at `i`: `sends shares up`, `slide in shares`."""
    if not _NOT_PRICES.isdisjoint(words[i + 1 : i + 3]) or (
        i and words[i - 1] in ("market", "per")
    ):
        return False
    for j in range(i - 1, max(i - 4, -1), -1):
        if words[j] in BREAKS:
            return False
        if words[j] in _PUSHES or (words[j] in _MOVES and words[j + 1] in ("in", "for")):
            return True
    return False


def _company_moves(words: Sequence[str], end: int) -> bool:
    """Tell whether the company whose name ends before `end` itself moves: `Alibaba jumps 9%`."""
    if end >= len(words):
        return False
    at = end + 1 if words[end] in _BETWEEN else end
    if at >= len(words) or words[at] not in _MOVES:
        return False
    percent = _has_percent(words, at + 1, at + 6)
    if percent is not None:
        beyond = words[percent + 1 : percent + 4]
        between = words[at + 1 : percent]
        owned = any(word in ("stake", "share", "holding", "interest", "tariff") for word in beyond)
        return not owned and not _FUNDAMENTALS.intersection(between)
    if words[0] == "why":
        return True
    following = words[at + 1] if at + 1 < len(words) else ""
    if following in ("in", "to"):
        ahead = words[at + 2 : at + 8]
        return any(w in ("premarket", "pre", "trading") or w in _EXTREMES for w in ahead)
    return following in _WHEN


def _at_extreme(words: Sequence[str]) -> bool:
    """Tell whether the price stands at a high or low: `hits record high`, no metric named."""
    if _FUNDAMENTALS.intersection(words):
        return False
    for i, word in enumerate(words[:-1]):
        if word in ("hit", "hits", "touch", "touches", "touched", "scales") and any(
            near in _EXTREMES for near in words[i + 1 : i + 7]
        ):
            return True
    return False


def is_price_report(words: Sequence[str], spans: Sequence[Span]) -> bool:
    """Tell whether a title retells a price move; `spans` are the companies it names."""
    for i, word in enumerate(words):
        if word in _SHARES and (_shares_move(words, i) or _shares_are_moved(words, i)):
            return True
    if any(_company_moves(words, end) for _, end in spans):
        return True
    return _at_extreme(words)


def _cuts_jobs(words: Sequence[str]) -> bool:
    """Tell whether jobs go, with the number in between: `to cut 8,000 jobs`."""
    return any(
        word in _CUTS and not _JOBS.isdisjoint(words[i + 1 : i + 6]) for i, word in enumerate(words)
    )


class Reading(NamedTuple):
    """What a title reports: its types, and whether it states a price move together with its cause."""

    types: tuple[str, ...]
    witness: bool


def read_events(words: Sequence[str], spans: Sequence[Span] = ()) -> Reading:
    """Return every type the title has a cue of, in the order of priority.

    `price_report` is among them only where the title gives no cause beside the price.
    """
    bits = _cued(words)
    if _cuts_jobs(words):
        bits |= _BIT["ops_labour"]
    if gives_figures(words):
        bits |= _BIT["earnings"]
    if gives_forecast(words):
        bits |= _BIT["guidance"]
    if is_clinical(words):
        bits |= _BIT["clinical"]
    if announces_date(words) or is_dividend_notice(words):
        bits |= _BIT["no_news"]
    if is_market_report(words):
        bits |= _BIT["no_news"]
    witness = reacts(words)
    if bits & _BIT[_REPORT]:
        pass
    elif is_price_report(words, spans):
        witness = bool(bits & _EVENTS) or states_cause(words, spans, _VERBS | _PUSHES)
        if not witness:
            bits |= _BIT[_REPORT]
    return Reading(tuple(name for name in EVENT_TYPES if bits & _BIT[name]), witness)


def event_types(words: Sequence[str], spans: Sequence[Span] = ()) -> tuple[str, ...]:
    """Return every type the title has a cue of, in the order of priority."""
    return read_events(words, spans).types
